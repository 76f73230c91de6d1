package payment

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/recon"
)

const (
	// horizonDays is how long after its term a payment is still sought by every rule; later it is found by references only.
	horizonDays = 10
	// matchedEarlyDays is how long before the day of a payment its match may have been stored: paying days wait for the end of holidays.
	matchedEarlyDays = 31
)

// matcher runs the ladder for the statements of one bank in one file, as set operations inside the transaction that holds the bank's
// lock. Nothing but the database sees the lines; what a rule may compare comes from a closed list, never from a text of a user.
//
// Most lines are matched by the first rule in one join of the big tables, which also gathers the lines that it leaves (rest_first). The
// ladder then works on small temporary tables: rest_lines and rest_expected are what is not matched, rest_pairs what a rule sees,
// rest_made what it matched, rest_named what references name. Matches are stored at the end, in the order of the file.
type matcher struct {
	tx   *sqlx.Tx
	head headRow
	// statements are the new ones, in the order of time, and lines is how many lines they have.
	statements []int64
	lines      int64
	// from is the first day of the earliest of them.
	from   recon.Day
	ladder recon.Ladder
	days   recon.Calendar
	// probe has matched by the first rule already; nil when the database is to do it.
	probe *probing

	named map[recon.Field]bool // fields whose values were looked up
	// forwards says that there may be money to be sent on, keeps that there may be commissions that the bank has kept back.
	forwards, keeps bool
	// returned is what agencies owe the bank besides what the ledger says: this file takes back what a statement before it has settled.
	returned map[string]int64
	owing    map[string]int64 // what agencies owe the bank still, as far as rules have asked
}

// horizon is the first payment day that every rule looks at.
func (m *matcher) horizon() recon.Day { return m.days.Add(m.from, -m.head.TermDays-horizonDays) }

// since is the earliest statement that can have matched a payment within the horizon: ids of statements begin with their time. It
// keeps the search for matches from growing with the years.
func (m *matcher) since() int64 {
	return m.horizon().AddDate(0, 0, -matchedEarlyDays).UnixMilli() << statementRandomBits
}

// run matches and stores. The temporary tables stay for [matcher.list] and [matcher.sums].
func (m *matcher) run(ctx context.Context) error {
	m.named = map[recon.Field]bool{}
	if err := m.settings(ctx); err != nil {
		return err
	}
	left, err := m.first(ctx)
	if err != nil {
		return fmt.Errorf("couldn't match by the first rule: %w", err)
	}
	if left > 0 {
		if err := m.climb(ctx); err != nil {
			return err
		}
	}
	if err := m.store(ctx); err != nil {
		return err
	}
	return m.steps(ctx, step{`SET LOCAL enable_mergejoin TO DEFAULT`, nil}, step{`SET LOCAL enable_nestloop TO DEFAULT`, nil})
}

// settings talk the planner out of what it would do.
func (m *matcher) settings(ctx context.Context) error {
	return m.steps(ctx,
		// The planner knows nothing of rows that this transaction has just copied, and a nested loop over a million of them never ends. Plans
		// that were talked out of a method look dear, and would be compiled for seconds.
		step{`SET LOCAL enable_mergejoin = off`, nil}, step{`SET LOCAL work_mem = '192MB'`, nil}, step{`SET LOCAL temp_buffers = '64MB'`, nil}, step{`SET LOCAL jit = off`, nil},
		// Of what is left the planner has to know how much it is; columns whose values are all different tell a sample of thousands no more.
		step{`SET LOCAL default_statistics_target = 5`, nil})
}

// climb runs the ladder over what is left. What the field of a rule names is looked up behind the rule, however old it is; when that
// finds payments which are still open the rule runs again. Before the first rule without a reference, lines whose reference is known
// are set apart from other people's payments.
func (m *matcher) climb(ctx context.Context) error {
	diagnosed := false
	if err := one(ctx, m.tx, &m.forwards, `SELECT EXISTS (SELECT 1 FROM expectations WHERE bucket = $1 AND bank_bic = $2 AND kind = 'forward')`,
		m.head.Bucket, m.head.Bank); err != nil {
		return err
	}
	if err := m.charges(ctx); err != nil {
		return err
	}
	for i, r := range m.ladder {
		if r.Forward && !m.forwards || r.KeptBack && !m.keeps {
			continue
		}
		if !r.Identifies() && !diagnosed {
			diagnosed = true
			if err := m.diagnose(ctx); err != nil {
				return err
			}
		}
		if err := m.rule(ctx, i+1, r); err != nil {
			return fmt.Errorf("couldn't match by %s: %w", r.Name, err)
		}
		for _, f := range r.On {
			found, err := m.lookUp(ctx, f)
			if err != nil {
				return err
			}
			if found > 0 {
				if err := m.rule(ctx, i+1, r); err != nil {
					return fmt.Errorf("couldn't match by %s: %w", r.Name, err)
				}
			}
		}
	}
	if !diagnosed {
		return m.diagnose(ctx)
	}
	return nil
}

// store writes the matches of the ladder; those of the first rule over the big tables are there already. A line of an earlier statement
// may have been matched with the payment before, and undone: its turn is counted.
func (m *matcher) store(ctx context.Context) error {
	if err := m.storeKept(ctx); err != nil {
		return err
	}
	return m.exec(ctx, `
		INSERT INTO recon_matches (bucket, statement, no, part, expectation, paid, owed, turn, rule, ladder, whole)
		SELECT $1, p.statement, p.no, p.part, p.expectation, p.paid, p.owed, CASE WHEN p.statement = ANY($2) THEN 0 ELSE (
			SELECT count(*) FROM recon_matches m WHERE m.bucket = $1 AND m.statement = p.statement AND m.no = p.no AND m.part = p.part AND m.expectation = p.expectation)
			END, p.rule, $3, p.whole
		FROM rest_made p ORDER BY p.statement, p.no, p.part, p.expectation`, m.head.Bucket, pq.Array(m.statements), m.head.LadderVersion)
}

// drop removes the temporary tables, for the next bank of the file.
func (m *matcher) drop(ctx context.Context) error {
	if err := m.exec(ctx, `DROP TABLE rest_first, rest_lost, rest_lines, rest_expected, rest_pairs, rest_reach, rest_made, rest_named`); err != nil || !m.keeps {
		return err
	}
	return m.exec(ctx, `DROP TABLE rest_kept`)
}

func (m *matcher) exec(ctx context.Context, query string, args ...any) error {
	_, err := m.tx.ExecContext(ctx, query, args...)
	return err
}

// step is a statement with its arguments.
type step struct {
	query string
	args  []any
}

func (m *matcher) steps(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if err := m.exec(ctx, s.query, s.args...); err != nil {
			return fmt.Errorf("couldn't prepare the matching: %w", err)
		}
	}
	return nil
}

// column of a field, the same on both sides; "" for what is no field, which [recon.Ladder.Check] refuses.
func column(f recon.Field) string {
	switch f {
	case recon.ByReference, recon.ByUIP, recon.ByBankReference, recon.ByBatch, recon.ByPayer, recon.ByKBK:
		return string(f)
	}
	return ""
}

// on is the condition under which a line l and an expectation x are compared by the rule.
func on(r recon.Rule) string {
	parts := make([]string, len(r.On))
	for i, f := range r.On {
		parts[i] = fmt.Sprintf("l.%[1]s = x.%[1]s AND l.%[1]s <> ''", column(f))
	}
	return strings.Join(parts, " AND ")
}

// agrees is the condition under which they do not contradict each other.
func agrees(r recon.Rule) string {
	parts := []string{"true"}
	for _, f := range r.Agree {
		parts = append(parts, fmt.Sprintf("(l.%[1]s = x.%[1]s OR l.%[1]s = '' OR x.%[1]s = '')", column(f)))
	}
	return strings.Join(parts, " AND ")
}
