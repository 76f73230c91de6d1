package api

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"qaqpa/signer"
)

// batchAtOnce is how many documents of one batch are judged at once, so that a batch does not stand in everybody's way.
const batchAtOnce = 4

type validationBatch struct {
	Items []batchItem `json:"items" limit:"100"`
}

// batchItem is one document of a batch.
type batchItem struct {
	// Reference is the caller's own name for it, given back as it is.
	Reference       string            `json:"reference,omitempty" limit:"64"`
	Document        []byte            `json:"document"`
	Detached        *[]byte           `json:"detached,omitempty"`
	DetachedDigests map[string][]byte `json:"detached_digests,omitempty" limit:"8"`
	Originals       []namedOriginal   `json:"originals,omitempty" limit:"1024"`
	Policy          string            `json:"policy,omitempty" limit:"32"`
	At              time.Time         `json:"at,omitzero"`
}

type batchResults struct {
	Items []batchResult `json:"items"`
}

// batchResult is what became of one document: a verdict, or the problem that kept it from being judged.
type batchResult struct {
	Reference string          `json:"reference,omitempty"`
	Verdict   *signer.Verdict `json:"verdict,omitempty"`
	Problem   json.RawMessage `json:"problem,omitempty"`
}

// validateBatch judges several documents, each by itself: one that cannot be judged does not stop the others.
func (s *Server) validateBatch(ctx context.Context, r *request, in validationBatch) (reply[batchResults], error) {
	if len(in.Items) == 0 {
		return reply[batchResults]{}, badField("/items")
	}
	out := batchResults{Items: make([]batchResult, len(in.Items))}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(batchAtOnce, len(in.Items)) {
		wg.Go(func() {
			for i := range next {
				out.Items[i] = s.batchOne(ctx, r, in.Items[i])
			}
		})
	}
	for i := range in.Items {
		next <- i
	}
	close(next)
	wg.Wait()
	return reply[batchResults]{Body: out}, nil
}

func (s *Server) batchOne(ctx context.Context, r *request, in batchItem) (out batchResult) {
	out.Reference = in.Reference
	defer func() { // as at the edge: this goroutine is outside of what is caught there
		if v := recover(); v != nil {
			s.logPanic(r.id, v)
			out.Problem = s.problemResponse(refuse(codeInternal), r.id, s.languageOf(r)).body
		}
	}()
	req, err := s.requestOf(validationRequest{
		Document: in.Document, Detached: in.Detached, DetachedDigests: in.DetachedDigests, Originals: in.Originals,
		Policy: in.Policy, At: in.At,
	})
	if err == nil {
		err = s.admissible(req)
	}
	if err == nil {
		req.Actor, req.Store = r.caller.Actor(), r.caller.Known()
		var v signer.Verdict
		if v, err = s.judge(ctx, req); err == nil {
			out.Verdict = &v
			return out
		}
	}
	out.Problem = s.problemResponse(err, r.id, s.languageOf(r)).body
	return out
}
