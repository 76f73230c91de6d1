package payment

import "strings"

// names of rows in problems, as the interfaces have them.
const (
	statementName = `'stm_' || lpad(to_hex(s.bucket), 2, '0') || lpad(to_hex(s.id), 16, '0')`
	exceptionName = `'exc_' || lpad(to_hex(e.bucket), 2, '0') || lpad(to_hex(e.statement), 16, '0') || lpad(to_hex(e.no), 8, '0') || lpad(to_hex(e.part), 8, '0')
		|| lpad(to_hex(e.missing), 16, '0')`
	lineName = `'stm_' || lpad(to_hex(l.bucket), 2, '0') || lpad(to_hex(l.statement), 16, '0') || ':' || l.no || '.' || l.part`
)

// contradiction is a query that lists what must not be, and how it is told.
type contradiction struct{ text, query string }

// reconContradictions are those of one bucket, $1.
var reconContradictions = []contradiction{
	{"statement %s is not the sum of its lines", `
		SELECT ` + statementName + ` FROM statements s LEFT JOIN (
			SELECT statement, count(*) AS n, sum(amount) FILTER (WHERE amount > 0) AS credit, -sum(amount) FILTER (WHERE amount < 0) AS debit
			FROM statement_lines WHERE bucket = $1 GROUP BY statement) AS l ON l.statement = s.id
		WHERE s.bucket = $1 AND s.state = 'booked' AND (coalesce(l.n, 0) <> s.lines OR coalesce(l.credit, 0) <> s.credit OR coalesce(l.debit, 0) <> s.debit
			OR s.opening + s.credit - s.debit <> s.closing)`},
	{"statement %s does not open with what the one before closed with, and no gap is listed", `
		SELECT ` + statementName + ` FROM (
			SELECT *, lag(closing) OVER (PARTITION BY account ORDER BY ` + statementOrder("ASC") + `) AS before FROM statements WHERE bucket = $1 AND state = 'booked') AS s
		LEFT JOIN (SELECT statement, sum(amount) AS amount FROM recon_exceptions WHERE bucket = $1 AND kind = 'gap' AND (state NOT IN ` + settledStates + ` OR posting_id <> '')
			GROUP BY statement) AS g ON g.statement = s.id
		WHERE s.before IS NOT NULL AND s.opening - s.before <> coalesce(g.amount, 0)`},
	// What is void, or archived as such, was matched since; what is resolved is compared with its posting.
	{"line %s is neither matched nor listed, or both", `
		SELECT ` + lineName + ` FROM statement_lines l JOIN statements s ON s.bucket = $1 AND s.id = l.statement AND s.state = 'booked'
		LEFT JOIN (SELECT statement, no, part, sum(paid) AS paid FROM recon_matches WHERE bucket = $1 AND undone_at IS NULL GROUP BY 1, 2, 3) AS m
			ON m.statement = l.statement AND m.no = l.no AND m.part = l.part
		LEFT JOIN recon_exceptions e ON e.bucket = $1 AND e.statement = l.statement AND e.no = l.no AND e.part = l.part AND e.missing = 0
		WHERE l.bucket = $1 AND NOT CASE
			WHEN e.state IS NULL OR e.state = 'void' OR (e.state = 'archived' AND e.resolution NOT LIKE '{%') THEN coalesce(m.paid, 0) = l.amount AND l.foreign_amount = ''
			WHEN e.state IN ('resolved', 'archived') THEN true
			ELSE m.paid IS NULL AND e.amount = l.amount END`},
	{"exception %s was resolved by a posting that moved another amount, or by none", `
		SELECT ` + exceptionName + ` FROM recon_exceptions e
		WHERE e.bucket = $1 AND e.missing = 0 AND e.state IN ('resolved', 'archived') AND e.resolution LIKE '{%' AND e.amount <> coalesce((
			SELECT sum(CASE 'bank:' || e.bank_bic || ':' || e.account || ':cash' WHEN t.debit_account THEN t.amount WHEN t.credit_account THEN -t.amount ELSE 0 END)
			FROM postings p JOIN transfers t ON t.bucket = $1 AND t.posting_id = p.id
			WHERE p.bucket = $1 AND p.id = e.posting_id AND p.subject LIKE ` + exceptionName + ` || '#%'), 0)`},
	{"exception %s was approved by who proposed it", `
		SELECT DISTINCT ` + exceptionName + ` FROM recon_notes e JOIN LATERAL (
			SELECT actor FROM recon_notes p WHERE p.bucket = $1 AND p.statement = e.statement AND p.no = e.no AND p.part = e.part AND p.missing = e.missing
				AND p.event = 'resolve' AND p.version < e.version ORDER BY p.version DESC LIMIT 1) AS p ON p.actor = e.actor
		WHERE e.bucket = $1 AND e.event = 'approve'`},
	{"exception %s is about a payment that is not expected, is settled, or has another amount", `
		SELECT ` + exceptionName + ` FROM recon_exceptions e LEFT JOIN expectations x ON x.bucket = $1 AND x.no = e.missing AND x.bank_bic = e.bank_bic
		WHERE e.bucket = $1 AND e.missing <> 0 AND (x.no IS NULL OR x.amount <> e.amount OR (e.state NOT IN ` + settledStates + `
			AND x.amount = (SELECT coalesce(sum(m.owed), 0) FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND m.undone_at IS NULL)))`},
	{"payment %s is settled by more than it is, or by matches that contradict each other", `
		SELECT m.expectation::text FROM (
			SELECT expectation, sum(owed) AS owed, count(*) AS n, count(*) FILTER (WHERE whole) AS wholes FROM recon_matches WHERE bucket = $1 AND undone_at IS NULL GROUP BY 1) AS m
		LEFT JOIN expectations x ON x.bucket = $1 AND x.no = m.expectation
		WHERE x.no IS NULL OR sign(m.owed) <> sign(x.amount) OR abs(m.owed) > abs(x.amount) OR (m.wholes > 0 AND (m.n > 1 OR m.owed <> x.amount))`},
	{"a match of line %s is of a statement that is not booked, of another bank, or of no line", `
		SELECT ` + strings.ReplaceAll(lineName, "l.", "m.") + ` FROM recon_matches m JOIN expectations x ON x.bucket = $1 AND x.no = m.expectation
		LEFT JOIN statements s ON s.bucket = $1 AND s.id = m.statement AND s.state = 'booked' AND s.bank_bic = x.bank_bic
		LEFT JOIN statement_lines l ON l.bucket = $1 AND l.statement = m.statement AND l.no = m.no AND l.part = m.part
		LEFT JOIN recon_exceptions e ON e.bucket = $1 AND e.statement = 0 AND e.missing = m.expectation AND e.state IN ('resolved', 'archived')
		WHERE m.bucket = $1 AND m.undone_at IS NULL AND CASE WHEN m.statement = 0 THEN m.rule <> 0 OR e.bucket IS NULL ELSE s.id IS NULL OR l.no IS NULL END`},
	{"payment %s is expected otherwise than the journal has it", `
		SELECT x.no::text FROM expectations x LEFT JOIN journal j ON j.bucket = (x.no & 255)::integer AND j.seq = x.no >> 8
		LEFT JOIN orders o ON o.bucket = j.bucket AND o.id = j.order_id AND o.state = 'executed'
		LEFT JOIN LATERAL (SELECT sum(t.amount) AS amount FROM transfers t WHERE t.bucket = j.bucket AND t.order_id = j.order_id AND t.journal_seq = j.seq) AS t ON true
		WHERE x.bucket = $1 AND x.kind = 'payment' AND (o.id IS NULL OR t.amount IS DISTINCT FROM x.amount OR o.bank_bic <> x.bank_bic OR o.attempt_id <> x.source)`},
	{"the commission that may be kept back from payment %s is not what its agency bears", `
		SELECT x.no::text FROM expectations x LEFT JOIN journal j ON j.bucket = (x.no & 255)::integer AND j.seq = x.no >> 8
		LEFT JOIN LATERAL (SELECT sum(i.agency_commission) AS amount, min(i.agency_id) AS first, max(i.agency_id) AS last FROM order_items i
			WHERE i.bucket = j.bucket AND i.order_id = j.order_id AND i.part = j.part) AS i ON true
		WHERE x.bucket = $1 AND x.charged > 0 AND (x.charged, x.charged_to, x.charged_to) IS DISTINCT FROM (i.amount, i.first, i.last)`},
	{"what was kept back of line %s is not what its match leaves open, or not the commission of the payment", `
		SELECT ` + strings.ReplaceAll(lineName, "l.", "k.") + ` FROM recon_kept k
		LEFT JOIN recon_matches m ON m.bucket = $1 AND m.statement = k.statement AND m.no = k.no AND m.part = k.part AND m.expectation = k.expectation AND m.turn = k.turn
		LEFT JOIN expectations x ON x.bucket = $1 AND x.no = k.expectation
		WHERE k.bucket = $1 AND (m.whole, m.paid + k.amount, x.charged, x.charged_to) IS DISTINCT FROM (true, m.owed, k.amount, k.agency)`},
	{"what is to be sent on for %s is not what is expected", `
		SELECT coalesce(d.bank_bic, x.bank_bic) || ' ' || coalesce(d.paid_on, x.paid_on) || ' ' || coalesce(d.kbk, x.kbk)
		FROM (SELECT * FROM forward_dues WHERE bucket = $1 AND expected > 0) AS d FULL JOIN (
			SELECT bank_bic, paid_on, kbk, payer, -sum(amount) AS amount FROM expectations WHERE bucket = $1 AND kind = 'forward' GROUP BY 1, 2, 3, 4) AS x
			ON x.bank_bic = d.bank_bic AND x.paid_on = d.paid_on AND x.kbk = d.kbk AND x.payer = d.beneficiary
		WHERE d.expected IS DISTINCT FROM x.amount`},
	{"the register of period %s says otherwise than its statements", `
		SELECT p.account || ' ' || p.through FROM recon_periods p WHERE p.bucket = $1 AND (convert_from(p.register, 'UTF8')::json ->> 'closing') IS DISTINCT FROM (
			SELECT s.closing::text FROM statements s WHERE s.bucket = $1 AND s.account = p.account AND s.state = 'booked' AND s.closed_on <= p.through
			ORDER BY ` + statementOrder("DESC") + ` LIMIT 1)`},
}
