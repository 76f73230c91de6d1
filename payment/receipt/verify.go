package receipt

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"qaqpa/payment/canon"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// ErrReceipt says that a receipt contradicts itself or its journal entry.
var ErrReceipt = errors.New("receipt does not hold")

// Encode renders the core in canonical JSON.
func (c Core) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return canon.Marshal(c)
}

// Decode reads a core, which must be canonical and state every field, and holds it to its own rules. It does not check the proof; see
// [Verify]. Errors wrap [ErrReceipt].
func Decode(core []byte) (Core, error) {
	var c Core
	if err := canon.DecodeExact(core, &c); err != nil {
		return Core{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return c, c.check()
}

// check holds a core to the rules that need nothing beside it.
func (c Core) check() error {
	if c.Type != Type || c.Version != Version || c.ID == "" || c.Order == "" || len(c.Items) == 0 {
		return fmt.Errorf("%w: type %q version %d with %d items", ErrReceipt, c.Type, c.Version, len(c.Items))
	}
	if code, _, err := ParseCode(c.Code); err != nil || code != c.Code {
		return fmt.Errorf("%w: code %q", ErrReceipt, c.Code)
	}
	total := money.FromTiyn(0)
	for _, item := range c.Items {
		if !item.Positive() {
			return fmt.Errorf("%w: item of %d %s", ErrReceipt, item.Tiyn, item.Currency)
		}
		var err error
		if total, err = total.Plus(item.Amount); err != nil {
			return fmt.Errorf("%w: %w", ErrReceipt, err)
		}
	}
	if total != c.Amount {
		return fmt.Errorf("%w: items of %s for %s", ErrReceipt, total.Decimal(), c.Decimal())
	}
	if taken := c.Commission; taken != nil {
		if debit, err := c.Plus(money.FromTiyn(taken.Tiyn)); err != nil || taken.Tiyn <= 0 || debit.Tiyn != taken.Debit {
			return fmt.Errorf("%w: commission of %d tiyn makes a debit of %d", ErrReceipt, taken.Tiyn, taken.Debit)
		}
	}
	for _, at := range []string{c.ExecutedAt, c.IssuedAt} {
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			return fmt.Errorf("%w: time %q", ErrReceipt, at)
		}
	}
	return nil
}

// Verify decides offline whether the payment of a receipt stands in the journal: the core is canonical and consistent,
// its leaf is included under a checkpoint that one of the keys signed, and everything that the leaf says agrees with
// the receipt. It does not check the seal over the core, which is a CMS signature of its own, nor that the checkpoint is
// one that others have seen. Errors wrap [ErrReceipt], ledger.ErrProof, ledger.ErrCheckpoint or ledger.ErrJournal.
func Verify(core []byte, keys note.Verifiers) (Core, ledger.Checkpoint, error) {
	c, err := Decode(core)
	if err != nil {
		return Core{}, ledger.Checkpoint{}, err
	}
	entry, checkpoint, err := c.Journal.Verify(keys)
	if err != nil {
		return Core{}, ledger.Checkpoint{}, fmt.Errorf("couldn't verify the journal entry of %s: %w", c.ID, err)
	}
	if err := c.agrees(entry); err != nil {
		return Core{}, ledger.Checkpoint{}, err
	}
	return c, checkpoint, nil
}

// VerifySealed is [Verify] for who has the seal over the core and no key of checkpoints; see [ledger.Proof.VerifyUnsigned]. The
// seal has to be judged beside. Errors as there.
func VerifySealed(core []byte) (Core, ledger.Checkpoint, error) {
	c, err := Decode(core)
	if err != nil {
		return Core{}, ledger.Checkpoint{}, err
	}
	entry, checkpoint, err := c.Journal.VerifyUnsigned()
	if err != nil {
		return Core{}, ledger.Checkpoint{}, fmt.Errorf("couldn't verify the journal entry of %s: %w", c.ID, err)
	}
	if err := c.agrees(entry); err != nil {
		return Core{}, ledger.Checkpoint{}, err
	}
	return c, checkpoint, nil
}

// agrees compares receipt and leaf, field by field.
func (c Core) agrees(e ledger.Entry) error {
	for _, one := range []struct {
		name         string
		receipt, log string
	}{
		{"order", c.Order, e.Order},
		{"amount", c.Decimal(), e.Decimal()},
		{"bank", c.Bank.BIC, e.Bank},
		{"bank_reference", c.BankReference, e.BankReference},
		{"executed_at", c.ExecutedAt, e.ExecutedAt},
		{"document_sha256", c.DocumentSHA256, e.DocumentSHA256},
		{"payer", ledger.PayerCommitment(c.Nonce, c.Payer.ID), e.PayerSHA256},
	} {
		if one.receipt != one.log {
			return fmt.Errorf("%w: %s differs from the journal", ErrReceipt, one.name)
		}
	}
	if len(c.Items) != len(e.Transfers) {
		return fmt.Errorf("%w: %d items for %d transfers", ErrReceipt, len(c.Items), len(e.Transfers))
	}
	transfers := make(map[string]ledger.Transfer, len(e.Transfers))
	for _, t := range e.Transfers {
		transfers[t.ID] = t
	}
	for _, item := range c.Items {
		t, known := transfers[item.Transfer]
		delete(transfers, item.Transfer) // one transfer pays one item
		if !known || t.Debt != item.Debt || t.Amount != item.Amount ||
			t.Debit != ledger.BankDue(c.Bank.BIC) || t.Credit != ledger.BeneficiaryDue(item.Agency, item.KBK) {
			return fmt.Errorf("%w: item %s differs from the journal", ErrReceipt, item.Debt)
		}
		if term := e.TermOf(item.Debt); (term == nil) != (item.Term == nil) || (term != nil && !term.Same(*item.Term)) {
			return fmt.Errorf("%w: terms of item %s differ from the journal", ErrReceipt, item.Debt)
		}
	}
	return nil
}
