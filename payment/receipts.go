package payment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
)

// receiptLease is how long one worker has for one receipt before another may try.
const receiptLease = 30 * time.Second

// receiptPause is how long a receipt waits that could not be made.
const receiptPause = 2 * time.Second

// receiptsAtOnce bounds the receipts of one bucket that are claimed at once.
const receiptsAtOnce = 16

// workReceipts makes the receipts of executed orders whose leaf stands under a checkpoint, and returns how many.
func (s *Service) workReceipts(ctx context.Context) (int, error) {
	buckets, err := s.dueBuckets(ctx, `SELECT DISTINCT bucket FROM orders
		WHERE state = 'executed' AND receipt_id IS NULL AND receipt_due_at <= $1`, s.now())
	if err != nil || len(buckets) == 0 {
		return 0, err
	}
	view, err := s.newestView(ctx)
	if errors.Is(err, ErrNotYetCheckpoint) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	done := 0
	for _, bucket := range buckets {
		claimed, err := s.claimReceipts(ctx, bucket, view.heads[bucket].Size)
		if err != nil {
			return done, err
		}
		for _, c := range claimed {
			if err := s.issue(ctx, view, bucket, c); err != nil {
				err = errors.Join(err, s.putBack(ctx, bucket, c))
				s.log.WarnContext(ctx, "receipt is made later", slog.String("order", c.Order), slog.Any("err", err))
				s.metrics.failures.WithLabelValues("receipts").Inc()
				continue
			}
			done++
		}
	}
	if done > 0 {
		s.metrics.receipts.Add(float64(done))
		s.kick(s.wakeWebhooks)
	}
	return done, nil
}

// claim is an order whose receipt this worker makes.
type claim struct {
	Order string `db:"id"`
	// Seq is the leaf of its first part; those of the others follow.
	Seq int64 `db:"seq"`
	// Lease is the time until which it is ours.
	Lease time.Time `db:"receipt_due_at"`
}

// claimReceipts takes orders of one bucket whose leaves the checkpoint covers.
func (s *Service) claimReceipts(ctx context.Context, bucket int, covered int64) ([]claim, error) {
	var claimed []claim
	now := s.now()
	ctx, cancel := uncut(ctx)
	defer cancel()
	err := all(ctx, s.db, &claimed, `
		WITH due AS (
			SELECT o.id, j.seq FROM orders o JOIN journal j ON j.bucket = o.bucket AND j.order_id = o.id
			WHERE o.bucket = $1 AND o.state = 'executed' AND o.receipt_id IS NULL AND o.receipt_due_at <= $2 AND j.seq < $3 AND j.part <= 1
			ORDER BY o.receipt_due_at LIMIT $4 FOR UPDATE OF o SKIP LOCKED)
		UPDATE orders o SET receipt_due_at = $5 FROM due WHERE o.bucket = $1 AND o.id = due.id
		RETURNING o.id, due.seq, o.receipt_due_at`, bucket, now, covered, receiptsAtOnce, now.Add(receiptLease))
	return claimed, err
}

// putBack lets a receipt that could not be made be tried again soon, or at once when we are stopping.
func (s *Service) putBack(ctx context.Context, bucket int, c claim) error {
	again := s.now()
	if ctx.Err() == nil {
		again = again.Add(receiptPause)
	}
	ctx, cancel := uncut(ctx)
	defer cancel()
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return exec(ctx, tx, -1, `UPDATE orders SET receipt_due_at = $3 WHERE bucket = $1 AND id = $2 AND receipt_id IS NULL AND receipt_due_at = $4`,
			bucket, c.Order, again, c.Lease)
	})
}

// issued is a receipt before it is stored.
type issued struct {
	part    int
	core    receipt.Core
	raw     []byte
	seal    []byte
	pdf     []byte
	pdfSeal []byte
	// pdfSHA256 is that of the sealed page.
	pdfSHA256 string
	issuedAt  time.Time
}

// issue makes and stores the receipts of one order, one for each allocation. A crash before the store leaves nothing but seals in the audit log; the next try
// makes another receipt with another code.
func (s *Service) issue(ctx context.Context, view journalView, bucket int, c claim) error {
	o, err := s.readOrder(ctx, s.db, c.Order)
	if err != nil {
		return err
	}
	doc, err := order.DecodeDocument(o.Document)
	if err != nil {
		return fmt.Errorf("couldn't read the document of %s: %w", o.ID, err)
	}
	var list []issued
	for i, part := range order.Allocate(doc.Items) {
		// The leaves of an order were written together, so the checkpoint that covers the first covers all.
		proof, err := s.prove(ctx, view, bucket, c.Seq+int64(i))
		if err != nil {
			return err
		}
		made, err := s.seal(ctx, o, doc, part, proof)
		if err != nil {
			return err
		}
		list = append(list, made)
	}
	return s.storeReceipts(ctx, o.ID, list)
}

// seal makes the receipt of one allocation.
func (s *Service) seal(ctx context.Context, o *orderRow, doc order.Document, part order.Allocation, proof ledger.Proof) (issued, error) {
	made := issued{issuedAt: s.now(), part: part.Part}
	var err error
	if made.core, err = s.coreOf(o, doc, part, proof, made.issuedAt); err != nil {
		return issued{}, err
	}
	drawing, err := receipt.Draw(made.core, receipt.Bilingual)
	if err != nil {
		return issued{}, err
	}
	digest := sha256.Sum256(drawing.PDF)
	made.core.PDFSHA256 = hex.EncodeToString(digest[:])
	if made.raw, err = made.core.Encode(); err != nil {
		return issued{}, fmt.Errorf("couldn't write the receipt of %s: %w", o.ID, err)
	}
	// Nobody shall get a receipt that does not verify.
	if _, _, err := receipt.Verify(made.raw, s.noteKeys); err != nil {
		return issued{}, fmt.Errorf("couldn't verify our own receipt of %s: %w", o.ID, err)
	}
	if made.seal, err = s.cfg.Sealer.Seal(ctx, made.raw); err != nil {
		return issued{}, fmt.Errorf("couldn't seal the receipt of %s: %w", o.ID, err)
	}
	if made.pdf, err = s.cfg.Sealer.SealPDF(ctx, SealPage{
		PDF: drawing.PDF, AttachmentName: receipt.AttachmentName, Attachment: made.raw,
		Page: drawing.Page, X: drawing.X, Y: drawing.Y, Code: receipt.VerifyURL(made.core.Issuer.URL, made.core.Code),
	}); err != nil {
		return issued{}, fmt.Errorf("couldn't seal the page of %s: %w", o.ID, err)
	}
	if !receipt.BeginsWithPage(made.pdf, made.core) {
		return issued{}, fmt.Errorf("the sealed page of %s is another page", o.ID)
	}
	sum := sha256.Sum256(made.pdf)
	made.pdfSHA256 = hex.EncodeToString(sum[:])
	if made.pdfSeal, err = s.cfg.Sealer.SealDetached(ctx, made.pdf); err != nil {
		return issued{}, fmt.Errorf("couldn't seal the page of %s: %w", o.ID, err)
	}
	return made, nil
}

// coreOf puts the receipt of an allocation together from the document that the payer signed and the journal entry.
func (s *Service) coreOf(o *orderRow, doc order.Document, part order.Allocation, proof ledger.Proof, at time.Time) (receipt.Core, error) {
	entry, err := ledger.DecodeEntry([]byte(proof.Leaf))
	if err != nil {
		return receipt.Core{}, fmt.Errorf("couldn't read the journal entry of %s: %w", o.ID, err)
	}
	transfers := make(map[string]string, len(entry.Transfers))
	for _, t := range entry.Transfers {
		transfers[t.Debt] = t.ID
	}
	digest := sha256.Sum256(o.Document)
	c := receipt.Core{
		Type: receipt.Type, Version: receipt.Version, Order: o.ID, Payer: doc.Payer, Amount: part.Amount,
		Bank: receipt.Bank{BIC: doc.Bank.BIC, Name: doc.Bank.Name}, BankReference: entry.BankReference, ExecutedAt: entry.ExecutedAt,
		IssuedAt: at.Format(time.RFC3339Nano), DocumentSHA256: hex.EncodeToString(digest[:]), Nonce: doc.Nonce,
		Journal: proof, Issuer: s.cfg.Issuer,
	}
	if taken := part.Commission(); taken > 0 {
		c.Commission = &receipt.Commission{Tiyn: taken, Debit: part.Tiyn + taken}
	}
	for _, item := range part.Items {
		term := entry.TermOf(item.Debt)
		c.Items = append(c.Items, receipt.Item{
			Debt: item.Debt, Reference: item.Reference, Transfer: transfers[item.Debt], Purpose: item.Purpose, Service: item.Service,
			ServiceName: item.ServiceName, Agency: item.Agency, AgencyName: item.AgencyName, Beneficiary: item.Beneficiary,
			KBK: item.KBK, KNP: item.KNP, KBE: item.KBE, Basis: item.Basis, Term: term, Amount: item.Amount,
		})
	}
	if c.ID, err = newID(prefixReceipt, o.Bucket); err != nil {
		return receipt.Core{}, err
	}
	c.Code, err = receipt.NewCode(o.Bucket, rand.Reader)
	return c, err
}

// storeReceipts stores the receipts of an order, names the first in it and hands each to the webhooks that waited for it,
// unless another worker was faster.
func (s *Service) storeReceipts(ctx context.Context, orderID string, list []issued) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		o, err := s.lockOrder(ctx, tx, orderID)
		if err != nil || o.Receipt != nil {
			return err
		}
		entries := make([]AuditEntry, len(list))
		for i, made := range list {
			kept, err := s.private.receipt(ctx, made)
			if err != nil {
				return err
			}
			if err := exec(ctx, tx, 1, `
				INSERT INTO receipts (bucket, id, code, order_id, part, core, core_seal, pdf, pdf_seal, pdf_sha256, issued_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
				o.Bucket, made.core.ID, made.core.Code, o.ID, made.part, kept.raw, kept.seal, kept.pdf, kept.pdfSeal, made.pdfSHA256,
				made.issuedAt); err != nil {
				return err
			}
			if err := s.fillOutbox(ctx, tx, o, made); err != nil {
				return err
			}
			if entries[i], err = (entry{actorGateway, "receipt.issued", made.core.ID, map[string]string{
				"order": o.ID, "pdf_sha256": made.pdfSHA256,
			}}).encode(); err != nil {
				return err
			}
		}
		o.Receipt, o.ReceiptDueAt = &list[0].core.ID, nil
		o.note(order.Issue, o.State, list[0].issuedAt, list[0].core.ID)
		if err := saveOrder(ctx, tx, o); err != nil {
			return err
		}
		return auditAll(ctx, tx, s.cfg.Auditor, entries)
	})
}

// webhook is the body of a payment fact. Its bytes are stored, signed and sent as they are.
type webhook struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	Order         string `json:"order"`
	Debt          string `json:"debt"`
	Reference     string `json:"reference"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Payer         string `json:"payer"`
	Bank          string `json:"bank"`
	BankReference string `json:"bank_reference"`
	ExecutedAt    string `json:"executed_at"`
	ReceiptID     string `json:"receipt_id"`
	ReceiptCode   string `json:"receipt_code"`
	// Term tells of a discount or an instalment; absent where the whole debt was paid.
	Term *ledger.Term `json:"term,omitempty"`
	// ReceiptCMS is the sealed core, attached CMS in DER, base64.
	ReceiptCMS string `json:"receipt_cms"`
}

// webhookType names the fact that a payment was executed.
const webhookType = "payment.executed"

// fillOutbox gives the waiting webhooks of an order their bodies and makes them due.
func (s *Service) fillOutbox(ctx context.Context, tx *sqlx.Tx, o *orderRow, made issued) error {
	debts, payloads := make([]string, len(made.core.Items)), make([][]byte, len(made.core.Items))
	for i, item := range made.core.Items {
		body, err := json.Marshal(webhook{Type: webhookType, Timestamp: made.core.IssuedAt, Data: webhookData{
			Order: o.ID, Debt: item.Debt, Reference: item.Reference, Amount: item.Tiyn, Currency: string(item.Currency), Payer: o.PayerID,
			Bank: o.Bank, BankReference: made.core.BankReference, ExecutedAt: made.core.ExecutedAt, ReceiptID: made.core.ID,
			Term: item.Term, ReceiptCode: made.core.Code, ReceiptCMS: base64.StdEncoding.EncodeToString(made.seal),
		}})
		if err != nil {
			return fmt.Errorf("couldn't write the webhook of %s: %w", item.Debt, err)
		}
		debts[i] = item.Debt
		if payloads[i], err = s.private.seal(ctx, body, place("outbox", "payload", o.ID+"/"+item.Debt)); err != nil {
			return err
		}
	}
	return exec(ctx, tx, int64(len(debts)), `
		UPDATE outbox SET state = 'pending', payload = t.payload, due_at = $3
		FROM unnest($4::text[], $5::bytea[]) AS t (debt_id, payload)
		WHERE outbox.bucket = $1 AND outbox.order_id = $2 AND outbox.debt_id = t.debt_id AND outbox.state = 'waiting'`,
		o.Bucket, o.ID, made.issuedAt, pq.Array(debts), pq.ByteaArray(payloads))
}

type receiptRow struct {
	ID        string    `db:"id"`
	Code      string    `db:"code"`
	Order     string    `db:"order_id"`
	Core      []byte    `db:"core"`
	PDFSHA256 string    `db:"pdf_sha256"`
	IssuedAt  time.Time `db:"issued_at"`
}

const receiptColumns = `id, code, order_id, core, pdf_sha256, issued_at`

func (r receiptRow) receipt() Receipt {
	return Receipt{ID: r.ID, Code: r.Code, Order: r.Order, Core: r.Core, PDFSHA256: r.PDFSHA256, IssuedAt: r.IssuedAt.UTC()}
}

// Receipt returns a receipt by its id or by the id of its order, of whose parts it is the first. Errors: [ErrReceiptUnknown], and for an executed order
// whose receipt is still being made [ErrReceiptPending].
func (s *Service) Receipt(ctx context.Context, id string) (Receipt, error) {
	var row receiptRow
	if bucket, ok := bucketOfID(prefixReceipt, id); ok {
		err := orMissing(one(ctx, s.db, &row, `SELECT `+receiptColumns+` FROM receipts WHERE bucket = $1 AND id = $2`, bucket, id), ErrReceiptUnknown)
		return s.withRefunds(ctx, bucket, row, err)
	}
	o, err := s.readOrder(ctx, s.db, id)
	if errors.Is(err, ErrOrderUnknown) {
		return Receipt{}, ErrReceiptUnknown
	}
	if err != nil {
		return Receipt{}, err
	}
	missing := ErrReceiptUnknown
	if o.State == order.Executed {
		missing = ErrReceiptPending
	}
	err = orMissing(one(ctx, s.db, &row, `SELECT `+receiptColumns+` FROM receipts WHERE bucket = $1 AND order_id = $2 AND part <= 1`, o.Bucket, id), missing)
	return s.withRefunds(ctx, o.Bucket, row, err)
}

// ReceiptByCode returns a receipt by the code printed on it, as people type it, or [ErrReceiptUnknown].
func (s *Service) ReceiptByCode(ctx context.Context, code string) (Receipt, error) {
	printed, bucket, err := receipt.ParseCode(code)
	if err != nil {
		return Receipt{}, ErrReceiptUnknown
	}
	var row receiptRow
	err = orMissing(one(ctx, s.db, &row, `SELECT `+receiptColumns+` FROM receipts WHERE bucket = $1 AND code = $2`, bucket, printed), ErrReceiptUnknown)
	return s.withRefunds(ctx, bucket, row, err)
}

// ReceiptCMS returns the sealed core by the id of the receipt: attached CMS, DER. Errors: [ErrReceiptUnknown].
func (s *Service) ReceiptCMS(ctx context.Context, id string) ([]byte, error) {
	var seal []byte
	bucket, ok := bucketOfID(prefixReceipt, id)
	if !ok {
		return nil, ErrReceiptUnknown
	}
	if err := orMissing(one(ctx, s.db, &seal, `SELECT core_seal FROM receipts WHERE bucket = $1 AND id = $2`, bucket, id), ErrReceiptUnknown); err != nil {
		return nil, err
	}
	return s.private.open(ctx, seal, place("receipts", "core_seal", id))
}

// ReceiptPDF returns the page by the id of the receipt, and the detached CMS over it. Errors: [ErrReceiptUnknown].
func (s *Service) ReceiptPDF(ctx context.Context, id string) (pdf, seal []byte, err error) {
	bucket, ok := bucketOfID(prefixReceipt, id)
	if !ok {
		return nil, nil, ErrReceiptUnknown
	}
	var row struct {
		PDF  []byte `db:"pdf"`
		Seal []byte `db:"pdf_seal"`
	}
	err = orMissing(one(ctx, s.db, &row, `SELECT pdf, pdf_seal FROM receipts WHERE bucket = $1 AND id = $2`, bucket, id), ErrReceiptUnknown)
	if err != nil {
		return nil, nil, err
	}
	if pdf, err = s.private.open(ctx, row.PDF, place("receipts", "pdf", id)); err != nil {
		return nil, nil, err
	}
	seal, err = s.private.open(ctx, row.Seal, place("receipts", "pdf_seal", id))
	return pdf, seal, err
}
