package recon

import (
	"cmp"
	"slices"
)

// Limits of choosing: the choices grow with the power of the members, so the group is bounded and so is the work.
const (
	// JoinedMembersMax is how many members the database finds by joins.
	JoinedMembersMax = 3
	// MembersMax is how many members a choice has at most.
	MembersMax = 6
	// ChooseFromMax bounds the group from which more than three are chosen.
	ChooseFromMax = 24
	// ChooseStepsMax bounds the steps of one search; the worst group and six members take fewer than 200,000.
	ChooseStepsMax = 250_000
)

// Choose finds which members, that many of them, add up to the sum. Amounts are positive. It returns the places of the only choice, ascending;
// several is true when there is another one, or when the search was given up: then nobody may say that a choice is the only one.
func Choose(amounts []int64, members int, sum int64) (choice []int, several bool) {
	if members < 1 || members > MembersMax || len(amounts) < members || len(amounts) > ChooseFromMax {
		return nil, false
	}
	c := chooser{members: members}
	for place, a := range amounts {
		if a > 0 && a <= sum {
			c.parts = append(c.parts, part{a, place})
		}
	}
	slices.SortFunc(c.parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.amount, a.amount), cmp.Compare(a.place, b.place)) })
	c.search(0, sum)
	if c.found > 1 || c.steps > ChooseStepsMax {
		return nil, c.found > 1 || c.steps > ChooseStepsMax
	}
	slices.Sort(c.choice)
	return c.choice, false
}

type part struct {
	amount int64
	place  int
}

// chooser goes through the parts from the largest down.
type chooser struct {
	parts   []part
	members int
	taken   []int
	choice  []int
	found   int
	steps   int
}

// search adds members from the given part on until the rest is used up. It ends at the second choice, and when it took too long.
func (c *chooser) search(from int, rest int64) {
	missing := c.members - len(c.taken)
	if missing == 0 {
		if rest == 0 {
			c.found++
			c.choice = slices.Clone(c.taken)
		}
		return
	}
	for i := from; i+missing <= len(c.parts) && c.found < 2; i++ {
		if c.steps++; c.steps > ChooseStepsMax {
			return
		}
		// The largest that are left cannot reach the rest, and no later ones can. A quotient, because a product could overflow.
		if c.parts[i].amount < (rest+int64(missing)-1)/int64(missing) {
			return
		}
		if c.parts[i].amount > rest {
			continue
		}
		c.taken = append(c.taken, c.parts[i].place)
		c.search(i+1, rest-c.parts[i].amount)
		c.taken = c.taken[:len(c.taken)-1]
	}
}
