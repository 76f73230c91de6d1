package refund

import (
	"errors"
	"fmt"
	"slices"

	"qaqpa/payment/catalog"
)

// ItemsMax is the most items of one request.
const ItemsMax = 500

const commentMax = 500

// FieldError says which part of a request breaks which rule.
type FieldError struct{ Field, Rule string }

// Error implements error.
func (e *FieldError) Error() string { return e.Field + " " + e.Rule }

// Normal fills in what follows from the kind.
func (r Request) Normal() Request {
	if r.Then == "" && r.Kind == PayBack {
		r.Then = Closed
	}
	if r.Then == "" && r.Kind == WrongPayer {
		r.Then = Reopened
	}
	return r
}

// Check refuses a normal request that breaks a rule whatever is stored. The error is a [*FieldError].
func (r Request) Check() error {
	switch {
	case !slices.Contains(Kinds(), r.Kind):
		return &FieldError{"kind", "is not refund, wrong-kbk, wrong-payer or returned"}
	case !slices.Contains(Reasons(), r.Reason):
		return &FieldError{"reason", "is not one of the reasons"}
	case len(r.Items) == 0 || len(r.Items) > ItemsMax:
		return &FieldError{"items", fmt.Sprintf("are not 1 to %d", ItemsMax)}
	}
	if err := catalog.CheckText("comment", r.Comment, 1, commentMax); err != nil {
		return &FieldError{"comment", "is not 1 to 500 printable characters"}
	}
	moves := r.Kind == PayBack || r.Kind == WrongPayer
	if moves != (r.Then == Closed || r.Then == Reopened) || (!moves && r.Then != "") {
		return &FieldError{"then", "is closed or reopened, for refunds and wrong payers"}
	}
	if r.Fault && r.Kind != PayBack {
		return &FieldError{"fault", "goes with refunds, and with nothing else"}
	}
	seen := make(map[[3]string]bool, len(r.Items))
	for i, item := range r.Items {
		at := func(field, rule string) error {
			return &FieldError{fmt.Sprintf("items[%d].%s", i, field), rule}
		}
		key := [3]string{item.Order, item.Debt, item.Transfer}
		switch {
		case seen[key]:
			return at("debt", "stands twice in the request")
		case item.Tiyn != nil && (*item.Tiyn <= 0 || *item.Tiyn > catalog.TiynMax):
			return at("amount", "is not a positive number of tiyn")
		case item.Left != nil && (*item.Left < 0 || *item.Left > catalog.TiynMax):
			return at("left", "is not a number of tiyn")
		case (item.Service != "") != (r.Kind == WrongKBK):
			return at("service", "goes with a wrong budget code, and with nothing else")
		case (item.Target != "") != (r.Kind == WrongPayer):
			return at("target", "goes with a wrong payer, and with nothing else")
		case item.Target != "" && item.Target == item.Debt:
			return at("target", "is the debt itself")
		}
		seen[key] = true
	}
	return nil
}

// Share is money that one transfer brought to a beneficiary, and what was done with it. All amounts are tiyn.
type Share struct {
	// Amount that the transfer brought.
	Amount int64
	// Taken by refunds and corrections that were asked for and have not failed.
	Taken int64
	// Returned by the treasury.
	Returned int64
}

// Left is what can still be given back or moved.
func (s Share) Left() int64 { return s.Amount - s.Taken }

// Errors of [Share.Take].
var (
	// ErrTooMuch: more is asked for than is left.
	ErrTooMuch = errors.New("more is asked for than is left")
	// ErrChanged: something else is left than the person saw.
	ErrChanged = errors.New("another amount is left")
)

// Take takes what an item asks for, and returns the share afterwards with the amount. Errors: [ErrTooMuch], [ErrChanged].
func (s Share) Take(kind Kind, item Item) (Share, int64, error) {
	left := s.Left()
	if kind == Returned {
		left = s.Amount - s.Returned
	}
	if item.Left != nil && *item.Left != left {
		return s, 0, fmt.Errorf("%w: %d tiyn", ErrChanged, left)
	}
	amount := left
	if item.Tiyn != nil {
		amount = *item.Tiyn
	}
	if amount <= 0 || amount > left {
		return s, 0, fmt.Errorf("%w: %d of %d tiyn", ErrTooMuch, amount, left)
	}
	if kind == Returned {
		s.Returned += amount
	} else {
		s.Taken += amount
	}
	return s, amount, nil
}

// Give gives back what was taken under a kind, because the refund has failed.
func (s Share) Give(kind Kind, amount int64) Share {
	if kind == Returned {
		s.Returned -= amount
	} else {
		s.Taken -= amount
	}
	return s
}
