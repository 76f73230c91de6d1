package payment

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/catalog"
	"qaqpa/payment/notify"
	"qaqpa/payment/refund"
)

// secretsByName makes secrets as a token does: by agency and version.
type secretsByName struct{}

func (secretsByName) WebhookSecret(_ context.Context, agency string, version int) ([]byte, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", agency, version))
	return sum[:], nil
}

// Who fetches gets each event once, in order, without gaps, whoever numbers them and in how many processes.
func TestEvents(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	for range 5 {
		b.authorised(citizenIIN)
		b.authorised(neighborIIN)
	}
	if page, err := b.Events(ctx, b.agency.ID, 0, 0); err != nil || len(page.Items) != 0 || page.HasMore {
		t.Fatalf("before anything was paid: %+v %v", page, err)
	}
	b.settle()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := b.workEvents(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	seen, after := map[string]bool{}, int64(0)
	for {
		page, err := b.Events(ctx, b.agency.ID, after, 3)
		b.must(err)
		for i, e := range page.Items {
			var body struct{ Type string }
			if e.Seq != after+int64(i)+1 || seen[e.ID] || json.Unmarshal(e.Event, &body) != nil || body.Type != webhookType {
				t.Errorf("event %+v after %d", e, after)
			}
			seen[e.ID] = true
		}
		after = page.Next
		if !page.HasMore {
			break
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d events", len(seen))
	}
	b.hook.mu.Lock()
	for id := range b.hook.got {
		if !seen[id] {
			t.Errorf("webhook %s is no event", id)
		}
	}
	b.hook.mu.Unlock()
	_, err := b.Events(ctx, "agc_other", 0, 0)
	wants(t, err, ErrAgencyUnknown)
	_, err = b.Events(ctx, b.agency.ID, -1, 0)
	wants(t, err, ErrInvalid)
	_, err = b.Events(ctx, b.agency.ID, 0, 101)
	wants(t, err, ErrInvalid)
}

// During a rotation both secrets verify, after it only the new one does; the public key always does.
func TestWebhookSecrets(t *testing.T) {
	b := setup(t, func(c *Config) { c.WebhookSecrets = secretsByName{} })
	ctx := t.Context()
	var signatures []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.hook.ServeHTTP(w, r)
		b.hook.mu.Lock()
		defer b.hook.mu.Unlock()
		body := b.hook.bodies[r.Header.Get(notify.HeaderID)]
		var versions []string
		for version := 1; version <= 3; version++ {
			secret, _ := secretsByName{}.WebhookSecret(ctx, b.agency.ID, version)
			mac := hmac.New(sha256.New, secret)
			fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get(notify.HeaderID), r.Header.Get(notify.HeaderTimestamp), body)
			if strings.Contains(r.Header.Get(notify.HeaderSignature), " v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
				versions = append(versions, fmt.Sprint(version))
			}
		}
		signatures = append(signatures, strings.Join(versions, "+"))
	}))
	defer receiver.Close()
	_, _, err := b.RegisterAgency(ctx, b.idem("a"), catalog.AgencySpec{BIN: agencyBIN, Names: b.agency.Names, WebhookURL: receiver.URL})
	b.must(err)
	rotate := func(overlap time.Duration, want int) {
		t.Helper()
		version, _, err := b.RotateWebhookSecret(ctx, b.idem("r"), b.agency.ID, overlap)
		if err != nil || version != want {
			t.Fatalf("version %d, want %d: %v", version, want, err)
		}
	}
	paidWith(b)
	rotate(0, 1)
	paidWith(b)
	rotate(24*time.Hour, 2)
	paidWith(b)
	b.clock.advance(24 * time.Hour)
	paidWith(b)
	rotate(0, 3)
	paidWith(b)
	if got := strings.Join(signatures, " "); got != " 1 1+2 2 3" {
		t.Errorf("verified by %q", got)
	}
	_, _, err = b.RotateWebhookSecret(ctx, b.idem("x"), "agc_other", 0)
	wants(t, err, ErrAgencyUnknown)
	_, _, err = b.RotateWebhookSecret(ctx, b.idem("x"), b.agency.ID, -1)
	wants(t, err, ErrInvalid)
	_, _, err = b.RotateWebhookSecret(ctx, b.idem("x"), b.agency.ID, secretOverlapMax+1)
	wants(t, err, ErrInvalid)
	// A process without the key delivers nothing that the agency could not verify.
	b.cfg.WebhookSecrets = nil
	before := len(signatures)
	paidWith(b)
	if len(signatures) != before {
		t.Error("a webhook went out without the HMAC that its agency expects")
	}
	b.check()
}

// A correction is booked while the receipt of its payment waits: whoever fetches events hears of the payment first.
func TestEventsOfAPaymentComeInOrder(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	b.attempts()
	v, _, err := b.PublishService(t.Context(), b.idem("kbk"), b.agency.ID, func() catalog.ServiceSpec {
		spec := licenceSpec()
		spec.Code, spec.KBK = "other-kbk", "108126"
		return spec
	}())
	b.must(err)
	wrong := item(o)
	wrong.Service = v.ID
	b.decided("dana", ActApprove, b.wished(wishOf(refund.WrongKBK, wrong)))
	_, err = b.workEvents(t.Context())
	b.must(err)
	if page, err := b.Events(t.Context(), b.agency.ID, 0, 0); err != nil || len(page.Items) != 0 {
		t.Fatalf("told before the payment: %+v %v", page, err)
	}
	b.settle()
	for range 2 {
		_, err = b.workEvents(t.Context())
		b.must(err)
	}
	var types []string
	page, err := b.Events(t.Context(), b.agency.ID, 0, 0)
	b.must(err)
	for _, e := range page.Items {
		var body struct{ Type string }
		b.must(json.Unmarshal(e.Event, &body))
		types = append(types, body.Type)
		if strings.Contains(string(e.Event), `"aru"`) || strings.Contains(string(e.Event), `"dana"`) {
			t.Errorf("names people: %s", e.Event)
		}
	}
	if diff := cmp.Diff([]string{webhookType, "refund.booked"}, types); diff != "" {
		t.Error(diff)
	}
}
