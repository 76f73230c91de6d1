package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/sealing"
)

// sealsPerRequest is how many documents of one request are sealed at once, so that a batch does not stand in everybody's way.
const sealsPerRequest = 4

// sealCopies is how often a body is in memory: as it came, decoded, sealed, as it is kept, and in the answer.
const sealCopies = 5

type sealRequest struct {
	// Key is the name of a key of the client's policy, Documents are sealed with it one by one.
	Key       string         `json:"key,omitempty" limit:"64"`
	Documents []sealDocument `json:"documents" limit:"50"`
}

// sealDocument is one document to be sealed.
type sealDocument struct {
	// Reference is the caller's own name for it, given back as it is.
	Reference string      `json:"reference,omitempty" limit:"64"`
	Document  *[]byte     `json:"document,omitempty"`
	Digest    *sealDigest `json:"digest,omitempty"`
	Format    string      `json:"format" limit:"8"`
	Packaging string      `json:"packaging,omitempty" limit:"16"`
	Level     string      `json:"level,omitempty" limit:"8"`
	PDF       *sealPDF    `json:"pdf,omitempty"`
	XML       *sealXML    `json:"xml,omitempty"`
	JWS       *sealJWS    `json:"jws,omitempty"`
}

type sealDigest struct {
	Algorithm string `json:"algorithm" limit:"16"`
	Value     []byte `json:"value" limit:"64"`
}

type sealPDF struct {
	Field    string    `json:"field,omitempty" limit:"128"`
	Reason   string    `json:"reason,omitempty" limit:"200"`
	Location string    `json:"location,omitempty" limit:"200"`
	Certify  int       `json:"certify,omitempty"`
	Mark     *sealMark `json:"mark,omitempty"`
}

// sealMark makes a seal visible; places are in points.
type sealMark struct {
	Page int    `json:"page"`
	X    int    `json:"x"`
	Y    int    `json:"y"`
	Code string `json:"code" limit:"300"`
}

type sealXML struct {
	Element  string `json:"element,omitempty" limit:"200"`
	Name     string `json:"name,omitempty" limit:"200"`
	MIMEType string `json:"mime_type,omitempty" limit:"100"`
}

type sealJWS struct {
	Type        string `json:"type,omitempty" limit:"100"`
	ContentType string `json:"content_type,omitempty" limit:"100"`
	Unencoded   bool   `json:"unencoded,omitempty"`
	Name        string `json:"name,omitempty" limit:"200"`
}

type raiseRequest struct {
	Documents []raiseDocument `json:"documents" limit:"50"`
}

// raiseDocument is a signed document whose signatures are to be raised.
type raiseDocument struct {
	Reference       string            `json:"reference,omitempty" limit:"64"`
	Document        []byte            `json:"document"`
	Detached        *[]byte           `json:"detached,omitempty"`
	DetachedDigests map[string][]byte `json:"detached_digests,omitempty" limit:"8"`
	Level           string            `json:"level" limit:"8"`
}

type sealResults struct {
	Items []sealResult `json:"items"`
}

// sealResult is what became of one document: a seal, or the problem that kept it from being sealed.
type sealResult struct {
	Reference string           `json:"reference,omitempty"`
	Seal      *signer.MadeSeal `json:"seal,omitempty"`
	Problem   json.RawMessage  `json:"problem,omitempty"`
	err       error
	replayed  bool
}

// sealRoutes are the sealing service.
func (s *Server) sealRoutes() ([]route, error) {
	seal, err1 := handle(s.sealDocuments)
	raise, err2 := handle(s.raiseDocuments)
	table := []route{
		change("/v1/seals", auth.SealsWrite, s.cfg.Limits.documentBody(), seal),
		change("/v1/seals/raise", auth.SealsWrite, s.cfg.Limits.documentBody(), raise),
	}
	for i := range table {
		table[i].copies = sealCopies
	}
	return table, errors.Join(err1, err2)
}

// sealDocuments seals several documents, each by itself, after the client's policy has allowed all of them.
func (s *Server) sealDocuments(ctx context.Context, r *request, in sealRequest) (reply[sealResults], error) {
	asks, orders := make([]sealing.Ask, len(in.Documents)), make([]signer.SealOrder, len(in.Documents))
	total := 0
	for i, d := range in.Documents {
		o, err := d.order("/documents/" + strconv.Itoa(i))
		if err != nil {
			return reply[sealResults]{}, err
		}
		total += len(o.Document)
		orders[i] = o
		asks[i] = sealing.Ask{Key: in.Key, Format: o.Format, Level: o.Level, Digest: o.Digest != nil}
	}
	return s.sealEach(ctx, r, sealBatch{asks: asks, total: total, one: func(ctx context.Context, q *signer.Seals, i int) (signer.MadeSeal, bool, error) {
		return q.Make(ctx, i, orders[i])
	}, reference: func(i int) string { return in.Documents[i].Reference }})
}

// raiseDocuments raises the signatures of several documents, each by itself.
func (s *Server) raiseDocuments(ctx context.Context, r *request, in raiseRequest) (reply[sealResults], error) {
	asks, orders := make([]sealing.Ask, len(in.Documents)), make([]signer.RaiseRequest, len(in.Documents))
	total := 0
	for i, d := range in.Documents {
		digests, err := digestsOf("/detached_digests", d.DetachedDigests)
		if err != nil {
			return reply[sealResults]{}, badField("/documents/" + strconv.Itoa(i) + "/detached_digests")
		}
		orders[i] = signer.RaiseRequest{Document: d.Document, DetachedDigests: digests, Level: sealing.Level(d.Level)}
		if d.Detached != nil {
			orders[i].Detached = *d.Detached
		}
		total += len(d.Document) + len(orders[i].Detached)
		asks[i] = sealing.Ask{Level: orders[i].Level, Raise: true}
	}
	return s.sealEach(ctx, r, sealBatch{asks: asks, total: total, one: func(ctx context.Context, q *signer.Seals, i int) (signer.MadeSeal, bool, error) {
		return q.Raise(ctx, i, orders[i])
	}, reference: func(i int) string { return in.Documents[i].Reference }})
}

// order turns the JSON form into what the service seals.
func (d sealDocument) order(at string) (o signer.SealOrder, err error) {
	o = signer.SealOrder{
		Format: sealing.Format(d.Format), Packaging: sealing.Packaging(d.Packaging), Level: sealing.Level(d.Level),
	}
	if o.Level == "" {
		o.Level = sealing.B
	}
	switch {
	case (d.Document == nil) == (d.Digest == nil):
		return o, badField(at + "/document")
	case d.Document != nil:
		o.Document = *d.Document
	default:
		var known bool
		if o.Hash, known = digestNames[d.Digest.Algorithm]; !known || o.Hash == algo.GOST94Test || len(d.Digest.Value) != o.Hash.Size() {
			return o, badField(at + "/digest")
		}
		o.Digest = d.Digest.Value
	}
	if d.PDF != nil && o.Format != sealing.PAdES {
		return o, badField(at + "/pdf")
	}
	if d.JWS != nil && o.Format != sealing.JWS {
		return o, badField(at + "/jws")
	}
	if d.XML != nil && o.Format != sealing.XAdES {
		return o, badField(at + "/xml")
	}
	d.options(&o)
	return o, nil
}

// options takes over what concerns one format.
func (d sealDocument) options(o *signer.SealOrder) {
	if p := d.PDF; p != nil {
		o.PDF = signer.PDFOptions{Field: p.Field, Reason: p.Reason, Location: p.Location, Permission: p.Certify}
		if m := p.Mark; m != nil {
			o.PDF.Mark = &signer.PDFMark{Page: m.Page, X: float64(m.X), Y: float64(m.Y), Code: m.Code}
		}
	}
	if j := d.JWS; j != nil {
		o.JWS = signer.JWSOptions{Type: j.Type, ContentType: j.ContentType, Unencoded: j.Unencoded, Name: j.Name}
	}
	if x := d.XML; x != nil {
		o.XML = signer.XAdESOptions{Element: x.Element, Name: x.Name, MIMEType: x.MIMEType}
	}
}

// sealBatch is what sealing and raising have in common.
type sealBatch struct {
	asks      []sealing.Ask
	total     int // octets of all documents
	one       func(ctx context.Context, q *signer.Seals, item int) (signer.MadeSeal, bool, error)
	reference func(item int) string
}

// sealEach admits the request as a whole and then takes its documents one by one: one that cannot be sealed does not stop the others. A
// request of one document is answered by its problem.
func (s *Server) sealEach(ctx context.Context, r *request, b sealBatch) (out reply[sealResults], err error) {
	switch {
	case len(b.asks) == 0:
		return out, badField("/documents")
	case b.total > s.cfg.Limits.DocumentBytes:
		return out, refuse(codeBodyTooLarge)
	}
	q, err := s.cfg.Signer.OpenSeals(ctx, signer.SealClient{Name: r.caller.Actor(), Key: r.idem.Key, Hash: r.idem.Hash}, b.asks)
	if err != nil {
		return out, sealRefusal(err)
	}
	defer q.Close()
	items := make([]sealResult, len(b.asks))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(sealsPerRequest, len(items)) {
		wg.Go(func() {
			for i := range next {
				items[i] = s.sealOne(ctx, r, q, b, i)
			}
		})
	}
	for i := range items {
		next <- i
	}
	close(next)
	wg.Wait()
	if len(items) == 1 && items[0].err != nil {
		return out, items[0].err
	}
	out.Body.Items, out.Replayed = items, true
	for _, item := range items {
		out.Replayed = out.Replayed && item.replayed
	}
	return out, nil
}

func (s *Server) sealOne(ctx context.Context, r *request, q *signer.Seals, b sealBatch, i int) (out sealResult) {
	out.Reference = b.reference(i)
	failed := func(err error) {
		out.err = sealRefusal(err)
		out.Problem = s.problemResponse(out.err, r.id, s.languageOf(r)).body
	}
	defer func() { // as at the edge: this goroutine is outside of what is caught there
		if v := recover(); v != nil {
			s.logPanic(r.id, v)
			failed(refuse(codeInternal))
		}
	}()
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := s.sealing.Acquire(wait, 1); err != nil {
		failed(refuse(codeBusy).because(err).after(5 * time.Second))
		return out
	}
	defer s.sealing.Release(1)
	made, replayed, err := b.one(ctx, q, i)
	if err != nil {
		failed(err)
		return out
	}
	out.Seal, out.replayed = &made, replayed
	return out
}

// sealRefusal tells what is particular to seals; classify knows the rest.
func sealRefusal(err error) error {
	var denied *sealing.RefusalError
	var rate *signer.SealRateError
	var bad *signer.NotRaisableError
	switch {
	case errors.As(err, &denied):
		return deniedSeal(err, denied)
	case errors.Is(err, signer.ErrNoSealPolicy):
		return refuse(codeSealDenied).because(err).explain(err.Error())
	case errors.As(err, &rate) && rate.Wait == 0:
		p := refuse(codeSealDenied).because(err).explain(err.Error())
		p.field = "/documents"
		return p
	case errors.As(err, &rate):
		return refuse(codeSealRate).because(err).after(rate.Wait).with("Limit", strconv.Itoa(rate.PerMinute))
	case errors.Is(err, signer.ErrSealKeyReused):
		return fmt.Errorf("%w: %w", payment.ErrIdempotencyReuse, err)
	case errors.Is(err, signer.ErrSealKeyBusy):
		return fmt.Errorf("%w: %w", payment.ErrIdempotencyBusy, err)
	case errors.As(err, &bad):
		p := refuse(codeNotRaisable).because(err).explain(err.Error())
		p.reasons = bad.Reasons
		return p
	case errors.Is(err, signer.ErrRaised):
		return refuse(codeRaised).because(err)
	case errors.Is(err, signer.ErrNoSealKey), errors.Is(err, signer.ErrSealCertificate):
		return refuse(codeSealKey).because(err)
	case errors.Is(err, signer.ErrTimeStamp):
		return refuse(codeNoTimeStamp).because(err).after(30 * time.Second)
	case errors.Is(err, signer.ErrEvidence):
		return refuse(codeNoEvidence).because(err).after(30 * time.Second)
	case errors.Is(err, signer.ErrRequest):
		return refuse(codeUnsealable).because(err).explain(err.Error())
	}
	return err
}

// deniedSeal points to the member of the request that the policy refuses.
func deniedSeal(err error, denied *sealing.RefusalError) error {
	p := refuse(codeSealDenied).because(err).explain(denied.Error())
	var item *signer.SealItemError
	switch {
	case denied.Member == "key":
		p.field = "/key"
	case errors.As(err, &item) && denied.Member != "":
		p.field = "/documents/" + strconv.Itoa(item.Item) + "/" + denied.Member
	}
	return p
}
