package payment

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/receipt"
)

const prefixCopy = "ccp_"

// evidenceMax bounds the evidence that a court's copy takes along, in octets, each and in all: lists of hundreds of thousands of entries are published
// by their authorities.
const (
	evidenceMax    = 64 << 10
	evidenceAllMax = 256 << 10
)

// CourtAsk asks for a court's copy of a receipt.
type CourtAsk struct {
	// Receipt is the id of a receipt.
	Receipt string
	// Actor is who asks, as the audit log names him, and By his name for the paper.
	Actor, By string
	// Reason in his words, 5 to 200 characters; it stands on the copy.
	Reason   string
	Language receipt.Language
	// Part leaves out what names payments to others: the document of the order and what was signed over it.
	Part bool
}

// CourtCopy is a made copy.
type CourtCopy struct {
	ID string
	// PDF is sealed, with the chain of evidence inside; see [receipt.Copy].
	PDF       []byte
	PDFSHA256 string
}

// Check refuses what cannot be asked for, before anything is written down. Errors: [ErrInvalid].
func (a CourtAsk) Check() error {
	const shortest, longest = 5, 200
	if n := utf8.RuneCountInString(strings.TrimSpace(a.Reason)); n < shortest || n > longest || !utf8.ValidString(a.Reason) || strings.ContainsFunc(a.Reason, control) {
		return ErrInvalid.with("say in 5 to 200 characters what the copy is for").at("reason")
	}
	if !a.Language.Known() {
		return ErrInvalid.with("is kk-ru or en").at("language")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// CourtCopy makes the paper form of a receipt that a court takes (R11): the facts, who authorised the payment and the verdict on his signature, the bank's
// word, the steps of the order and the place in the journal; inside, what proves all of it without us. Each copy is made anew and noted in the audit
// log with its digest, who asked and why. Errors: [ErrReceiptUnknown], [ErrInvalid].
func (s *Service) CourtCopy(ctx context.Context, ask CourtAsk) (CourtCopy, error) {
	if err := ask.Check(); err != nil {
		return CourtCopy{}, err
	}
	if !strings.HasPrefix(ask.Receipt, prefixReceipt) {
		return CourtCopy{}, ErrReceiptUnknown
	}
	rcp, err := s.Receipt(ctx, ask.Receipt)
	if err != nil {
		return CourtCopy{}, err
	}
	copied, err := s.copyOf(ctx, rcp, ask.Language)
	if err != nil {
		return CourtCopy{}, err
	}
	if copied.Court, err = s.court(ctx, rcp, copied.Receipt, ask); err != nil {
		return CourtCopy{}, err
	}
	drawing, err := receipt.DrawCourt(copied)
	if err != nil {
		return CourtCopy{}, err
	}
	out := CourtCopy{ID: copied.Court.ID}
	if out.PDF, err = s.sealCopy(ctx, copied, drawing); err != nil {
		return CourtCopy{}, err
	}
	out.PDFSHA256 = digestOfPage(out.PDF)
	return out, s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return s.audit(ctx, tx, entry{ask.Actor, "receipt.court_copy", rcp.ID, map[string]string{
			"copy": out.ID, "pdf_sha256": out.PDFSHA256, "reason": ask.Reason, "language": string(ask.Language),
		}})
	})
}

// court gathers the chain of evidence behind a payment.
func (s *Service) court(ctx context.Context, rcp Receipt, core receipt.Core, ask CourtAsk) (*receipt.Court, error) {
	o, err := s.readOrder(ctx, s.db, rcp.Order)
	if err != nil {
		return nil, err
	}
	out := &receipt.Court{
		RequestedBy: ask.By, Reason: strings.TrimSpace(ask.Reason), Withheld: ask.Part, Attempt: deref(o.Attempt), Refunded: rcp.Refunded,
		Authorisations: []receipt.Authorisation{}, History: []receipt.Step{},
	}
	if out.ID, err = newID(prefixCopy, -1); err != nil {
		return nil, err
	}
	if entry, err := ledger.DecodeEntry([]byte(core.Journal.Leaf)); err != nil || entry.Attempt != out.Attempt {
		return nil, fmt.Errorf("the journal entry of %s is of another attempt", rcp.ID)
	}
	if !ask.Part {
		out.Document = string(o.Document)
	}
	g := &gathering{Service: s, part: ask.Part, left: evidenceAllMax}
	if out.Authorisations, err = g.authorisations(ctx, o); err != nil {
		return nil, err
	}
	if out.Confirmation, err = g.confirmation(ctx, o); err != nil {
		return nil, err
	}
	events, err := s.OrderEvents(ctx, o.ID)
	for _, e := range events {
		out.History = append(out.History, receipt.Step{At: e.At.Format(time.RFC3339Nano), Event: e.Event, State: string(e.To)})
	}
	return out, err
}

// gathering is one court's copy on its way through the evidence.
type gathering struct {
	*Service
	part bool
	// left is how many octets of evidence still find room.
	left int
}

func (g *gathering) authorisations(ctx context.Context, o *orderRow) ([]receipt.Authorisation, error) {
	var rows []struct {
		Number      int       `db:"number"`
		Method      string    `db:"method"`
		Signature   []byte    `db:"signature"`
		Verdict     string    `db:"verdict_id"`
		Signer      string    `db:"signer"`
		Certificate string    `db:"certificate_sha256"`
		At          time.Time `db:"at"`
	}
	if err := all(ctx, g.db, &rows, `SELECT number, method, signature, verdict_id, signer, certificate_sha256, at FROM authorisations
		WHERE bucket = $1 AND order_id = $2 ORDER BY number`, o.Bucket, o.ID); err != nil {
		return nil, err
	}
	out := []receipt.Authorisation{}
	for _, r := range rows {
		signer, err := g.private.number(r.Signer)
		if err != nil {
			return nil, err
		}
		signature, err := g.private.open(ctx, r.Signature, place("authorisations", "signature", o.ID+"/"+strconv.Itoa(r.Number)))
		if err != nil {
			return nil, err
		}
		one := receipt.Authorisation{Method: r.Method, Signer: signer, CertificateSHA256: r.Certificate}
		switch r.Method {
		case methodCode, methodMandate: // our own record of it, which names the code or the agreement: there is no verdict on it
			one.Statement = receipt.Statement{At: r.At.UTC().Format(time.RFC3339Nano), Verdict: r.Verdict}
			if r.Method == methodMandate {
				one.Record = string(signature)
				if one.Agreement, err = g.agreement(ctx, r.Verdict); err != nil {
					return nil, err
				}
			}
		default:
			if one.Statement, err = g.statement(ctx, r.At, signature, r.Verdict, g.part); err != nil {
				return nil, err
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// agreement is the one under which an order was authorised, with the payer's signature and what the verdict on it rests on.
func (g *gathering) agreement(ctx context.Context, id string) (*receipt.Agreement, error) {
	row, err := g.readMandate(ctx, g.db, id, "")
	if err != nil {
		return nil, fmt.Errorf("couldn't read the agreement %s: %w", id, err)
	}
	var sealed []byte
	if err := one(ctx, g.db, &sealed, `SELECT signature FROM mandates WHERE bucket = $1 AND id = $2`, row.Bucket, row.ID); err != nil {
		return nil, err
	}
	signature, err := g.private.open(ctx, sealed, place("mandates", "signature", row.ID))
	if err != nil {
		return nil, err
	}
	if row.SignedAt == nil {
		return nil, fmt.Errorf("the agreement %s is not signed", id)
	}
	out := &receipt.Agreement{ID: row.ID, DocumentSHA256: digestOfPage(row.Document), Signer: row.Signer, CertificateSHA256: row.Certificate}
	if !g.part {
		out.Document = string(row.Document)
	}
	out.Statement, err = g.statement(ctx, *row.SignedAt, signature, row.VerdictID, g.part)
	return out, err
}

// confirmation is the bank's message that made the payment. A report about a file tells of many payments, so that its digest alone is taken.
func (g *gathering) confirmation(ctx context.Context, o *orderRow) (*receipt.Statement, error) {
	var rows []struct {
		Source  string    `db:"source"`
		Message []byte    `db:"message"`
		Verdict string    `db:"verdict_id"`
		At      time.Time `db:"received_at"`
	}
	if err := all(ctx, g.db, &rows, `SELECT source, message, verdict_id, received_at FROM bank_messages
		WHERE bucket = $1 AND attempt_id = $2 AND outcome = 'executed' AND disposition = 'applied' ORDER BY received_at LIMIT 1`,
		o.Bucket, deref(o.Attempt)); err != nil || len(rows) == 0 {
		return nil, err
	}
	if rows[0].Source == string(fromStatement) { // our own record of the line, by which two people decided: there is no message of the bank about it
		shown, err := shownBy(rows[0].Message)
		return &receipt.Statement{At: rows[0].At.UTC().Format(time.RFC3339Nano), Verdict: shown}, err
	}
	out, err := g.statement(ctx, rows[0].At, rows[0].Message, rows[0].Verdict, g.part || rows[0].Source == string(fromFile))
	return &out, err
}

// statement is a signed message with what the verdict on it rests on; withheld leaves the digest and the outcome.
func (g *gathering) statement(ctx context.Context, at time.Time, message []byte, verdict string, withheld bool) (receipt.Statement, error) {
	out := receipt.Statement{At: at.UTC().Format(time.RFC3339Nano), Verdict: verdict}
	if len(message) > 0 {
		sum := sha256.Sum256(message)
		out.SHA256 = hex.EncodeToString(sum[:])
		if !withheld {
			out.Message = base64.StdEncoding.EncodeToString(message)
		}
	}
	reader, ok := g.cfg.Verifier.(VerdictReader)
	if !ok || len(message) == 0 {
		return out, nil
	}
	known, err := reader.ReadVerdict(ctx, verdict, evidenceMax)
	if err != nil {
		return out, fmt.Errorf("couldn't read verdict %s: %w", verdict, err)
	}
	out.Indication, out.Sub = known.Indication, known.Sub
	if withheld {
		return out, nil
	}
	for _, body := range known.Evidence {
		if len(body) > evidenceMax || len(body) > g.left { // certificates of the trust store come whatever their length
			continue
		}
		g.left -= len(body)
		out.Evidence = append(out.Evidence, base64.StdEncoding.EncodeToString(body))
	}
	return out, nil
}
