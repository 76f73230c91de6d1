package statements

import (
	"fmt"
	"io"
	"time"
)

// Entry is what the bank books.
type Entry struct {
	Payment
	// BankRef names the entry; no other has it.
	BankRef string
	// Place says where the payment's reference stands: "e2e", "instr", "ntry" or "uip"; "none" for a surplus.
	Place string
	// Currency is KZT, or USD for a foreign entry, whose Tiyn are cents then.
	Currency string
	// Debit marks a reversal.
	Debit bool
	// Count is above 0 for a batch without details.
	Count int
	// Booked is the day of the statement.
	Booked time.Time
}

// entriesOf calls fn for every entry of a payment that is booked at once, late ones included: the caller knows the day.
func (p *Plan) entriesOf(i int, f fate, fn func(e *Entry) error) error {
	e := Entry{Payment: p.source.Payment(i), BankRef: bankRef(i, 'A'), Place: "e2e", Currency: "KZT"}
	e.Booked = e.Day
	h := mix(p.config.Seed^0xBA2D, uint64(i))
	switch f.defect {
	case Missing:
		return nil
	case Clean:
		e.Place = placeOf(h)
	case Surplus:
		if err := fn(&e); err != nil {
			return err
		}
		e = p.surplus(i, e)
	case Doubled, Reversed:
		if err := fn(&e); err != nil {
			return err
		}
		e.BankRef, e.Debit = bankRef(i, 'B'), f.defect == Reversed
	case Split:
		rest := e.Tiyn/4 + int64(h%uint64(e.Tiyn/2+1))
		rest = min(max(rest, 1), e.Tiyn-1)
		e.Tiyn -= rest
		if err := fn(&e); err != nil {
			return err
		}
		e.Tiyn, e.BankRef = rest, bankRef(i, 'B')
	case Merged:
		if f.partner < i {
			return nil // the first of the pair has the entry
		}
		e.Tiyn += p.source.Payment(f.partner).Tiyn
		e.Count = 2
	case WrongAmount:
		difference := 1 + int64(h%10000)
		if h>>32%2 == 0 && difference < e.Tiyn {
			difference = -difference
		}
		e.Tiyn += difference
	case WrongKBK:
		e.KBK = "105278"
	case Late:
		e.Booked = e.Day.AddDate(0, 0, LateDays)
	case Foreign:
		e.Currency = "USD"
		e.Tiyn = e.Tiyn/500 + 1
	}
	return fn(&e)
}

// surplus makes an entry of a payer whom no payment has.
func (p *Plan) surplus(i int, e Entry) Entry {
	h := mix(p.config.Seed^0x50B, uint64(i))
	e.Ref, e.UIP = fmt.Sprintf("X%012d", h%1_000_000_000_000), fmt.Sprintf("99%010d", i)
	e.PayerID, e.PayerName = personID(2_000_000_000+i), "БЕЛГІСІЗ ТӨЛЕУШІ"
	e.PayerAccount = iban("601", fmt.Sprintf("%013d", h%10_000_000_000_000))
	e.Tiyn += int64(h % 5000)
	e.BankRef, e.Place = bankRef(i, 'S'), "none"
	return e
}

func bankRef(i int, part byte) string { return fmt.Sprintf("FT%010d%c", i, part) }

// placeOf spreads the reference of clean entries over the places where real banks put it.
func placeOf(h uint64) string {
	switch n := h % 20; {
	case n < 2:
		return "uip"
	case n == 2:
		return "instr"
	case n == 3:
		return "ntry"
	}
	return "e2e"
}

// Entries calls fn for the entries of one statement in their order: those of the day's payments, then the late ones. The entry is
// valid until fn returns.
func (p *Plan) Entries(day int, fn func(e *Entry) error) error {
	err := p.eachOf(day, func(i int, f fate) error {
		if f.defect == Late {
			return nil
		}
		return p.entriesOf(i, f, fn)
	})
	if err != nil {
		return err
	}
	return p.eachOf(day-LateDays, func(i int, f fate) error {
		if f.defect != Late {
			return nil
		}
		return p.entriesOf(i, f, fn)
	})
}

// balance sums the days up once, since a statement tells its closing balance before its entries.
func (p *Plan) balance() {
	at := p.config.Opening
	for day := range p.Days() {
		p.opening = append(p.opening, at)
		_ = p.Entries(day, func(e *Entry) error {
			switch {
			case e.Currency != "KZT":
			case e.Debit:
				at -= e.Tiyn
			default:
				at += e.Tiyn
			}
			return nil
		})
	}
	p.opening = append(p.opening, at)
}

// Opening is the balance before the statement of a day; that of day [Plan.Days] is the last closing one.
func (p *Plan) Opening(day int) int64 { return p.opening[day] }

// Fact is the truth about one payment, or about an entry of none.
type Fact struct {
	// Payment is the reference, empty for a surplus entry; Index its index, -1 then.
	Payment string
	Index   int
	Defect  Defect
	// Entries are the bank's references of what belongs to it.
	Entries []string
	Day     time.Time
}

// Truth calls fn for every fact, ordered by payment. The fact is valid until fn returns.
func (p *Plan) Truth(fn func(f *Fact) error) error {
	for day := range len(p.starts) - 1 {
		err := p.eachOf(day, func(i int, f fate) error {
			pay := p.source.Payment(i)
			fact := Fact{Payment: pay.Ref, Index: i, Defect: f.defect, Day: pay.Day}
			owner := i
			if f.defect == Merged && f.partner < i {
				owner = f.partner
			}
			var foreign string
			err := p.entriesOf(owner, p.fateOf(owner, i, f), func(e *Entry) error {
				if e.Place == "none" {
					foreign = e.BankRef
				} else {
					fact.Entries = append(fact.Entries, e.BankRef)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if foreign == "" {
				return fn(&fact)
			}
			fact.Defect = Clean
			if err := fn(&fact); err != nil {
				return err
			}
			return fn(&Fact{Index: -1, Defect: Surplus, Entries: []string{foreign}, Day: pay.Day})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fateOf is the fate of owner, seen from payment i of the same pair.
func (p *Plan) fateOf(owner, i int, f fate) fate {
	if owner == i {
		return f
	}
	return fate{defect: Merged, partner: i}
}

// WriteTruth writes the facts as lines of JSON.
func (p *Plan) WriteTruth(w io.Writer) error {
	line := make([]byte, 0, 256)
	return p.Truth(func(f *Fact) error {
		line = fmt.Appendf(line[:0], `{"payment":%q,"defect":%q,"entries":[`, f.Payment, f.Defect)
		for k, e := range f.Entries {
			if k > 0 {
				line = append(line, ',')
			}
			line = fmt.Appendf(line, "%q", e)
		}
		line = fmt.Appendf(line, `],"day":%q}`+"\n", f.Day.Format(time.DateOnly))
		_, err := w.Write(line)
		return err
	})
}
