package payment

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jmoiron/sqlx"
	"golang.org/x/time/rate"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
)

const (
	// NumberRunesMax is how long the number of a debt is at most, in characters.
	NumberRunesMax = 64
	// numberRunesMin is how long a number is that registers are asked about: shorter ones are words that somebody looks for.
	numberRunesMin = 3
	// numbersAtOnce and numbersPause bound how many numbers are asked about for one payer: so many, and one more after each pause.
	numbersAtOnce = 10
	numbersPause  = time.Minute
	// numbersKept bounds what a process remembers of payers and of numbers.
	numbersKept = 20_000
)

// numbers remembers who asked how often for numbers, and for which. Its zero value is ready.
type numbers struct {
	mu    sync.Mutex
	rates *lru.Cache[string, *rate.Limiter]
	asked *lru.Cache[string, time.Time]
}

// may reports whether registers may be asked for one more number for a payer. The attack: somebody who has signed in tries numbers out; he
// learns of nobody else's debts, but each of his tries is a question to every register.
func (n *numbers) may(payer string, at time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.make()
	l, known := n.rates.Get(payer)
	if !known {
		l = rate.NewLimiter(rate.Every(numbersPause), numbersAtOnce)
		n.rates.Add(payer, l)
	}
	return l.AllowN(at, 1)
}

func (n *numbers) make() {
	if n.rates == nil {
		n.rates, _ = lru.New[string, *rate.Limiter](numbersKept) // fails for a negative size only
		n.asked, _ = lru.New[string, time.Time](numbersKept)
	}
}

// last is when a register was asked for a number on behalf of a payer; nil for never, or long ago.
func (n *numbers) last(key string) *time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.make()
	if at, known := n.asked.Get(key); known {
		return &at
	}
	return nil
}

func (n *numbers) note(key string, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.make()
	n.asked.Add(key, at)
}

// isNumber reports whether a text can be the number of a debt: 3 to 64 characters without control characters, at least one of them a digit.
func isNumber(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= numberRunesMin && catalog.CheckText("reference", text, 1, NumberRunesMax) == nil && strings.ContainsAny(text, "0123456789")
}

// LookUpNumber asks the agencies that keep their own register, and can be asked so, for the debt of which somebody knows only the number, and
// lists the debts of q's payer that have it. The question names nobody. What is another payer's is neither stored nor shown: such a number
// and one that nobody knows have the same answer. actor is as in [Service.LookUp]. Registers is nil when nobody was asked: the text can be no
// number, or no register takes them.
func (s *Service) LookUpNumber(ctx context.Context, actor string, q DebtQuery) (DebtPage, error) {
	if !catalog.ValidPayerID(q.Payer) {
		return DebtPage{}, ErrPayerIDInvalid.at("payer")
	}
	var answers []RegisterAnswer
	if q.After == "" && (q.State == "" || q.State == debt.Open) && isNumber(q.Reference) {
		rows, err := s.registersFor(ctx, q.Payer, q.Agency)
		if err != nil {
			return DebtPage{}, err
		}
		rows = slices.DeleteFunc(rows, func(r registerRow) bool { return !r.ByReference })
		if answers, err = s.askNumber(ctx, actor, q, rows); err != nil {
			return DebtPage{}, err
		}
	}
	page, err := s.Debts(ctx, q)
	page.Registers = answers
	return page, err
}

// askNumber asks registers for a number, within the limits of the payer.
func (s *Service) askNumber(ctx context.Context, actor string, q DebtQuery, rows []registerRow) ([]RegisterAnswer, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	now, stale := s.now(), false
	for i := range rows {
		r := &rows[i]
		r.AskedAt, r.AsOf = s.inquiries.numbers.last(r.numberKey(q)), nil
		stale = stale || !r.fresh(now)
	}
	if stale && !s.inquiries.numbers.may(q.Payer, now) {
		answers := make([]RegisterAnswer, len(rows))
		for i, r := range rows {
			answers[i] = r.answer()
			answers[i].Problem = registerNotAsked
		}
		return answers, nil
	}
	answers, err := s.askAll(ctx, actor, q.Payer, q.Reference, rows)
	for i, a := range answers {
		if a.Outcome == RegisterAnswered && !a.overtaken { // what was not taken in stands for no other answer
			s.inquiries.numbers.note(rows[i].numberKey(q), now)
		}
	}
	return answers, err
}

func (r registerRow) numberKey(q DebtQuery) string {
	return r.Agency + "/" + q.Payer + "/" + q.Reference
}

// Overlaid is what registers said of a payer, with what those said of a number that were asked for it.
func Overlaid(of, over []RegisterAnswer) []RegisterAnswer {
	out := slices.Clone(of)
	for _, a := range over {
		if i := slices.IndexFunc(out, func(o RegisterAnswer) bool { return o.Agency == a.Agency }); i < 0 {
			out = append(out, a)
		} else if a.Outcome == RegisterSilent {
			out[i] = a
		}
	}
	return out
}

// own are the debts of an answer about a number that are those of who looks.
func (q question) own(stated []debt.Item) []debt.Item {
	return slices.DeleteFunc(slices.Clone(stated), func(i debt.Item) bool { return i.Payer.ID != q.payer })
}

// newerOfNumber locks the debt that has the number, and returns of when its register's data were if they are newer than the answer's.
func (s *Service) newerOfNumber(ctx context.Context, tx *sqlx.Tx, q question, r registerRow, found answered) (*time.Time, error) {
	var stated []time.Time
	if err := all(ctx, tx, &stated, `SELECT coalesce(reference_as_of, 'epoch') FROM debts WHERE bucket = $1 AND payer_id = ANY($2) AND agency_id = $3 AND reference = $4 FOR UPDATE`,
		bucketOf(q.payer), s.private.forms(q.payer), r.Agency, q.Reference); err != nil {
		return nil, err
	}
	for _, at := range stated {
		if at.After(found.AsOf) {
			return utc(&at), nil
		}
	}
	return nil, nil //nolint:nilnil // nothing is newer
}
