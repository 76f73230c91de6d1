package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/lib/pq"
	"golang.org/x/mod/sumdb/tlog"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

type leafRow struct {
	Seq int64 `db:"seq"`
	// Order or Posting is empty.
	Order   string `db:"order_id"`
	Posting string `db:"posting_id"`
	Leaf    []byte `db:"leaf"`
	Chain   []byte `db:"chain"`
	// At is from when on the leaf counts in balances: what it says itself.
	At time.Time `db:"created_at"`
}

func (r leafRow) isOf(recorded string) bool { return r.At.UTC().Format(time.RFC3339Nano) == recorded }

type transferRow struct {
	ID      string         `db:"id"`
	Order   string         `db:"order_id"`
	Posting string         `db:"posting_id"`
	Debt    string         `db:"debt_id"`
	Debit   ledger.Account `db:"debit_account"`
	Credit  ledger.Account `db:"credit_account"`
	money.Amount
	Seq int64 `db:"journal_seq"`
}

func (t transferRow) transfer() ledger.Transfer {
	return ledger.Transfer{ID: t.ID, Debt: t.Debt, Debit: t.Debit, Credit: t.Credit, Amount: t.Amount}
}

// journalWalk is the state of the walk through one bucket's journal.
type journalWalk struct {
	*walk
	number    int
	chain     ledger.Hash
	size      int64
	edge      ledger.Nodes
	claims    []claimedRoot
	transfers int64
	// executions counts the leaves that are no postings, paid their transfers, postings the rest.
	executions, paid, postings int64
	// instalments are the transfers that paid a part of a debt.
	instalments int64
}

// journal walks the leaves of a bucket in order and compares each with what it speaks of. At the end the counts agree,
// so nothing stands in the tables that is not in the journal.
func (w *walk) journal(ctx context.Context, bucket int) error {
	j := &journalWalk{walk: w, number: bucket, chain: ledger.ChainStart(bucket), edge: ledger.Nodes{}, claims: w.claims[bucket]}
	for {
		var rows []leafRow
		err := all(ctx, w.tx, &rows, `SELECT seq, coalesce(order_id, '') AS order_id, coalesce(posting_id, '') AS posting_id, leaf, chain, created_at FROM journal WHERE bucket = $1 AND seq >= $2 ORDER BY seq LIMIT $3`,
			bucket, j.size, verifyPage)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		if err := j.page(ctx, rows); err != nil {
			return err
		}
	}
	for _, c := range j.claims {
		w.report.problem("bucket %d: checkpoint %d covers %d leaves, but there are %d", bucket, c.number, c.head.Size, j.size)
	}
	w.report.Leaves += j.size
	w.report.Transfers += j.transfers
	w.report.Unsigned += max(j.size-w.heads[bucket].Size, 0)
	return j.counts(ctx)
}

func (j *journalWalk) page(ctx context.Context, rows []leafRow) error {
	orders, err := j.ordersOf(ctx, rows)
	if err != nil {
		return err
	}
	transfers, err := j.transfersOf(ctx, rows[0].Seq, rows[len(rows)-1].Seq)
	if err != nil {
		return err
	}
	postings, err := j.postingsOf(ctx, rows)
	if err != nil {
		return err
	}
	stored, err := j.nodesOf(ctx, j.size, rows[len(rows)-1].Seq+1)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Seq != j.size {
			j.report.problem("bucket %d: leaves %d to %d are missing", j.number, j.size, row.Seq-1)
			j.size = row.Seq
		}
		j.chain = ledger.ChainNext(j.chain, row.Leaf)
		if string(row.Chain) != string(j.chain[:]) {
			j.report.problem("bucket %d leaf %d: the chain does not follow", j.number, row.Seq)
		}
		if err := j.grow(row, stored); err != nil {
			j.report.problem("bucket %d leaf %d: %v", j.number, row.Seq, err)
		}
		if err := j.leaf(row, orders[row.Order], transfers[row.Seq], postings[row.Posting]); err != nil {
			j.report.problem("bucket %d leaf %d: %v", j.number, row.Seq, err)
		}
		j.size = row.Seq + 1
	}
	return nil
}

// leaf compares a leaf with the rows that it speaks of.
func (j *journalWalk) leaf(row leafRow, o *executedRow, transfers []transferRow, p *postingRow) error {
	if ledger.IsPosting(row.Leaf) {
		posting, err := ledger.DecodePosting(row.Leaf)
		if err != nil {
			return err
		}
		j.comparePosting(row, posting, p, transfers)
		return nil
	}
	entry, err := ledger.DecodeEntry(row.Leaf)
	if err != nil {
		return err
	}
	j.compare(row, entry, o, transfers)
	return nil
}

// grow adds a leaf to the tree, keeping its right edge only, compares the nodes that are stored, and the roots that
// checkpoints claim at this size.
func (j *journalWalk) grow(row leafRow, stored ledger.Nodes) error {
	made, err := ledger.Grow(j.edge, row.Seq, row.Leaf)
	if err != nil {
		return err
	}
	size := row.Seq + 1
	for index, hash := range made {
		kept, found := stored[index]
		if found && kept != hash {
			j.report.problem("bucket %d leaf %d: node %d of the tree differs", j.number, row.Seq, index)
		}
		if !found && size <= j.heads[j.number].Size {
			j.report.problem("bucket %d leaf %d: node %d of the tree is missing", j.number, row.Seq, index)
		}
	}
	edge := ledger.Nodes{}
	for _, index := range ledger.EdgeIndexes(size) {
		edge[index] = j.edge[index]
	}
	j.edge = edge
	for len(j.claims) > 0 && j.claims[0].head.Size <= size {
		c := j.claims[0]
		j.claims = j.claims[1:]
		root, err := ledger.RootOf(size, j.edge)
		if err != nil || c.head.Size != size || root != c.head.Root {
			j.report.problem("bucket %d: the root at %d leaves is not the one that checkpoint %d signed", j.number, c.head.Size, c.number)
		}
	}
	return nil
}

// compare holds a leaf against the rows that it speaks of.
func (j *journalWalk) compare(row leafRow, e ledger.Entry, o *executedRow, transfers []transferRow) {
	where := func(format string, args ...any) {
		j.report.problem("bucket %d leaf %d: "+format, append([]any{j.number, row.Seq}, args...)...)
	}
	if e.Bucket != j.number || e.Seq != row.Seq || e.Order != row.Order {
		where("the entry is of bucket %d, leaf %d, %s", e.Bucket, e.Seq, e.Order)
	}
	if !row.isOf(e.RecordedAt) {
		where("stored as of another time than it says")
	}
	j.executions++
	j.paid += int64(len(transfers))
	j.compareTransfers(where, e.Transfers, transfers, func(t transferRow) bool { return t.Order == e.Order && t.Posting == "" })
	if o == nil {
		where("order %s is not executed", row.Order)
		return
	}
	if e.Part > 1 {
		j.executions-- // the leaf of the first part counted
	}
	for problem, bad := range o.differences(e) {
		if bad {
			where("%s of order %s differs", problem, e.Order)
		}
	}
	own := 0
	for _, item := range o.paid {
		if item.Part == e.Part {
			own++
		}
	}
	for _, t := range e.Transfers {
		if item := o.paid[t.Debt]; item.Tiyn != t.Tiyn || item.Part != e.Part {
			where("debt %s is not paid by %s with this amount", t.Debt, e.Order)
		} else if !item.agrees(e.TermOf(t.Debt)) {
			where("the terms of debt %s are not those of order %s", t.Debt, e.Order)
		}
		if e.Instalment(t.Debt) {
			j.instalments++
		}
	}
	if own != len(e.Transfers) {
		where("order %s has %d paid debts for %d transfers", e.Order, own, len(e.Transfers))
	}
}

// executedRow is an executed order with its attempt.
type executedRow struct {
	ID   string `db:"id"`
	Bank string `db:"bank_bic"`
	money.Amount
	Payer        string             `db:"payer_id"`
	Document     []byte             `db:"document"`
	Reference    string             `db:"bank_reference"`
	ExecutedAt   time.Time          `db:"executed_at"`
	Attempt      string             `db:"attempt_id"`
	AttemptState order.AttemptState `db:"attempt_state"`
	AttemptTiyn  int64              `db:"attempt_amount"`
	Commission   int64              `db:"commission"`
	// paid are the debts that the order has paid, with the amounts of its items; 0 where debt and item disagree.
	paid map[string]paidItem
}

// paidItem is an item of an executed order.
type paidItem struct {
	Order string `db:"order_id"`
	Debt  string `db:"debt_id"`
	Tiyn  int64  `db:"amount"`
	Part  int    `db:"part"`
	// Whole is the amount of the debt.
	Whole      int64 `db:"whole"`
	Instalment bool  `db:"instalment"`
	Discount   int64 `db:"discount"`
}

// agrees reports whether a leaf's term tells of the item what its row tells.
func (i paidItem) agrees(term *ledger.Term) bool {
	switch {
	case i.Instalment:
		return term != nil && term.Discount == nil && term.Full == i.Whole
	case i.Discount > 0:
		return term != nil && term.Discount != nil && term.Discount.Tiyn == i.Discount && term.Full == i.Whole
	}
	return term == nil
}

func (o *executedRow) differences(e ledger.Entry) map[string]bool {
	digest := sha256.Sum256(o.Document)
	doc, err := order.DecodeDocument(o.Document)
	charged, _ := doc.Charged()
	return map[string]bool{
		"amount":            e.Amount != partAmount(doc, o.Amount, e.Part, e.Parts),
		"bank":              o.Bank != e.Bank,
		"bank reference":    o.Reference != e.BankReference,
		"time of execution": o.ExecutedAt.UTC().Format(time.RFC3339Nano) != e.ExecutedAt,
		"attempt":           o.Attempt != e.Attempt || o.AttemptState != order.AttemptExecuted || o.AttemptTiyn != o.Tiyn,
		"commission":        err == nil && charged != o.Commission,
		"signed document":   err != nil || hex.EncodeToString(digest[:]) != e.DocumentSHA256 || doc.Order != e.Order || doc.Amount != o.Amount,
		"payer":             err != nil || doc.Payer.ID != o.Payer || ledger.PayerCommitment(doc.Nonce, o.Payer) != e.PayerSHA256,
		"placing by bucket": bucketOf(o.Payer) != e.Bucket,
	}
}

// partAmount is what the leaf of a part must state: the sum of the part, as the signed document has it. A part that the
// document does not have is worth nothing.
func partAmount(doc order.Document, total money.Amount, part, parts int) money.Amount {
	allocations := order.Allocate(doc.Items)
	switch {
	case part == 0 && len(allocations) == 1:
		return total
	case part >= 1 && part <= parts && parts == len(allocations):
		return allocations[part-1].Amount
	}
	return money.Amount{}
}

func (j *journalWalk) ordersOf(ctx context.Context, rows []leafRow) (map[string]*executedRow, error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.Order
	}
	var found []executedRow
	err := all(ctx, j.tx, &found, `
		SELECT o.id, o.bank_bic, o.amount, o.currency, o.payer_id, o.document, o.bank_reference, o.executed_at, o.attempt_id,
			o.commission, a.state AS attempt_state, a.amount AS attempt_amount
		FROM orders o JOIN attempts a ON a.bucket = o.bucket AND a.id = o.attempt_id
		WHERE o.bucket = $1 AND o.id = ANY($2) AND o.state = 'executed'`, j.number, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	orders := make(map[string]*executedRow, len(found))
	for i := range found {
		o := orderRow{ID: found[i].ID, PayerID: found[i].Payer, Document: found[i].Document}
		if err := j.private.order(ctx, &o); errors.Is(err, ErrSealed) {
			return nil, err
		} else if err != nil { // altered, or moved here from another row
			j.report.problem("order %s: %v", o.ID, err)
		}
		found[i].Payer, found[i].Document = o.PayerID, o.Document
		found[i].paid = map[string]paidItem{}
		orders[found[i].ID] = &found[i]
	}
	var items []paidItem
	err = all(ctx, j.tx, &items, `
		SELECT i.order_id, i.debt_id, i.part, i.instalment, i.discount, d.amount AS whole,
			CASE WHEN i.instalment OR (d.amount = i.amount + i.discount AND d.state = 'paid' AND d.order_id = i.order_id) THEN i.amount ELSE 0 END AS amount
		FROM order_items i JOIN debts d ON d.bucket = i.bucket AND d.id = i.debt_id
		WHERE i.bucket = $1 AND i.order_id = ANY($2)`, j.number, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if o := orders[item.Order]; o != nil {
			o.paid[item.Debt] = item
		}
	}
	return orders, nil
}

func (j *journalWalk) transfersOf(ctx context.Context, from, to int64) (map[int64][]transferRow, error) {
	var rows []transferRow
	err := all(ctx, j.tx, &rows, `
		SELECT t.id, t.order_id, '' AS posting_id, t.debt_id, t.debit_account, t.credit_account, t.amount, t.currency, t.journal_seq
		FROM transfers t JOIN journal g ON g.bucket = t.bucket AND g.order_id = t.order_id
		WHERE g.bucket = $1 AND g.seq BETWEEN $2 AND $3 AND t.journal_seq = g.seq
		UNION ALL
		SELECT t.id, '', t.posting_id, coalesce(t.debt_id, ''), t.debit_account, t.credit_account, t.amount, t.currency, t.journal_seq
		FROM transfers t JOIN journal g ON g.bucket = t.bucket AND g.posting_id = t.posting_id
		WHERE g.bucket = $1 AND g.seq BETWEEN $2 AND $3 AND t.journal_seq = g.seq`, j.number, from, to)
	if err != nil {
		return nil, err
	}
	bySeq := map[int64][]transferRow{}
	for _, t := range rows {
		bySeq[t.Seq] = append(bySeq[t.Seq], t)
	}
	return bySeq, nil
}

// nodesOf reads the stored nodes that leaves from (with) to (without) made.
func (j *journalWalk) nodesOf(ctx context.Context, from, to int64) (ledger.Nodes, error) {
	var rows []struct {
		Index int64  `db:"idx"`
		Hash  []byte `db:"hash"`
	}
	err := all(ctx, j.tx, &rows, `SELECT idx, hash FROM journal_nodes WHERE bucket = $1 AND idx >= $2 AND idx < $3`,
		j.number, tlog.StoredHashCount(from), tlog.StoredHashCount(to))
	if err != nil {
		return nil, err
	}
	nodes := make(ledger.Nodes, len(rows))
	for _, r := range rows {
		nodes[r.Index] = ledger.Hash(r.Hash)
	}
	return nodes, nil
}

// counts compares the number of rows with what the walk met: since the walk found each leaf's rows, equal numbers mean
// that no row stands without a leaf.
func (j *journalWalk) counts(ctx context.Context) error {
	var n struct {
		Size      int64  `db:"size"`
		Chain     []byte `db:"chain"`
		Transfers int64  `db:"transfers"`
		Orders    int64  `db:"orders"`
		Debts     int64  `db:"debts"`
		Parts     int64  `db:"instalments"`
		Outbox    int64  `db:"outbox"`
		Postings  int64  `db:"postings"`
	}
	err := one(ctx, j.tx, &n, `
		SELECT h.size, h.chain,
			(SELECT count(*) FROM transfers WHERE bucket = $1) AS transfers,
			(SELECT count(*) FROM orders WHERE bucket = $1 AND state = 'executed') AS orders,
			(SELECT count(*) FROM debts WHERE bucket = $1 AND state = 'paid' AND part_paid = part_restored) AS debts,
			(SELECT count(*) FROM transfers WHERE bucket = $1 AND instalment) AS instalments,
			(SELECT count(*) FROM outbox WHERE bucket = $1 AND subject = '') AS outbox,
			(SELECT count(*) FROM postings WHERE bucket = $1) AS postings
		FROM journal_heads h WHERE h.bucket = $1`, j.number)
	if err != nil {
		return err
	}
	if n.Size != j.size || string(n.Chain) != string(j.chain[:]) {
		j.report.problem("bucket %d: the head is at %d and does not follow from %d leaves", j.number, n.Size, j.size)
	}
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"transfers", n.Transfers, j.transfers},
		{"executed orders", n.Orders, j.executions},
		{"paid debts (at once)", n.Debts, j.paid - j.instalments},
		{"instalments", n.Parts, j.instalments},
		{"webhooks", n.Outbox, j.paid},
		{"postings", n.Postings, j.postings},
	} {
		if c.got != c.want {
			j.report.problem("bucket %d: %d %s for %d in the journal", j.number, c.got, c.what, c.want)
		}
	}
	return nil
}
