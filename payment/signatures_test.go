package payment

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

func officer(iin, role string) Signer {
	return Signer{IIN: iin, BIN: companyBIN, Kind: "organisation", Roles: []string{role}, CertificateSHA256: "c-" + iin}
}

// A company that asks for two signatures: the first is kept and nothing moves, the second, of another person, sets it going.
func TestTwoSignatures(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	_, _, err := b.SetSignatures(ctx, b.idem("2"), companyBIN, 2)
	b.must(err)
	d := b.fee(companyBIN)
	o := b.ordered(companyBIN, d)
	if o.SignaturesNeeded != 2 || o.ExpiresAt.Sub(o.CreatedAt) != pairTTL {
		t.Errorf("order %+v", o)
	}
	head, second := officer(citizenIIN, "head"), officer(neighborIIN, "right_of_financial_signature")
	first, _, err := b.Authorise(ctx, b.idem("s1"), o.ID, b.signed(o, head))
	if err != nil || first.State != order.Created || first.Attempt != "" || first.AuthorisedAt != nil || len(first.Signers) != 1 {
		t.Fatalf("after the first: %+v, %v", first, err)
	}
	if now, err := b.Debt(ctx, d.ID); err != nil || now.State != debt.Open {
		t.Errorf("debt is %s (%v)", now.State, err)
	}
	b.check()
	b.attempts()
	_, _, err = b.Authorise(ctx, b.idem("s2"), o.ID, b.signed(o, head))
	wants(t, err, ErrSignedAlready)
	again := officer(citizenIIN, "right_of_signature")
	again.CertificateSHA256 = "another certificate of the same person"
	_, _, err = b.Authorise(ctx, b.idem("s3"), o.ID, b.signed(o, again))
	wants(t, err, ErrSignedAlready)
	_, _, err = b.Authorise(ctx, b.idem("s4"), o.ID, b.signed(o, officer(neighborIIN, "employee")))
	wants(t, err, ErrSignerNoAuthority)
	b.clock.advance(20 * time.Hour)
	_, err = b.expireOrders(ctx, 10)
	b.must(err)
	out, _, err := b.Authorise(ctx, b.idem("s5"), o.ID, b.signed(o, second))
	if err != nil || out.State != order.Authorised || out.Signer != neighborIIN {
		t.Fatalf("after the second: %+v, %v", out, err)
	}
	b.settle()
	done, err := b.Order(ctx, o.ID)
	if err != nil || done.State != order.Executed || cmp.Diff([]string{citizenIIN, neighborIIN}, done.Signers) != "" {
		t.Errorf("order %+v, %v", done, err)
	}
	var kept int
	b.must(b.db.Get(&kept, `SELECT count(DISTINCT signature) FROM authorisations WHERE order_id = $1`, o.ID))
	if kept != 2 {
		t.Errorf("%d signatures are kept", kept)
	}
	b.agree()
}

// Both sign at the same moment, one of them twice: one pair, one attempt.
func TestTwoSignaturesAtOnce(t *testing.T) {
	b := setup(t)
	_, _, err := b.SetSignatures(t.Context(), b.idem("2"), companyBIN, 2)
	b.must(err)
	o := b.ordered(companyBIN, b.fee(companyBIN))
	head, second := b.signed(o, officer(citizenIIN, "head")), b.signed(o, officer(neighborIIN, "right_of_signature"))
	var wait sync.WaitGroup
	for _, signature := range [][]byte{head, second, head} {
		idem := b.idem("s")
		wait.Go(func() { _, _, _ = b.Authorise(t.Context(), idem, o.ID, signature) })
	}
	wait.Wait()
	if got := b.state(o.ID); got != order.Authorised {
		t.Errorf("order is %s", got)
	}
	b.settle()
	if report := b.check(); report.Transfers != 1 {
		t.Errorf("report %+v", report)
	}
	b.agree()
}

// A half-signed order can be cancelled, expires, and is refused when the debt changed meanwhile.
func TestTwoSignaturesNeverCome(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	_, _, err := b.SetSignatures(ctx, b.idem("2"), companyBIN, 2)
	b.must(err)
	head, second := officer(citizenIIN, "head"), officer(neighborIIN, "head")
	sign := func(o order.Order, who Signer) error {
		_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, who))
		return err
	}
	cancelled, expires, changed := b.ordered(companyBIN, b.fee(companyBIN)), b.ordered(companyBIN, b.fee(companyBIN)), b.fee(companyBIN)
	stale := b.ordered(companyBIN, changed)
	for _, o := range []order.Order{cancelled, expires, stale} {
		b.must(sign(o, head))
	}
	_, _, err = b.CancelOrder(ctx, b.idem("c"), cancelled.ID)
	b.must(err)
	wants(t, sign(cancelled, second), ErrOrderFinished)
	_, _, err = b.RecallDebt(ctx, b.idem("r"), b.agency.ID, changed.ID, "error")
	b.must(err)
	wants(t, sign(stale, second), ErrDebtRecalled)
	b.clock.advance(25 * time.Hour)
	wants(t, sign(expires, second), ErrOrderExpired)
	for _, count := range []int{0, 3, -1} {
		_, _, err := b.SetSignatures(ctx, b.idem("n"), companyBIN, count)
		wants(t, err, ErrInvalid)
	}
	_, _, err = b.SetSignatures(ctx, b.idem("1"), companyBIN, 1)
	b.must(err)
	b.must(sign(b.ordered(companyBIN, b.fee(companyBIN)), head))
	b.settle()
	b.agree()
}

// crowd is a verifier of documents that several people have signed side by side.
type crowd struct {
	*notary
	signers []Signer
}

func (c *crowd) Verify(ctx context.Context, signature, detached []byte) (Signature, error) {
	found, err := c.notary.Verify(ctx, signature, detached)
	if found.Valid && c.signers != nil {
		found.Signers = c.signers
	}
	return found, err
}

// Two people may sign one document side by side: the second one's signature counts also where it came into the document of the first, and a
// document that both have signed is enough. Who has no authority, or stands there twice, is nobody's second.
func TestTwoSignaturesOfOneDocument(t *testing.T) {
	c := &crowd{}
	b := setup(t, func(cfg *Config) {
		c.notary, _ = cfg.Verifier.(*notary)
		cfg.Verifier = c
	})
	_, _, err := b.SetSignatures(t.Context(), b.idem("2"), companyBIN, 2)
	b.must(err)
	head, second, clerk := officer(citizenIIN, "head"), officer(neighborIIN, "right_of_financial_signature"), officer(neighborIIN, "employee")
	again := officer(citizenIIN, "right_of_signature")
	sign := func(o order.Order, signers ...Signer) (order.Order, error) {
		c.signers = signers
		out, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, head))
		c.signers = nil
		return out, err
	}
	apart, both, halves := b.ordered(companyBIN, b.fee(companyBIN)), b.ordered(companyBIN, b.fee(companyBIN)), b.ordered(companyBIN, b.fee(companyBIN))
	_, err = sign(apart, head)
	b.must(err)
	if out, err := sign(apart, head, second); err != nil || out.State != order.Authorised || out.Signer != neighborIIN {
		t.Errorf("the second beside the first: %+v %v", out, err)
	}
	if out, err := sign(both, second, head); err != nil || out.State != order.Authorised {
		t.Errorf("both at once: %+v %v", out, err)
	}
	if out, err := sign(halves, head, again, clerk); err != nil || out.State != order.Created {
		t.Errorf("one person and a clerk: %+v %v", out, err)
	}
	_, err = sign(halves, again, head, clerk)
	wants(t, err, ErrSignedAlready)
	b.settle()
	for _, o := range []order.Order{apart, both} {
		done, err := b.Order(t.Context(), o.ID)
		slices.Sort(done.Signers)
		if err != nil || done.State != order.Executed || cmp.Diff([]string{citizenIIN, neighborIIN}, done.Signers) != "" {
			t.Errorf("order %+v, %v", done, err)
		}
	}
	b.agree()
}
