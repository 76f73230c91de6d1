package payment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// bankBooking is all statements of one bank in a file, on their way into ledger and exceptions: they are matched together, so that a
// month costs no more than a day of as many lines.
type bankBooking struct {
	*intake
	tx         *sqlx.Tx
	days       recon.Calendar
	head       headRow
	ladder     recon.Ladder
	statements []*booking
}

// run books them. Lines are stored already.
func (b *bankBooking) run(ctx context.Context, parsed []parsedStatement, sum []byte) error {
	var err error
	account := parsed[0].account
	if b.head, err = lockHead(ctx, b.tx, account.Bucket, account.Bank); err != nil {
		return err
	}
	if b.ladder, err = b.head.rules(); err != nil {
		return err
	}
	for _, p := range parsed {
		s := &booking{intake: b.intake, tx: b.tx, sum: sum, ladder: b.head.LadderVersion, parsedStatement: p}
		b.statements = append(b.statements, s)
		if err := s.begin(ctx); err != nil {
			return err
		}
		if !b.days.Knows(p.to.Year()) {
			year := strconv.Itoa(p.to.Year())
			s.report.warn(noticeCalendar, year, "the calendar has no days of "+year+": terms count holidays as working days (qaqpa reconcile set-days)")
		}
	}
	booked := slices.DeleteFunc(slices.Clone(b.statements), func(s *booking) bool { return s.noted })
	if len(booked) == 0 {
		return nil
	}
	m := &matcher{tx: b.tx, head: b.head, from: booked[0].from, ladder: b.ladder, days: b.days, owing: map[string]int64{}}
	if b.probe != nil && b.probe.bank == b.head.Bank {
		m.probe = b.probe
	}
	for _, s := range booked {
		m.statements, m.lines = append(m.statements, s.id), m.lines+s.lines
		if s.from.Before(m.from) {
			m.from = s.from
		}
	}
	m.returned = returnedTo(b.head.Bank, booked)
	if err := b.forward(ctx, booked); err != nil {
		return err
	}
	if err := m.run(ctx); err != nil {
		return err
	}
	return b.settle(ctx, m, booked)
}

// settle posts what was matched and lists what was not.
func (b *bankBooking) settle(ctx context.Context, m *matcher, booked []*booking) error {
	if err := b.list(ctx, m); err != nil {
		return err
	}
	if err := b.matched(ctx, m, booked); err != nil {
		return err
	}
	for i, s := range booked {
		if i+1 == len(booked) || booked[i+1].account.Account != s.account.Account { // the last of its account
			if err := s.continuity(ctx); err != nil {
				return err
			}
		}
	}
	if err := b.missing(ctx); err != nil {
		return err
	}
	if err := b.count(ctx, m, booked); err != nil {
		return err
	}
	return m.drop(ctx)
}

// list makes exceptions of the lines that stay over, and voids those of earlier statements that became clear.
func (b *bankBooking) list(ctx context.Context, m *matcher) error {
	if err := exec(ctx, b.tx, -1, `
		INSERT INTO recon_exceptions (bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, related, rule, owner, opened_on, version,
			proposal, proposed_by, resolution, posting_id, changed_at)
		SELECT $1, l.statement, l.no, l.part, 0, s.bank_bic, s.account,
			CASE WHEN l.kind <> '' THEN l.kind WHEN l.amount > 0 THEN 'surplus' WHEN l.reverses THEN 'reversal' ELSE 'withdrawal' END,
			'open', l.amount, nullif(l.related, 0), l.rule, '', s.closed_on, 1, '', '', '', '', $3
		FROM rest_lines l JOIN statements s ON s.bucket = $1 AND s.id = l.statement WHERE l.statement = ANY($2) ORDER BY l.line`,
		b.head.Bucket, pq.Array(m.statements), b.now); err != nil {
		return err
	}
	return exec(ctx, b.tx, -1, `
		UPDATE recon_exceptions e SET state = 'void', resolution = 'matched since', changed_at = $3, version = version + 1
		FROM rest_made m WHERE m.statement <> ALL($2) AND e.bucket = $1 AND e.statement = m.statement AND e.no = m.no AND e.part = m.part AND e.missing = 0
			AND e.state NOT IN `+settledStates, b.head.Bucket, pq.Array(m.statements), b.now)
}

// matchedSum is what one rule matched of one statement, in one direction, and with one sign of difference: or differences would cancel out.
type matchedSum struct {
	Statement int64  `db:"statement"`
	Bank      string `db:"bank_bic"`
	Account   string `db:"account"`
	Rule      int    `db:"rule"`
	Direction int64  `db:"direction"`
	Lines     int64  `db:"lines"`
	Paid      int64  `db:"paid"`
	Owed      int64  `db:"owed"`
	// Forward says that it is money which was sent on.
	Forward bool `db:"forward"`
	// Kept is what of the difference the bank has kept back of commissions; its legs are told apart by agencies, see [recon.KeptLegs].
	Kept int64 `db:"kept"`
}

// matchedBy sums up what the ladder has just matched.
const matchedBy = `
	SELECT t.statement, s.bank_bic, s.account, t.rule, t.direction, t.lines, t.paid, t.owed FROM (
		SELECT statement, 1 AS rule, sign(amount)::bigint AS direction, 0 AS difference, count(*) AS lines, sum(abs(amount))::bigint AS paid, sum(abs(amount))::bigint AS owed
		FROM rest_first WHERE expectation IS NOT NULL GROUP BY statement, sign(amount)
		UNION ALL
		SELECT statement, rule, sign(owed)::bigint, sign(paid - owed)::integer, count(DISTINCT line), sum(abs(paid))::bigint, sum(abs(owed))::bigint
		FROM rest_made GROUP BY statement, rule, sign(owed), sign(paid - owed)) AS t (statement, rule, direction, difference, lines, paid, owed)
	JOIN statements s ON s.bucket = $1 AND s.id = t.statement ORDER BY t.statement, t.rule, t.direction, t.difference`

// matched books what rules matched: a posting for each statement, and one more for each rule that took something with a difference, under
// the rule's name. Lines of earlier statements that became clear go with the last one.
func (b *bankBooking) matched(ctx context.Context, m *matcher, booked []*booking) error {
	var sums []matchedSum
	if err := all(ctx, b.tx, &sums, matchedBy, b.head.Bucket); err != nil {
		return err
	}
	if m.probe != nil {
		// By statement and rule, as matchedBy orders; the first rule stands before what the ladder added to it.
		sums = append(m.probe.matched(), sums...)
		slices.SortStableFunc(sums, func(a, b matchedSum) int {
			return cmp.Or(cmp.Compare(a.Statement, b.Statement), cmp.Compare(a.Rule, b.Rule))
		})
	}
	for i := range sums {
		rule := m.ladder[sums[i].Rule-1]
		sums[i].Forward = rule.Forward
		if rule.KeptBack { // to the tiyn
			sums[i].Kept = sums[i].Owed - sums[i].Paid
		}
	}
	kept, err := m.keptBy(ctx)
	if err != nil {
		return err
	}
	legs, differences := make([][]recon.Leg, len(booked)), make([]map[string][]recon.Leg, len(booked))
	for _, sum := range sums {
		at := slices.IndexFunc(booked, func(s *booking) bool { return s.id == sum.Statement })
		if at >= 0 {
			booked[at].tell(m.ladder[sum.Rule-1], sum)
		} else {
			at = len(booked) - 1
		}
		agreed, difference := sum.parted()
		legs[at] = append(legs[at], agreed.legs()...)
		if rest := difference.legs(); len(rest) > 0 {
			if differences[at] == nil {
				differences[at] = map[string][]recon.Leg{}
			}
			name := m.ladder[sum.Rule-1].Name
			differences[at][name] = append(differences[at][name], rest...)
		}
	}
	for _, k := range kept {
		at := slices.IndexFunc(booked, func(s *booking) bool { return s.id == k.Statement })
		if at < 0 {
			at = len(booked) - 1
		}
		legs[at] = append(legs[at], recon.KeptLegs(b.head.Bank, []recon.Kept{k.Kept})...)
	}
	for i, s := range booked {
		s.post(ledger.Settlement, s.publicID(), "matched by rules", legs[i])
		for _, rule := range slices.Sorted(maps.Keys(differences[i])) {
			s.post(ledger.WriteOff, s.publicID()+":"+rule, "difference that rule "+rule+" tolerates", differences[i][rule])
		}
	}
	return nil
}

func (s matchedSum) legs() []recon.Leg {
	switch {
	case s.Direction > 0:
		return recon.ReceivedLegs(s.Bank, s.Account, s.Paid, s.Owed-s.Kept)
	case s.Forward:
		return recon.ForwardedLegs(s.Bank, s.Account, s.Paid, s.Owed)
	}
	return recon.ReturnedLegs(s.Bank, s.Account, s.Paid, s.Owed)
}

// parted tells what both sides have from what only one has.
func (s matchedSum) parted() (agreed, difference matchedSum) {
	agreed, difference = s, s
	owed := s.Owed - s.Kept
	common := min(s.Paid, owed)
	agreed.Paid, agreed.Owed, agreed.Kept = common, common, 0
	difference.Paid, difference.Owed, difference.Kept = s.Paid-common, owed-common, 0
	return agreed, difference
}

// tell adds to the report what a rule matched.
func (b *booking) tell(rule recon.Rule, sum matchedSum) {
	r := &b.report
	if n := len(r.Rules); n == 0 || r.Rules[n-1].Rule != rule.Name {
		r.Rules = append(r.Rules, RuleCount{Rule: rule.Name, Fields: rule.On})
	}
	last := &r.Rules[len(r.Rules)-1]
	last.Lines += sum.Lines
	last.Amount += sum.Direction * sum.Paid
	r.Matched += sum.Lines
}

// missing lists payments past their term, up to the day that the statements of all accounts at the bank have reached, and
// voids those that have come since.
func (b *bankBooking) missing(ctx context.Context) error {
	var reached time.Time
	if err := one(ctx, b.tx, &reached, `
		SELECT min(last) FROM (SELECT max(closed_on) AS last FROM statements WHERE bucket = $1 AND bank_bic = $2 AND state = 'booked' GROUP BY account) AS t`,
		b.head.Bucket, b.head.Bank); err != nil {
		return err
	}
	return b.ageing(ctx, b.tx, b.head, reached.UTC(), b.now)
}

// count tells the reports which exceptions were opened. A missing payment belongs to no statement, and is told with the last one.
func (b *bankBooking) count(ctx context.Context, m *matcher, booked []*booking) error {
	var kinds []struct {
		Statement int64 `db:"statement"`
		KindCount
	}
	if err := all(ctx, b.tx, &kinds, `
		SELECT statement, kind AS "kind", count(*) AS "count", sum(amount)::bigint AS "amount" FROM recon_exceptions
		WHERE bucket = $1 AND bank_bic = $2 AND changed_at = $3 AND version = 1 AND state = 'open' AND (statement = ANY($4) OR missing <> 0)
		GROUP BY statement, kind ORDER BY kind`,
		b.head.Bucket, b.head.Bank, b.now, pq.Array(m.statements)); err != nil {
		return fmt.Errorf("couldn't count exceptions: %w", err)
	}
	for _, k := range kinds {
		at := slices.IndexFunc(booked, func(s *booking) bool { return s.id == k.Statement })
		if at < 0 {
			at = len(booked) - 1
		}
		booked[at].report.Exceptions = append(booked[at].report.Exceptions, k.KindCount)
	}
	return nil
}
