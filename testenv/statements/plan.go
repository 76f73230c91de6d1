package statements

import (
	"errors"
	"sort"
	"time"
)

// Defect is what goes wrong with a payment.
type Defect string

// Defects. Clean is none.
const (
	Clean       Defect = "clean"
	Missing     Defect = "missing"
	Surplus     Defect = "surplus"
	Doubled     Defect = "doubled"
	Split       Defect = "split"
	Merged      Defect = "merged"
	WrongAmount Defect = "wrong-amount"
	WrongKBK    Defect = "wrong-kbk"
	Late        Defect = "late"
	Reversed    Defect = "reversed"
	Foreign     Defect = "foreign"
)

// Defects lists all but Clean, in the order in which they share out a hundred payments.
func Defects() []Defect {
	return []Defect{Missing, Surplus, Doubled, Split, Merged, WrongAmount, WrongKBK, Late, Reversed, Foreign}
}

// LateDays is how many days later a late entry is booked.
const LateDays = 3

// block is what defects are shared out over.
const block = 100

// Config says what to make.
type Config struct {
	// Seed decides everything that is not set here.
	Seed uint64
	// Payments is how many payments to invent, over Days days from From; 30 days from 2026-11-01 by default.
	Payments, Days int
	From           time.Time
	// Source gives the payments instead.
	Source Source
	// Share is how many of every hundred payments meet each defect, an even number for Merged; 2 of each by default. An empty map that is
	// not nil makes statements without defects.
	Share map[Defect]int
	// Account is the account of the statements; Opening its first balance in tiyn; FirstNumber the number of the first statement.
	Account     string
	Opening     int64
	FirstNumber int
}

// Plan makes the statements and the truth of one configuration. It is immutable.
type Plan struct {
	config  Config
	source  Source
	from    time.Time
	starts  []int // first payment of each day, and the end
	kinds   [block]Defect
	opening []int64 // of each day, LateDays included
}

// New plans statements.
func New(c Config) (*Plan, error) {
	if c.Days <= 0 {
		c.Days = 30
	}
	if c.From.IsZero() {
		c.From = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Account == "" {
		c.Account = "KZ916011700111350335"
	}
	if c.FirstNumber == 0 {
		c.FirstNumber = 1
	}
	if c.Share == nil {
		c.Share = map[Defect]int{}
		for _, d := range Defects() {
			c.Share[d] = 2
		}
	}
	p := &Plan{config: c, source: c.Source, from: c.From}
	if p.source == nil {
		perDay := max((c.Payments+c.Days-1)/c.Days, 1)
		perDay = (perDay + block - 1) / block * block // full hundreds, so that shares are exact
		p.source = invented{seed: c.Seed, count: c.Payments, perDay: perDay, persons: max(c.Payments/20, 100), from: c.From}
	}
	if err := p.share(); err != nil {
		return nil, err
	}
	p.split()
	p.balance()
	return p, nil
}

func (p *Plan) share() error {
	at := 0
	for _, d := range Defects() {
		n := p.config.Share[d]
		if n < 0 || at+n > block || (d == Merged && n%2 != 0) {
			return errors.New("shares are counts of a hundred, and merged payments come in pairs")
		}
		for range n {
			p.kinds[at] = d
			at++
		}
	}
	for ; at < block; at++ {
		p.kinds[at] = Clean
	}
	return nil
}

// split finds where each day begins among the payments.
func (p *Plan) split() {
	n := p.source.Len()
	for day := 0; ; day++ {
		at := p.from.AddDate(0, 0, day)
		p.starts = append(p.starts, sort.Search(n, func(i int) bool { return !p.source.Payment(i).Day.Before(at) }))
		if p.starts[day] == n && day >= p.config.Days {
			return
		}
	}
}

// Days is how many statements there are: a day each, those with late entries only included.
func (p *Plan) Days() int { return len(p.starts) - 1 + LateDays }

// Day returns the day of a statement.
func (p *Plan) Day(day int) time.Time { return p.from.AddDate(0, 0, day) }

// Payments is how many payments there are, and Payment gives one of them.
func (p *Plan) Payments() int { return p.source.Len() }

// Payment returns the payment of an index, ordered by day.
func (p *Plan) Payment(i int) Payment { return p.source.Payment(i) }

// slots shuffles the hundred places of a block: slots[k] is the position of the k-th place.
func (p *Plan) slots(day, number int) (order [block]int) {
	for k := range order {
		order[k] = k
	}
	h := p.config.Seed ^ uint64(day)<<40 ^ uint64(number)<<8
	for k := block - 1; k > 0; k-- {
		j := int(mix(h, uint64(k)) % uint64(k+1))
		order[k], order[j] = order[j], order[k]
	}
	return order
}

// fate is what meets one payment: the defect and, of a merged pair, the other.
type fate struct {
	defect  Defect
	partner int // index of the other payment of a pair, -1 for none
}

// fates tells what meets the payments of one block of a day, which begins at payment first and has n of them.
func (p *Plan) fates(day, number, n int) (out [block]fate) {
	order := p.slots(day, number)
	pair := -1
	for k, position := range order {
		f := fate{defect: p.kinds[k], partner: -1}
		if f.defect == Merged {
			if pair < 0 {
				pair = position
				continue
			}
			if pair >= n || position >= n { // the rest of a day is too short for the pair
				out[pair], out[position] = fate{Clean, -1}, fate{Clean, -1}
			} else {
				out[pair], out[position] = fate{Merged, position}, fate{Merged, pair}
			}
			pair = -1
			continue
		}
		out[position] = f
	}
	return out
}

// eachOf calls fn for the payments of a day with their fates, in order.
func (p *Plan) eachOf(day int, fn func(i int, f fate) error) error {
	if day < 0 || day >= len(p.starts)-1 {
		return nil
	}
	first, end := p.starts[day], p.starts[day+1]
	for number := 0; first+number*block < end; number++ {
		from := first + number*block
		n := min(block, end-from)
		fates := p.fates(day, number, n)
		for k := range n {
			f := fates[k]
			if f.partner >= 0 {
				f.partner += from
			}
			if err := fn(from+k, f); err != nil {
				return err
			}
		}
	}
	return nil
}
