package revoked

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"qaqpa/signer/pkix"
)

// attempt is what one address gave.
type attempt struct {
	list *List // nil unless a newer list came
	tags Tags
	err  error // ErrNotNewer when what is there is no newer than what is at hand
}

// refresh asks the addresses of a point in turn until one brings a newer list or confirms the one at hand. An address that has
// nothing newer is not believed when the list at hand is past its time: another may be ahead of it.
func (s *Store) refresh(ctx context.Context, p *point) error {
	held, tags := s.held(p)
	settled := false
	var errs []error
	for _, url := range p.URLs {
		start := s.cfg.Now()
		result, err := s.try(ctx, p, held, Request{URL: url, Have: tags[url]})
		s.metrics.requested(p, result, s.cfg.Now().Sub(start))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", url, err))
		}
		settled = settled || err == nil
		if ctx.Err() != nil || result == resultSwapped || settled && !s.outOfDate(held) {
			break
		}
	}
	if !settled {
		return errors.Join(errs...)
	}
	if len(errs) > 0 {
		s.log.WarnContext(ctx, "an address of a list fails and another serves", "point", p.Name, "error", errors.Join(errs...).Error())
	}
	return nil
}

// try asks one address and makes what it brings current. The result is that of metrics; the error is nil when a newer list
// came or the one at hand was confirmed.
func (s *Store) try(ctx context.Context, p *point, held *List, r Request) (result string, err error) {
	a := s.ask(ctx, p, held, r)
	switch {
	case a.list != nil && a.err == nil:
		result, err = resultSwapped, s.take(ctx, p, a.list, r.URL, a.tags)
	case a.err == nil:
		result, err = resultUnchanged, s.commit(p, nil, r.URL, a.tags, false)
	case errors.Is(a.err, ErrNotNewer):
		result, err = resultNotNewer, s.commit(p, nil, r.URL, a.tags, false)
	default:
		err = a.err
	}
	if err != nil {
		return resultOf(err), err
	}
	return result, nil
}

// held is the list at hand and the tags of its addresses. Past its time a list has none: whatever is there is looked at.
func (s *Store) held(p *point) (*List, map[string]Tags) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.list == nil || s.outOfDate(p.list) {
		return p.list, nil
	}
	return p.list, maps.Clone(p.tags)
}

func (s *Store) outOfDate(l *List) bool {
	return l != nil && !l.NextUpdate().IsZero() && s.cfg.Now().After(l.NextUpdate())
}

// ask makes one request, and verifies and keeps the list that comes.
func (s *Store) ask(ctx context.Context, p *point, held *List, r Request) (a attempt) {
	ctx, done := context.WithTimeoutCause(ctx, s.cfg.Timeout, fmt.Errorf("%w: %s have passed", errStalled, s.cfg.Timeout))
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		if cause := context.Cause(ctx); a.err != nil && errors.Is(cause, errStalled) {
			a.err = cause
		}
	}()
	resp, err := s.cfg.Source.Open(ctx, r)
	if err != nil {
		return attempt{err: err}
	}
	a.tags = resp.Tags
	if resp.NotModified {
		if r.Have == (Tags{}) {
			return attempt{err: malformed("not modified, says an answer to a question without condition")}
		}
		return attempt{tags: r.Have}
	}
	defer func() { a.err = withClose(a.err, resp.Body.Close()) }()
	body := newPaced(resp.Body, cancel, s.cfg.StallTime, s.cfg.StallBytes)
	defer body.stop()
	a.list, a.err = s.receive(p, held, body)
	return a
}

// withClose adds the error of closing where nothing worse happened: a body that was given up may well not close cleanly.
func withClose(err, closing error) error {
	if err != nil {
		return err
	}
	return closing
}

// receive reads a list from the network to the folder, and verifies it.
func (s *Store) receive(p *point, held *List, body *paced) (l *List, err error) {
	file, err := s.folder.part(partName(p))
	if err != nil {
		return nil, err
	}
	defer func() { err = withClose(err, file.discard()) }()
	sc, err := s.scanner(body, file).scan(func(head *pkix.CRL) error { return s.early(p, held, head) })
	if err != nil {
		return nil, err
	}
	body.stop() // the rest is our own work
	if err := s.roomFor(p, sc.bytes); err != nil {
		return nil, err
	}
	if l, err = s.examine(p, sc, func() ([]byte, error) { return file.octets(sc.bytes) }); err != nil {
		return nil, err
	}
	if err := s.compare(l, held); err != nil {
		return nil, err
	}
	return l, file.keep(l.SHA256, s.cfg.Now())
}

// partName names the file in which a point's list is received. A point is refreshed by one goroutine at a time.
func partName(p *point) string {
	sum := sha256.Sum256([]byte(p.label() + " " + p.Name))
	return hex.EncodeToString(sum[:8])
}

// take makes a list current, after the archive has it.
func (s *Store) take(ctx context.Context, p *point, l *List, url string, t Tags) error {
	if err := s.commit(p, l, url, t, s.archive(ctx, l)); err != nil {
		return err
	}
	octets, indexes := l.Memory()
	s.log.InfoContext(ctx, "list taken", "point", p.Name, "sha256", l.Hex(), "entries", l.Len(), "delta", l.Delta(),
		"this_update", l.ThisUpdate(), "next_update", l.NextUpdate(), "memory_bytes", octets+indexes)
	if s.outOfDate(l) {
		s.log.WarnContext(ctx, "the newest list is out of date", "point", p.Name, "next_update", l.NextUpdate())
	}
	if l.Delta() {
		s.wantBase(l)
	}
	return nil
}

// archive hands a list to the archive. Its failure is not the list's: news of revocations matter more, and it is told again.
func (s *Store) archive(ctx context.Context, l *List) bool {
	if s.cfg.Archive == nil {
		return true
	}
	if err := s.cfg.Archive.Archive(ctx, l); err != nil {
		s.log.ErrorContext(ctx, "a list was not archived", "point", l.Point, "sha256", l.Hex(), "error", err.Error())
		return false
	}
	return true
}

// wantBase has the base of a delta asked for when the delta is for a later one than is at hand.
func (s *Store) wantBase(delta *List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for _, p := range s.points {
		if p.Delta || p.list == nil || !p.list.crl.Issuer.Equal(delta.crl.Issuer) || !forLaterBase(delta.crl, p.list.crl) {
			continue
		}
		if soon := p.tried.Add(s.cfg.RetryMin); soon.Before(p.due) {
			p.due = soon
			if soon.Before(now) {
				p.due = now
			}
		}
	}
	s.nudge()
}

// settle notes how a refresh ended and when the next one is due.
func (s *Store) settle(ctx context.Context, p *point, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "a list could not be refreshed", "point", p.Name, "error", err.Error())
	}
	s.rearchive(ctx, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.busy = false
	if p.failure = ""; err != nil {
		p.failure = resultOf(err)
		p.failures++
	} else {
		p.failures = 0
	}
	p.due = s.cfg.next(p, s.cfg.Now(), s.roll())
}
