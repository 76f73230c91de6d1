package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"qaqpa/payment/money"
)

// ErrTransfer says that a transfer breaks a rule of the ledger.
var ErrTransfer = errors.New("transfer breaks a rule of the ledger")

// Account names an account of the ledger, such as "bank:TSESKZKA:due".
type Account string

// BankDue is what a bank owes after it has executed payments (R6).
func BankDue(bic string) Account { return Account("bank:" + bic + ":due") }

// BeneficiaryDue is what an agency is due under a budget code.
func BeneficiaryDue(agency, kbk string) Account {
	return Account("beneficiary:" + agency + ":" + kbk + ":due")
}

// Valid reports whether the name is of one of the known kinds.
func (a Account) Valid() bool {
	parts := strings.Split(string(a), ":")
	if slices.Contains(parts, "") {
		return false
	}
	switch {
	case len(parts) == 3 && parts[0] == "bank" && parts[2] == "due":
		return true
	case len(parts) == 4 && parts[0] == "beneficiary" && parts[3] == "due":
		return true
	}
	return false
}

// Transfer moves money between two accounts.
type Transfer struct {
	// ID is "trf_", two hex digits of the bucket, 32 hex digits.
	ID     string  `json:"id"`
	Debt   string  `json:"debt"`
	Debit  Account `json:"debit"`
	Credit Account `json:"credit"`
	money.Amount
}

// Check refuses a transfer that breaks a rule. Errors wrap [ErrTransfer].
func (t Transfer) Check() error {
	switch {
	case !t.Positive():
		return fmt.Errorf("%w: amount %d %s", ErrTransfer, t.Tiyn, t.Currency)
	case t.Debit == t.Credit:
		return fmt.Errorf("%w: from %s to itself", ErrTransfer, t.Debit)
	case !t.Debit.Valid() || !t.Credit.Valid():
		return fmt.Errorf("%w: account %q or %q", ErrTransfer, string(t.Debit), string(t.Credit))
	case t.ID == "" || t.Debt == "":
		return fmt.Errorf("%w: id or debt is missing", ErrTransfer)
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
