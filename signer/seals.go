package signer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"qaqpa/signer/sealing"
)

// Errors of requests for seals.
var (
	// ErrNoSealPolicy: the client may have nothing sealed.
	ErrNoSealPolicy = errors.New("the client has no seal policy")
	// ErrSealKeyReused: the idempotency key was used for another request.
	ErrSealKeyReused = errors.New("the idempotency key was used for another request")
	// ErrSealKeyBusy: a request with this idempotency key is being answered.
	ErrSealKeyBusy = errors.New("a request with this idempotency key is being answered")
)

// SealRateError is the refusal of a request that would exceed what the client may have sealed in a minute.
type SealRateError struct {
	PerMinute int
	// Wait is when there may be room again; 0 means never: the request asks for more than a minute takes.
	Wait time.Duration
}

// Error names the limit.
func (e *SealRateError) Error() string {
	return fmt.Sprintf("the seal policy allows %d documents a minute", e.PerMinute)
}

// SealClient says in whose name documents are sealed or raised, and as what a repetition is known.
type SealClient struct {
	// Name is that of the policy, and the actor of audit entries, such as "agency:agn_…".
	Name string
	// Key is the client's idempotency key and Hash that of its request.
	Key  string
	Hash [32]byte
}

// Seals is a request that was admitted: its policy allows every part of it, and its documents are counted. Close ends it.
type Seals struct {
	s      *Service
	client SealClient
	keys   []string
	stored map[int]MadeSeal
	flight string
}

// OpenSeals admits a request for seals, or for raising: all of it or nothing. What an earlier request with the same idempotency key
// had made is at hand then and is not counted again.
//
// Errors: ErrNoDatabase, ErrNoSealPolicy, *sealing.RefusalError wrapped in *SealItemError, *SealRateError, ErrSealKeyReused,
// ErrSealKeyBusy, those of the database.
func (s *Service) OpenSeals(ctx context.Context, client SealClient, asks []sealing.Ask) (_ *Seals, err error) {
	if s.cfg.DB == nil {
		return nil, ErrNoDatabase
	}
	flight := strconv.Itoa(len(client.Name)) + ":" + client.Name + ":" + client.Key
	if _, busy := s.sealing.inFlight.LoadOrStore(flight, true); busy {
		return nil, ErrSealKeyBusy
	}
	defer func() {
		if err != nil {
			s.sealing.inFlight.Delete(flight)
		}
	}()
	policy, err := s.SealPolicy(ctx, client.Name)
	if err != nil {
		return nil, err
	}
	out := &Seals{s: s, client: client, flight: flight, keys: make([]string, len(asks))}
	for i, ask := range asks {
		if out.keys[i], err = policy.Admit(ask); err != nil {
			return nil, &SealItemError{Item: i, Err: err}
		}
	}
	if out.stored, err = s.sealsMade(ctx, client); err != nil {
		return nil, err
	}
	fresh := 0
	for i := range asks {
		if _, there := out.stored[i]; !there {
			fresh++
		}
	}
	if fresh > 0 {
		err = s.countSeals(ctx, client.Name, fresh, policy.PerMinute)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SealItemError tells which document of a request is refused.
type SealItemError struct {
	Item int
	Err  error
}

// Error is that of the document.
func (e *SealItemError) Error() string { return fmt.Sprintf("document %d: %s", e.Item+1, e.Err) }

// Unwrap is why.
func (e *SealItemError) Unwrap() error { return e.Err }

// Close lets the idempotency key be used again.
func (q *Seals) Close() { q.s.sealing.inFlight.Delete(q.flight) }

// Make seals the document of one place in the request, or returns what was made for it before. Actor and Key of the order are
// those of the request and its policy. Errors as for [Service.MakeSeal]; what failed is tried anew by a repetition.
// Safe for concurrent use with different places.
func (q *Seals) Make(ctx context.Context, item int, o SealOrder) (made MadeSeal, replayed bool, err error) {
	return q.once(ctx, item, func() (MadeSeal, error) {
		o.Actor, o.Key = q.client.Name, q.keys[item]
		return q.s.MakeSeal(ctx, o)
	})
}

// Raise is [Service.Raise] for one place in the request, as Make is MakeSeal.
func (q *Seals) Raise(ctx context.Context, item int, req RaiseRequest) (made MadeSeal, replayed bool, err error) {
	return q.once(ctx, item, func() (MadeSeal, error) {
		req.Actor = q.client.Name
		return q.s.Raise(ctx, req)
	})
}

// once makes a seal and keeps it before it leaves. A crash in between leaves the use of the key in the audit log and no seal outside: a
// repetition makes another.
func (q *Seals) once(ctx context.Context, item int, produce func() (MadeSeal, error)) (MadeSeal, bool, error) {
	if made, there := q.stored[item]; there {
		return made, true, nil
	}
	made, err := produce()
	if err != nil {
		return MadeSeal{}, false, err
	}
	kept, err := q.s.keepSeal(ctx, q.client, item, made)
	if err != nil {
		return MadeSeal{}, false, err
	}
	return kept, kept.ID != made.ID, nil
}
