package agency

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/loopback"
)

const onWebhooks = "webhooks"

// Kinds of faults of POST /webhooks; those in which nothing is read are POST /register's, too.
const (
	FaultDown             = "down"               // Status (500), nothing is read
	FaultRefuse           = "refuse"             // Status (400), nothing is read
	FaultRetryAfter       = "retry_after"        // 429 with Retry-After of DelayMS in whole seconds (1)
	FaultRedirect         = "redirect"           // 302 to another address
	FaultSlow             = "slow"               // DelayMS (1 s) before anything is done
	FaultTimeout          = "timeout"            // nothing is read, no answer for DelayMS (30 s)
	FaultDrop             = "drop"               // the connection is cut, nothing is read
	FaultDropAfterReceive = "drop_after_receive" // received and kept, the connection is cut
	FaultErrorButReceived = "error_but_received" // received and kept, answered with Status (500)
)

func faultKinds() map[string][]string {
	kinds := map[string][]string{}
	for _, k := range []string{
		FaultDown, FaultRefuse, FaultRetryAfter, FaultRedirect, FaultSlow, FaultTimeout, FaultDrop, FaultDropAfterReceive, FaultErrorButReceived,
	} {
		kinds[k] = []string{onWebhooks, onRegister}
	}
	for _, k := range []string{
		FaultOtherSigner, FaultBadSignature, FaultOtherQuestion, FaultOtherPayer, FaultOldData, FaultHugeAnswer, FaultUnsignedAnswer,
	} {
		kinds[k] = []string{onRegister}
	}
	return kinds
}

const maxWebhook = 1 << 20 // octets

// Handler serves the agency's addresses.
func (a *Agency) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks", a.postWebhook)
	mux.HandleFunc("GET /webhooks", a.list)
	mux.HandleFunc("POST /register", a.postRegister)
	mux.Handle("/faults", a.faults)
	return mux
}

func (a *Agency) postWebhook(w http.ResponseWriter, r *http.Request) {
	f, _ := a.faults.Take(onWebhooks)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if stopsBefore(w, r, f) {
		return
	}
	if err := a.checkSignature(r.Header, body); err != nil {
		a.mu.Lock()
		a.refused++
		a.mu.Unlock()
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	d, err := a.receive(r.Context(), r.Header.Get("webhook-id"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch {
	case f.Kind == FaultDropAfterReceive:
		panic(http.ErrAbortHandler) // net/http cuts the connection and logs nothing
	case f.Kind == FaultErrorButReceived:
		http.Error(w, "the agency is out of order", orStatus(f.Status, http.StatusInternalServerError))
	case !d.Valid():
		http.Error(w, strings.Join(d.Problems, "; "), http.StatusUnprocessableEntity)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// stopsBefore plays the faults in which the agency never reads the webhook.
func stopsBefore(w http.ResponseWriter, r *http.Request, f fault.Fault) bool {
	switch f.Kind {
	case FaultDown:
		http.Error(w, "the agency is out of order", orStatus(f.Status, http.StatusInternalServerError))
	case FaultRefuse:
		http.Error(w, "refused", orStatus(f.Status, http.StatusBadRequest))
	case FaultRetryAfter:
		w.Header().Set("Retry-After", strconv.Itoa(int(f.Delay(time.Second).Seconds())))
		http.Error(w, "later", http.StatusTooManyRequests)
	case FaultRedirect:
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case FaultSlow:
		loopback.Sleep(r.Context(), f.Delay(time.Second))
		return false
	case FaultTimeout:
		loopback.Sleep(r.Context(), f.Delay(30*time.Second))
		panic(http.ErrAbortHandler)
	case FaultDrop:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

func orStatus(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}

// checkSignature follows Standard Webhooks: v1a is Ed25519 over id.timestamp.body; one signature of
// several must hold (keys rotate), and the timestamp must be recent (replay).
func (a *Agency) checkSignature(h http.Header, body []byte) error {
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || len(id) > 100 || err != nil {
		return errors.New("webhook-id or webhook-timestamp is missing or wrong")
	}
	if age := a.cfg.Now().Sub(time.Unix(seconds, 0)); age > a.cfg.Tolerance || age < -a.cfg.Tolerance {
		return errors.New("webhook-timestamp is too far from now")
	}
	signed := append([]byte(id+"."+stamp+"."), body...)
	for token := range strings.FieldsSeq(h.Get("webhook-signature")) {
		text, ok := strings.CutPrefix(token, "v1a,")
		if !ok {
			continue
		}
		sig, err := base64.StdEncoding.DecodeString(text)
		if err == nil && len(sig) == ed25519.SignatureSize && ed25519.Verify(a.cfg.WebhookKey, signed, sig) {
			return nil
		}
	}
	return errors.New("no v1a signature in webhook-signature holds")
}

// receive verifies the receipt and stores the delivery.
func (a *Agency) receive(ctx context.Context, id string, body []byte) (Delivery, error) {
	d := Delivery{ID: id, ReceivedAt: a.cfg.Now().UTC(), Body: body, SignatureValid: true, Problems: []string{}}
	var n notice
	if err := json.Unmarshal(body, &n); err != nil {
		raw, err2 := json.Marshal(string(body))
		if err2 != nil {
			return d, err2
		}
		d.Body, d.Problems = raw, []string{"the notice is not JSON as agreed: " + err.Error()}
		return a.keep(d)
	}
	d.Type = n.Type
	a.verifying.Lock()
	v, err := a.verify(ctx, a.path(fileName(id)), n.Data.Receipt)
	a.verifying.Unlock()
	if err != nil {
		return d, err
	}
	d.Command, d.Output, d.ReceiptValid = v.command, v.output, v.valid
	switch {
	case !v.valid:
		d.Problems = append(d.Problems, "openssl refuses the receipt")
	case !json.Valid(v.content):
		d.Problems = append(d.Problems, "the receipt is not JSON")
	default:
		d.Receipt = v.content
		d.Problems = append(d.Problems, compare(n, v.content)...)
	}
	return a.keep(d)
}

// fileName keeps letters, digits, - and _ of an id.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, id)
}

func (a *Agency) list(w http.ResponseWriter, _ *http.Request) {
	raw, err := json.MarshalIndent(a.Received(), "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(raw) //nolint:errcheck // the client is gone
}
