package commission

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Item is one debt of a payment.
type Item struct {
	Service, Agency, KBK string
	// Tiyn that is paid; positive.
	Tiyn int64
}

// Charge is what one set of terms comes to in a payment.
type Charge struct {
	// Terms is the id of the terms, the rest is what they say.
	Terms     string         `json:"terms"`
	Bearer    Bearer         `json:"bearer"`
	Rate      int64          `json:"rate,omitempty"`
	Rounding  money.Rounding `json:"rounding,omitempty"`
	Fixed     int64          `json:"fixed,omitempty"`
	Min       int64          `json:"min,omitempty"`
	Max       int64          `json:"max,omitempty"`
	GivenBack GivenBack      `json:"given_back"`
	// Base is what is paid under them, Tiyn the commission.
	Base int64 `json:"base"`
	Tiyn int64 `json:"amount"`
}

// Decision is what a payment costs beside its amount.
type Decision struct {
	Charges []Charge
	// Terms are the ids of the charges of the items; "" where nothing is taken.
	Terms []string
	// Payer and Agency are the shares of each item, by who bears them; they add up to the charges.
	Payer, Agency []int64
}

// Total is what the payer pays on top.
func (d Decision) Total() int64 {
	total := int64(0)
	for _, share := range d.Payer {
		total += share
	}
	return total
}

// Decide finds what a bank takes for a payment on a day. It never is more than [catalog.TiynMax] in all; otherwise
// [money.ErrOverflow].
func Decide(inForce []Terms, bank string, on catalog.Date, items []Item) (Decision, error) {
	d := Decision{Terms: make([]string, len(items)), Payer: make([]int64, len(items)), Agency: make([]int64, len(items))}
	chosen, bases := make([]*Terms, len(items)), map[string]int64{}
	var used []*Terms
	for i, item := range items {
		t := choose(inForce, bank, on, item)
		if chosen[i] = t; t == nil {
			continue
		}
		if !slices.Contains(used, t) {
			used = append(used, t)
		}
		bases[t.ID] += item.Tiyn
		if item.Tiyn <= 0 || bases[t.ID] <= 0 || bases[t.ID] > catalog.TiynMax {
			return Decision{}, fmt.Errorf("couldn't take a commission of %d tiyn: %w", bases[t.ID], money.ErrOverflow)
		}
	}
	sum := int64(0)
	for _, t := range used {
		fee, err := t.Fee(bases[t.ID])
		if err != nil {
			return Decision{}, err
		}
		if fee == 0 {
			continue
		}
		if sum += fee; fee > catalog.TiynMax || sum > catalog.TiynMax {
			return Decision{}, fmt.Errorf("couldn't take commissions of %d tiyn: %w", sum, money.ErrOverflow)
		}
		d.Charges = append(d.Charges, t.charge(bases[t.ID], fee))
		shares, of := d.Payer, weights(items, chosen, t)
		if t.Bearer == Agency {
			shares = d.Agency
		}
		for i, share := range Split(fee, of) {
			shares[i] += share
			if of[i] > 0 {
				d.Terms[i] = t.ID
			}
		}
	}
	return d, nil
}

func (t Terms) charge(base, fee int64) Charge {
	return Charge{
		Terms: t.ID, Bearer: t.Bearer, Rate: t.Rate, Rounding: t.Rounding, Fixed: t.Fixed, Min: t.Min, Max: t.Max, GivenBack: t.GivenBack, Base: base, Tiyn: fee,
	}
}

// Check refuses a charge that its own terms do not come to.
func (c Charge) Check() error {
	again, err := Spec{Bearer: c.Bearer, Rate: c.Rate, Rounding: c.Rounding, Fixed: c.Fixed, Min: c.Min, Max: c.Max}.Fee(c.Base)
	if err == nil && (again != c.Tiyn || c.Tiyn <= 0 || c.Base <= 0 || c.Terms == "") {
		err = fmt.Errorf("couldn't take %d of %d tiyn under %s, which come to %d", c.Tiyn, c.Base, c.Terms, again)
	}
	return err
}

// weights are what each item pays under the terms; 0 under others.
func weights(items []Item, chosen []*Terms, t *Terms) []int64 {
	list := make([]int64, len(items))
	for i, item := range items {
		if chosen[i] == t {
			list[i] = item.Tiyn
		}
	}
	return list
}

// choose finds the terms of an item; nil when nothing is taken for it. A prohibition wins, then the narrower scope, then what
// began later.
func choose(inForce []Terms, bank string, on catalog.Date, item Item) *Terms {
	var best *Terms
	for i := range inForce {
		t := &inForce[i]
		if !t.on(on) || !t.takes(bank, item) {
			continue
		}
		if t.Bearer == Nobody {
			return nil
		}
		if best == nil || t.rank() > best.rank() || (t.rank() == best.rank() && (len(t.KBK) > len(best.KBK) ||
			len(t.KBK) == len(best.KBK) && t.ValidFrom > best.ValidFrom)) {
			best = t
		}
	}
	return best
}

func (s Spec) takes(bank string, item Item) bool {
	return (s.Bearer == Nobody || s.Bank == bank) && (s.Service == "" || s.Service == item.Service) &&
		(s.Agency == "" || s.Agency == item.Agency) && strings.HasPrefix(item.KBK, s.KBK)
}

// rank tells how narrow a scope is.
func (s Spec) rank() int {
	switch {
	case s.Service != "":
		return 3
	case s.Agency != "":
		return 2
	case s.KBK != "":
		return 1
	}
	return 0
}

// Split divides tiyn in proportion to weights, by largest remainders: each share is rounded down, and the tiyn that are left
// go one each to the largest remainders, the first of equals first. The shares add up to tiyn, none is negative, and none is
// farther than one tiyn from its proportion. tiyn and weights are not negative, and not all weights are 0.
func Split(tiyn int64, weights []int64) []int64 {
	shares, rests := make([]int64, len(weights)), make([]uint64, len(weights))
	total, left := uint64(0), tiyn
	for _, w := range weights {
		total += uint64(w) //nolint:gosec // G115: not negative
	}
	if total == 0 || tiyn <= 0 {
		return shares
	}
	for i, w := range weights {
		// w ≤ total, so the quotient is at most tiyn and the 128-bit division cannot overflow.
		hi, lo := bits.Mul64(uint64(tiyn), uint64(w)) //nolint:gosec // G115: not negative
		quotient, rest := bits.Div64(hi, lo, total)
		shares[i], rests[i] = int64(quotient), rest //nolint:gosec // G115: at most tiyn
		left -= shares[i]
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rests[a] > rests[b]:
			return -1
		case rests[a] < rests[b]:
			return 1
		}
		return 0
	})
	for i := range left {
		shares[order[i]]++
	}
	return shares
}
