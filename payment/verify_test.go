package payment

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"qaqpa/payment/ledger"
	"qaqpa/payment/receipt"
)

// Whatever is changed behind the gateway's back, by one with full rights over the database, is found.
func TestVerifyLedgerFindsTampering(t *testing.T) {
	b := setup(t)
	for range 3 {
		b.authorised(citizenIIN)
		b.attempts()
		_, err := b.makeCheckpoint(t.Context())
		b.must(err)
	}
	b.settle()
	b.fee(citizenIIN)
	var translated string
	b.must(b.db.Get(&translated, `SELECT min(id) FROM receipts`))
	_, _, err := b.ReceiptPage(t.Context(), translated, receipt.English)
	b.must(err)
	b.bank.pays = []string{"timeoutButDone"}
	b.authorised(citizenIIN)
	b.attempts()
	if r := b.check(); r.Leaves != 3 || r.Checkpoints != 3 || r.Receipts != 3 || r.Pages != 1 {
		t.Fatalf("report %+v", r)
	}
	for name, c := range map[string]struct{ change, want string }{
		"transfer amount":         {`UPDATE transfers SET amount = amount + 100`, "missing or differs"},
		"transfer account":        {`UPDATE transfers SET credit_account = 'beneficiary:agc_mine:108125:due'`, "missing or differs"},
		"transfer removed":        {`DELETE FROM transfers WHERE id = (SELECT min(id) FROM transfers)`, "transfer"},
		"transfer moved":          {`UPDATE transfers SET journal_seq = journal_seq + 7`, "transfers for"},
		"leaf changed":            {`UPDATE journal SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '540600', '540700'), 'UTF8') WHERE seq = 0`, "chain"},
		"leaf and chain hidden":   {`DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)`, "covers"},
		"head moved":              {`UPDATE journal_heads SET size = size - 1 WHERE size > 0`, "head"},
		"head of chain":           {`UPDATE journal_heads SET chain = decode(repeat('00', 32), 'hex') WHERE size > 0`, "head"},
		"head of empty bucket":    {`UPDATE journal_heads SET chain = decode(repeat('00', 32), 'hex') WHERE size = 0`, "head"},
		"head row removed":        {`DELETE FROM journal_heads WHERE bucket = (SELECT min(bucket) FROM journal_heads WHERE size = 0)`, "heads"},
		"tree node":               {`UPDATE journal_nodes SET hash = decode(repeat('00', 32), 'hex') WHERE idx = 0`, "node"},
		"tree node removed":       {`DELETE FROM journal_nodes WHERE idx = 0`, "node"},
		"checkpoint removed":      {`DELETE FROM checkpoints WHERE number = 1`, "missing"},
		"last checkpoint removed": {`DELETE FROM checkpoints WHERE number = (SELECT max(number) FROM checkpoints)`, "head of the checkpoints"},
		"checkpoint note":         {`UPDATE checkpoints SET note = replace(note, E'\n1\n', E'\n2\n') WHERE number = 1`, "checkpoint 1"},
		"checkpoint roots":        {`UPDATE checkpoints SET changed = set_byte(changed, 20, (get_byte(changed, 20) + 1) % 256) WHERE number = 1`, "signed root"},
		"order amount":            {`UPDATE orders SET amount = amount + 100 WHERE state = 'executed'`, "amount of order"},
		"order reference":         {`UPDATE orders SET bank_reference = 'X' WHERE state = 'executed'`, "bank reference"},
		"order time":              {`UPDATE orders SET executed_at = executed_at - interval '1 day' WHERE state = 'executed'`, "time of execution"},
		"order document":          {`UPDATE orders SET document = document || ' '::bytea WHERE state = 'executed'`, "signed document"},
		"order payer":             {`UPDATE orders SET payer_id = '900101300027' WHERE state = 'executed'`, "payer"},
		"order undone":            {`UPDATE orders SET state = 'refused', bank_reference = NULL, executed_at = NULL, receipt_id = NULL`, "not executed"},
		"order made up":           {`UPDATE orders SET state = 'executed', bank_reference = 'X', executed_at = now() WHERE state = 'unknown'`, "executed orders"},
		"attempt amount":          {`UPDATE attempts SET amount = amount + 1`, "attempt"},
		"attempt undone":          {`UPDATE attempts SET state = 'unknown' WHERE state = 'executed'`, "attempt"},
		"debt paid by nobody":     {`UPDATE debts SET state = 'paid', order_id = 'ord_x', paid_at = now() WHERE state = 'open'`, "paid debts"},
		"debt opened again":       {`UPDATE debts SET state = 'open', order_id = NULL, paid_at = NULL WHERE state = 'paid'`, "is not paid"},
		"debt amount":             {`UPDATE debts SET amount = amount + 1 WHERE state = 'paid'`, "is not paid"},
		"debt held by nobody":     {`UPDATE debts SET state = 'reserved', order_id = 'ord_x' WHERE state = 'open'`, "reserved by no order"},
		"debt let go":             {`UPDATE debts SET state = 'open', order_id = NULL WHERE state = 'reserved'`, "without having reserved"},
		"item amount":             {`UPDATE order_items SET amount = amount + 1`, "add up"},
		"signature removed":       {`DELETE FROM authorisations`, "without a stored signature"},
		"bank message removed":    {`DELETE FROM bank_messages`, "without a stored message"},
		"event removed":           {`DELETE FROM order_events WHERE event = 'issue-receipt'`, "events"},
		"event changed":           {`UPDATE order_events SET to_state = 'refused' WHERE event = 'issue-receipt'`, "events"},
		"receipt changed":         {`UPDATE receipts SET core = convert_to(replace(convert_from(core, 'UTF8'), '540600', '540700'), 'UTF8')`, "receipt"},
		"receipt page":            {`UPDATE receipts SET pdf = pdf || ' '::bytea`, "differs from its row"},
		"receipt removed":         {`DELETE FROM receipts`, "receipt that does not exist"},
		"translation changed":     {`UPDATE receipt_pages SET pdf = pdf || ' '::bytea`, "page in en: it is not what was made"},
		"translation unsealed":    {`UPDATE receipt_pages SET pdf_seal = ''`, "page in en: it has no seal"},
		"translation of another":  {`UPDATE receipt_pages SET pdf = r.pdf, pdf_sha256 = r.pdf_sha256 FROM receipts r WHERE r.id <> receipt_id`, "page in en: it is of another receipt"},
		"translation of none":     {`UPDATE receipt_pages SET receipt_id = 'rcp_0'`, "page in en"},
		"receipt unnamed":         {`UPDATE orders SET receipt_id = NULL WHERE receipt_id IS NOT NULL`, "belongs to no order"},
		"webhook removed":         {`DELETE FROM deliveries; DELETE FROM outbox`, "webhooks"},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := b.db.BeginTxx(t.Context(), nil)
			b.must(err)
			defer tx.Rollback() //nolint:errcheck // the tampering of one case must not meet the next
			// Foreign keys would stop much of it; whoever tampers switches them off.
			_, err = tx.ExecContext(t.Context(), `SET LOCAL session_replication_role = replica; `+c.change)
			b.must(err)
			report, err := verifyIn(t.Context(), tx, b.private, b.noteKeys)
			b.must(err)
			if report.Holds() {
				t.Fatal("not found")
			}
			if all := strings.Join(report.Problems, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("found otherwise than by %q:\n%s", c.want, all)
			}
		})
	}
}

// The operator rewrites history as a whole, chain, tree and heads included: the signed checkpoints still tell.
func TestVerifyLedgerRewrittenHistory(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN)
	b.settle()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	b.must(err)
	cfg := b.cfg
	cfg.CheckpointSigner = stranger
	forged, err := New(cfg)
	b.must(err)
	for _, statement := range []string{`DELETE FROM checkpoints`, `DELETE FROM journal_nodes`} {
		_, err = b.db.ExecContext(t.Context(), statement)
		b.must(err)
	}
	_, err = b.db.ExecContext(t.Context(), `UPDATE checkpoint_head SET number = 0, heads = $1`, ledger.NewHeads().Marshal())
	b.must(err)
	_, err = forged.makeCheckpoint(t.Context())
	b.must(err)
	report, err := b.VerifyLedger(t.Context())
	b.must(err)
	if report.Holds() {
		t.Error("a history signed by another key holds")
	}
	if report, err := forged.VerifyLedger(t.Context()); err != nil || len(report.Problems) != 1 {
		t.Errorf("under the forger's key only the receipt speaks against it: %v %v", report.Problems, err)
	}
	if _, err := VerifyLedger(t.Context(), b.db, nil, nil); err == nil {
		t.Error("verified without keys")
	}
}

// Keys rotate: a list of verifiers opens old and new checkpoints.
func TestVerifyLedgerAfterRotation(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN)
	b.settle()
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	b.must(err)
	cfg := b.cfg
	cfg.CheckpointSigner = fresh
	rotated, err := New(cfg)
	b.must(err)
	b.authorised(neighborIIN)
	b.attempts()
	if made, err := rotated.makeCheckpoint(t.Context()); err != nil || !made {
		t.Fatalf("checkpoint: %v", err)
	}
	var list []note.Verifier
	for _, s := range []*Service{b.Service, rotated} {
		text, err := s.CheckpointKey()
		b.must(err)
		v, err := ledger.ParseVerifier(text)
		b.must(err)
		list = append(list, v)
	}
	report, err := VerifyLedger(t.Context(), b.db, nil, note.VerifierList(list...))
	if err != nil || !report.Holds() || report.Checkpoints != 2 {
		t.Errorf("report %+v %v", report, err)
	}
}

// Many leaves in one bucket, checkpoints of several sizes, proofs of all of them.
func TestProofsOverManyCheckpoints(t *testing.T) {
	b := setup(t)
	for i := range 23 {
		b.authorised(citizenIIN)
		b.attempts()
		if i%4 == 0 {
			_, err := b.makeCheckpoint(t.Context())
			b.must(err)
		}
	}
	var waiting []string
	b.must(b.db.Select(&waiting, `SELECT id FROM transfers WHERE journal_seq = 22`))
	_, err := b.Proof(t.Context(), waiting[0])
	wants(t, err, ErrNotYetCheckpoint)
	_, err = b.makeCheckpoint(t.Context())
	b.must(err)
	if made, err := b.makeCheckpoint(t.Context()); err != nil || made {
		t.Errorf("a checkpoint of nothing new: %v", err)
	}
	var ids []string
	b.must(b.db.Select(&ids, `SELECT id FROM transfers`))
	for _, id := range ids {
		p, err := b.Proof(t.Context(), id)
		b.must(err)
		if _, _, err := p.Verify(b.noteKeys); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if r := b.check(); r.Leaves != 23 || len(ids) != 23 {
		t.Errorf("report %+v", r)
	}
	c, err := b.Checkpoint(t.Context())
	if err != nil || c.Size != 23 || !strings.Contains(c.Note, c.Root) {
		t.Errorf("%+v %v", c, err)
	}
}

// Two processes make checkpoints at once: the numbers stay without gaps and forks.
func TestCheckpointsAtOnce(t *testing.T) {
	b := setup(t)
	second := setupSecond(b)
	for range 5 {
		b.authorised(citizenIIN)
		b.attempts()
		errs := make(chan error, 2)
		for _, s := range []*Service{b.Service, second} {
			go func() {
				_, err := s.makeCheckpoint(t.Context())
				errs <- err
			}()
		}
		for range 2 {
			b.must(<-errs)
		}
	}
	if r := b.check(); r.Checkpoints != 5 || r.Unsigned != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestReportIsBounded(t *testing.T) {
	var r LedgerReport
	for i := range problemsMax + 5 {
		r.problem("problem %d", i)
	}
	if len(r.Problems) != problemsMax || r.Unlisted != 5 {
		t.Errorf("%d problems, %d unlisted", len(r.Problems), r.Unlisted)
	}
}
