package ledger

import "fmt"

// Term tells how a transfer comes to less than the debt that it pays: by a discount, or because it is an instalment.
type Term struct {
	Debt string `json:"debt"`
	// Full is the whole debt, in tiyn.
	Full int64 `json:"full"`
	// Discount was taken off; nil for an instalment.
	Discount *Discount `json:"discount,omitempty"`
	// Rest is what stays owed after this and all earlier instalments, in tiyn; 0 after a discount.
	Rest int64 `json:"rest"`
}

// Discount is what was taken off a debt, and by which rule.
type Discount struct {
	Tiyn int64 `json:"amount"`
	// Percent of the debt, before rounding; Until is the last day of the window, YYYY-MM-DD in Almaty.
	Percent string `json:"percent"`
	Until   string `json:"until"`
}

// Same reports whether two terms say the same.
func (t Term) Same(other Term) bool {
	if (t.Discount == nil) != (other.Discount == nil) || (t.Discount != nil && *t.Discount != *other.Discount) {
		return false
	}
	t.Discount, other.Discount = nil, nil
	return t == other
}

// TermOf returns the term of a debt, or nil where the transfer pays the whole debt.
func (e Entry) TermOf(debt string) *Term {
	for i := range e.Terms {
		if e.Terms[i].Debt == debt {
			return &e.Terms[i]
		}
	}
	return nil
}

// Instalment reports whether the transfer for a debt pays a part of it.
func (e Entry) Instalment(debt string) bool {
	t := e.TermOf(debt)
	return t != nil && t.Discount == nil
}

// checkTerms holds terms to their transfers: one at most for each, in their order, and no part beyond the debt.
func (e Entry) checkTerms() error {
	next := 0
	for _, t := range e.Transfers {
		if next == len(e.Terms) || e.Terms[next].Debt != t.Debt {
			continue
		}
		if !e.Terms[next].covers(t.Tiyn) {
			return fmt.Errorf("%w: the terms of %s do not fit its transfer", ErrJournal, t.Debt)
		}
		next++
	}
	if next != len(e.Terms) {
		return fmt.Errorf("%w: terms of %s without its transfer, or twice", ErrJournal, e.Terms[next].Debt)
	}
	return nil
}

func (t Term) covers(paid int64) bool {
	switch {
	case t.Full <= 0 || t.Rest < 0 || t.Rest > t.Full:
		return false
	case t.Discount != nil:
		return t.Rest == 0 && t.Discount.Tiyn > 0 && paid < t.Full && t.Full-paid == t.Discount.Tiyn && t.Discount.Percent != "" && t.Discount.Until != ""
	}
	return paid <= t.Full-t.Rest
}
