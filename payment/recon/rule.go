package recon

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// ErrRule says that a ladder breaks a rule about rules.
var ErrRule = errors.New("matching rule is not sound")

// Shape says how many lines and expectations one match ties.
type Shape string

// Shapes.
const (
	// OneToOne ties a line to an expectation.
	OneToOne Shape = "one-to-one"
	// OneToMany ties a line to all expectations of a group whose total it carries.
	OneToMany Shape = "one-to-many"
	// ManyToOne ties all lines of a group to the expectation whose amount they add up to.
	ManyToOne Shape = "many-to-one"
)

// Field is what a line and an expectation are compared by.
type Field string

// Fields. The first three identify a payment by themselves; see [Field.Identifies].
const (
	// ByReference is our reference, wherever the bank puts it; see [Reference].
	ByReference Field = "reference"
	// ByUIP is the unique number of the charge, the agency's reference of the debt.
	ByUIP Field = "uip"
	// ByBankReference is the bank's own reference of the payment.
	ByBankReference Field = "bank_reference"
	// ByBatch names the order that the bank booked as one sum; see [Batch].
	ByBatch Field = "batch"
	// ByPayer is the IIN or BIN of who paid.
	ByPayer Field = "payer"
	// ByKBK is the budget code.
	ByKBK Field = "kbk"
)

// Identifies reports whether a value of the field belongs to one payment only.
func (f Field) Identifies() bool { return f == ByReference || f == ByUIP || f == ByBankReference }

func (f Field) known() bool {
	return f.Identifies() || f == ByBatch || f == ByPayer || f == ByKBK
}

// Rule is one step of the ladder.
type Rule struct {
	// Name is stored with each match; 1 to 40 letters, digits and dashes.
	Name  string `json:"name"`
	Shape Shape  `json:"shape"`
	// Forward makes it a rule about money that the bank sends on to the beneficiaries' treasury: only what is to be sent on is looked at, and
	// only by such rules. There a batch names what is to be sent on by itself.
	Forward bool `json:"forward,omitempty"`
	// On lists the fields that must be present on both sides and equal.
	On []Field `json:"on"`
	// Agree lists fields that must be equal where both sides state them. A pair that disagrees is not matched; when On
	// identifies the payment, it becomes a data mismatch.
	Agree []Field `json:"agree,omitempty"`
	// Window bounds how many banking days after the payment the line may be booked; nil means any time.
	Window *Window `json:"window,omitempty"`
	// Members, 2 to 6, lets a line carry that many of a group, if the bank counts as many and only one choice adds up to its
	// amount; 0 means the whole group. From four on the group has at most [ChooseFromMax] members. One-to-many only.
	Members int `json:"members,omitempty"`
	// KeptBack admits a line that carries its payments less the commission which their agency bears, to the tiyn: the bank has kept it back. The
	// difference is booked as paid to the bank. Of several payments one at least has such a commission. Not for instalments, nor for money
	// that is sent on, and only with a reference or a batch: amounts that were reckoned could otherwise be found by chance.
	KeptBack bool `json:"kept_back,omitempty"`
	// Tolerance in tiyn admits a line that differs by at most this much; one-to-one only. The difference is written to
	// the ledger under the name of the rule.
	Tolerance int64 `json:"tolerance,omitempty"`
}

// Window is a range of banking days, both ends included; 0 is the day of the payment.
type Window struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Identifies reports whether the rule's fields name one payment, or one sum to be sent on, by themselves.
func (r Rule) Identifies() bool {
	return slices.ContainsFunc(r.On, Field.Identifies) || (r.Forward && slices.Contains(r.On, ByBatch))
}

// Limits of a ladder.
const (
	rulesMax     = 32
	nameBytesMax = 40
	windowMax    = 60
	toleranceMax = 100_000 // one thousand tenge: more is a decision of a person
)

// Ladder is the order in which rules are tried.
type Ladder []Rule

// DefaultLadder is what a new bank starts with. Rules with a tolerance are not in it: an operator adds them on purpose.
func DefaultLadder() Ladder {
	return Ladder{
		{Name: "reference", Shape: OneToOne, On: []Field{ByReference}, Agree: []Field{ByKBK}},
		{Name: "uip", Shape: OneToOne, On: []Field{ByUIP}, Agree: []Field{ByKBK}},
		{Name: "bank-reference", Shape: OneToOne, On: []Field{ByBankReference}, Agree: []Field{ByKBK}},
		{Name: "instalments", Shape: ManyToOne, On: []Field{ByReference}, Agree: []Field{ByKBK}},
		{Name: "instalments-by-uip", Shape: ManyToOne, On: []Field{ByUIP}, Agree: []Field{ByKBK}},
		// Behind the instalments: who credits the commission by a line of its own has kept nothing back.
		{Name: "kept-back", Shape: OneToOne, On: []Field{ByReference}, Agree: []Field{ByKBK}, KeptBack: true},
		{Name: "kept-back-by-uip", Shape: OneToOne, On: []Field{ByUIP}, Agree: []Field{ByKBK}, KeptBack: true},
		{Name: "kept-back-by-bank", Shape: OneToOne, On: []Field{ByBankReference}, Agree: []Field{ByKBK}, KeptBack: true},
		{Name: "forwarded", Shape: OneToOne, Forward: true, On: []Field{ByBatch}, Agree: []Field{ByPayer, ByKBK}},
		{Name: "forwarded-by-reference", Shape: OneToOne, Forward: true, On: []Field{ByReference}, Agree: []Field{ByPayer, ByKBK}},
		{Name: "forwarded-in-parts", Shape: ManyToOne, Forward: true, On: []Field{ByBatch}, Agree: []Field{ByPayer, ByKBK}},
		{Name: "batch", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{From: 0, To: 5}},
		{Name: "two-of-a-batch", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{From: 0, To: 5}, Members: 2},
		{Name: "three-of-a-batch", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{From: 0, To: 5}, Members: 3},
		{Name: "four-of-a-batch", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{From: 0, To: 5}, Members: 4},
		{Name: "batch-kept-back", Shape: OneToMany, On: []Field{ByBatch}, Window: &Window{From: 0, To: 5}, KeptBack: true},
		{Name: "batch-of-day", Shape: OneToMany, On: []Field{ByKBK}, Window: &Window{From: 0, To: 1}},
		{Name: "merged-by-payer", Shape: OneToMany, On: []Field{ByPayer}, Window: &Window{From: 0, To: 3}},
		{Name: "payer-kbk-same-day", Shape: OneToOne, On: []Field{ByPayer, ByKBK}, Window: &Window{From: 0, To: 0}},
		{Name: "payer-kbk-next-day", Shape: OneToOne, On: []Field{ByPayer, ByKBK}, Window: &Window{From: 0, To: 1}},
		{Name: "forwarded-of-day", Shape: OneToOne, Forward: true, On: []Field{ByPayer, ByKBK}, Window: &Window{From: 0, To: 3}},
		{Name: "forwarded-together", Shape: OneToMany, Forward: true, On: []Field{ByPayer}, Window: &Window{From: 0, To: 3}},
	}
}

// Own reports whether somebody made the rule himself: under its name none stands in [DefaultLadder], or one that differs.
func (r Rule) Own() bool {
	return !slices.ContainsFunc(DefaultLadder(), func(d Rule) bool { return d.Name == r.Name && reflect.DeepEqual(d, r) })
}

// Check refuses a ladder whose rules are unknown, repeat a name, or could match what nothing ties together. Errors wrap
// [ErrRule].
func (l Ladder) Check() error {
	if len(l) == 0 || len(l) > rulesMax {
		return fmt.Errorf("%w: %d rules", ErrRule, len(l))
	}
	seen, weak := map[string]bool{}, false
	for _, r := range l {
		if err := r.check(); err != nil {
			return err
		}
		if seen[r.Name] {
			return fmt.Errorf("%w: %q stands twice", ErrRule, r.Name)
		}
		if weak && r.Identifies() {
			// A weak rule before it could take the line of another payment whose own reference stands on it.
			return fmt.Errorf("%w: %s identifies a payment and stands behind a rule that does not", ErrRule, r.Name)
		}
		seen[r.Name], weak = true, weak || !r.Identifies()
	}
	return nil
}

func (r Rule) check() error {
	if !plainName(r.Name) {
		return fmt.Errorf("%w: name %q", ErrRule, r.Name)
	}
	if r.Shape != OneToOne && r.Shape != OneToMany && r.Shape != ManyToOne {
		return fmt.Errorf("%w: %s has shape %q", ErrRule, r.Name, string(r.Shape))
	}
	for i, f := range slices.Concat(r.On, r.Agree) {
		if !f.known() || slices.Contains(slices.Concat(r.On, r.Agree)[:i], f) {
			return fmt.Errorf("%w: %s compares %q", ErrRule, r.Name, string(f))
		}
	}
	switch {
	case len(r.On) == 0:
		// Amount and day alone: any two people who pay the same fee on one day would be confused.
		return fmt.Errorf("%w: %s compares nothing but the amount", ErrRule, r.Name)
	case !r.Identifies() && r.Window == nil:
		return fmt.Errorf("%w: %s identifies no payment and has no window", ErrRule, r.Name)
	case r.Window != nil && (r.Window.From < 0 || r.Window.To < r.Window.From || r.Window.To > windowMax):
		return fmt.Errorf("%w: window of %s", ErrRule, r.Name)
	case r.Tolerance < 0 || r.Tolerance > toleranceMax || (r.Tolerance > 0 && (r.Shape != OneToOne || !r.Identifies())):
		// A tolerance without an identifying field would match neighbours.
		return fmt.Errorf("%w: tolerance of %s", ErrRule, r.Name)
	case r.KeptBack && (r.Forward || r.Shape == ManyToOne || r.Tolerance > 0 || r.Members > JoinedMembersMax || (!r.Identifies() && !slices.Contains(r.On, ByBatch))):
		return fmt.Errorf("%w: %s keeps back what it could not tell", ErrRule, r.Name)
	case len(r.On) > 1 && r.Identifies() && r.Shape != OneToOne:
		return fmt.Errorf("%w: %s groups by more than the reference", ErrRule, r.Name)
	case r.Shape == ManyToOne && !r.Identifies():
		return fmt.Errorf("%w: %s would add up lines that nothing ties together", ErrRule, r.Name)
	case r.Members != 0 && (r.Members < 2 || r.Members > MembersMax || r.Shape != OneToMany):
		return fmt.Errorf("%w: members of %s", ErrRule, r.Name)
	case r.Shape == OneToOne && slices.Contains(r.On, ByBatch) && !r.Forward:
		return fmt.Errorf("%w: %s takes a batch for one payment", ErrRule, r.Name)
	case r.Shape == OneToMany && r.Identifies():
		return fmt.Errorf("%w: %s looks for several payments under the reference of one", ErrRule, r.Name)
	}
	return nil
}

func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= nameBytesMax
}
