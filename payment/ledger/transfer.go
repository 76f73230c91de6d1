package ledger

import (
	"errors"
	"fmt"

	"qaqpa/payment/money"
)

// ErrTransfer says that a transfer breaks a rule of the ledger.
var ErrTransfer = errors.New("transfer breaks a rule of the ledger")

// Transfer moves money between two accounts.
type Transfer struct {
	// ID is "trf_", two hex digits of the bucket, 32 hex digits.
	ID string `json:"id"`
	// Debt that the transfer pays or corrects; empty for money that belongs to no single debt.
	Debt   string  `json:"debt"`
	Debit  Account `json:"debit"`
	Credit Account `json:"credit"`
	money.Amount
}

// Check refuses a transfer of a payment that breaks a rule. Errors wrap [ErrTransfer].
func (t Transfer) Check() error {
	if t.Debt == "" {
		return fmt.Errorf("%w: the debt is missing", ErrTransfer)
	}
	return t.sound()
}

// sound holds what every transfer must keep to.
func (t Transfer) sound() error {
	switch {
	case !t.Positive():
		return fmt.Errorf("%w: amount %d %s", ErrTransfer, t.Tiyn, t.Currency)
	case t.Debit == t.Credit:
		return fmt.Errorf("%w: from %s to itself", ErrTransfer, t.Debit)
	case !t.Debit.Valid() || !t.Credit.Valid():
		return fmt.Errorf("%w: account %q or %q", ErrTransfer, string(t.Debit), string(t.Credit))
	case t.ID == "":
		return fmt.Errorf("%w: the id is missing", ErrTransfer)
	}
	return nil
}

// Balances adds transfers up per account, debits positive. Whatever the transfers, the sum over all accounts is zero.
type Balances map[Account]int64

// Add posts a transfer, or returns [money.ErrOverflow].
func (b Balances) Add(t Transfer) error {
	debit, err := money.FromTiyn(b[t.Debit]).Plus(money.FromTiyn(t.Tiyn))
	if err != nil {
		return fmt.Errorf("couldn't post to %s: %w", t.Debit, err)
	}
	credit, err := money.FromTiyn(b[t.Credit]).Plus(money.FromTiyn(-t.Tiyn))
	if err != nil {
		return fmt.Errorf("couldn't post to %s: %w", t.Credit, err)
	}
	b[t.Debit], b[t.Credit] = debit.Tiyn, credit.Tiyn
	return nil
}
