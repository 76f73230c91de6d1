package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/loopback"
	"qaqpa/testenv/pki"
)

// Operations that faults can be on.
const (
	OnPayments = "payments"
	OnLookup   = "lookup"
	OnCallback = "callback"
)

// Kinds of faults. DelayMS, Reason, Amount and Status are the fields of [fault.Fault].
const (
	FaultSlow              = "slow"               // DelayMS before anything is done
	FaultTimeout           = "timeout"            // lookup: no answer for DelayMS, then the connection is cut
	FaultTimeoutButDone    = "timeout_but_done"   // executed, then no answer for DelayMS (30 s)
	FaultTimeoutNotDone    = "timeout_not_done"   // not executed, no answer for DelayMS (30 s)
	FaultDropButDone       = "drop_but_done"      // executed, the connection is cut at once
	FaultDropNotDone       = "drop_not_done"      // not executed, the connection is cut at once
	FaultErrorButDone      = "error_but_done"     // executed, answered with Status (500)
	FaultErrorNotDone      = "error_not_done"     // not executed, answered with Status (503)
	FaultRefuse            = "refuse"             // refused with Reason
	FaultCallback          = "callback"           // pending, executed after DelayMS (100 ms), then called back
	FaultRefuseLater       = "refuse_later"       // pending, refused with Reason after DelayMS, then called back
	FaultPendingForever    = "pending_forever"    // pending, executed after DelayMS (an hour), no callback
	FaultDuplicateCallback = "duplicate_callback" // answered, and called back twice
	FaultOutOfOrder        = "out_of_order"       // pending; called back executed, then once more pending
	FaultWrongAmount       = "wrong_amount"       // the message claims Amount, or one tiyn more; the true amount moved
	FaultWrongAttempt      = "wrong_attempt"      // the message is about another attempt
	FaultWrongBank         = "wrong_bank"         // the message names another BIC
	FaultBadSignature      = "bad_signature"      // one bit of the signature is changed
	FaultChangedContent    = "changed_content"    // one octet of the content is changed after signing
	FaultOtherSigner       = "other_signer"       // signed by Config.OtherSigner
	FaultNotSigned         = "not_signed"         // plain JSON
	FaultGarbage           = "garbage"            // octets that are no CMS
	FaultAbsent            = "absent"             // lookup: signed "absent" although the payment is known
	FaultLost              = "lost"               // callback: never sent
)

func faultKinds() map[string][]string {
	first, message := []string{OnPayments}, []string{OnPayments, OnLookup, OnCallback, OnQueries}
	answers := []string{OnPayments, OnLookup, OnRefunds, OnRefundLookup, OnQueries}
	giving := []string{OnPayments, OnRefunds} // what is done, or not, behind a lost answer
	signed := []string{OnPayments, OnLookup, OnCallback, OnRefunds, OnRefundLookup, OnQueries}
	return map[string][]string{
		FaultSlow: answers, FaultTimeout: {OnLookup}, FaultTimeoutButDone: giving, FaultTimeoutNotDone: giving,
		FaultDropButDone: giving, FaultDropNotDone: answers, FaultErrorButDone: giving, FaultErrorNotDone: answers,
		FaultRefuse: giving, FaultCallback: first, FaultRefuseLater: first, FaultPendingForever: first,
		FaultDuplicateCallback: first, FaultOutOfOrder: first, FaultWrongAmount: signed, FaultWrongAttempt: message,
		FaultWrongBank: message, FaultBadSignature: signed, FaultChangedContent: message, FaultOtherSigner: message,
		FaultNotSigned: message, FaultGarbage: message, FaultAbsent: {OnLookup}, FaultLost: {OnCallback},
	}
}

const (
	maxOrder     = 1 << 20 // octets of a sealed order
	defaultHang  = 30 * time.Second
	defaultLater = 100 * time.Millisecond
)

// Handler serves the bank's protocol and its control addresses. Callbacks need [Bank.Run] beside it.
func (b *Bank) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payments", b.postPayment)
	mux.HandleFunc("GET /payments/{attempt}", b.lookup)
	mux.HandleFunc("PUT /files/{name}", b.putFile)
	mux.HandleFunc("GET /files/{name}", b.getReport)
	mux.HandleFunc("POST /refunds", b.postRefund)
	mux.HandleFunc("GET /refunds/{refund}", b.lookupRefund)
	mux.HandleFunc("POST /queries", b.postQuery)
	mux.Handle("/faults", b.faults)
	mux.HandleFunc("GET /state", b.showState)
	return mux
}

// opened reads the gateway's sealed message of a request, at most so many bytes, under the next fault of an address. A request that is refused, or that the
// fault ends, has been answered: ok is false.
func (b *Bank) opened(w http.ResponseWriter, r *http.Request, address string, bytesMax int64) (content []byte, f fault.Fault, ok bool) {
	f, _ = b.faults.Take(address)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bytesMax))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return nil, f, false
	}
	if b.stopsBefore(w, r, f) {
		return nil, f, false
	}
	b.mu.Lock()
	gateway := b.gateway
	b.mu.Unlock()
	if content, err = openSeal(body, gateway, b.cfg.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return nil, f, false
	}
	return content, f, true
}

func (b *Bank) postPayment(w http.ResponseWriter, r *http.Request) {
	content, f, ok := b.opened(w, r, OnPayments, maxOrder)
	if !ok {
		return
	}
	o, err := parseOrder(content, b.cfg.BIC)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p, err := b.accept(o, decide(f))
	if errors.Is(err, errOther) {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	b.plan(r.Context(), o.Attempt, f)
	if b.stopsAfter(w, r, f) {
		return
	}
	b.answer(w, http.StatusOK, b.status(p), f)
}

// stopsBefore plays the faults that leave the payment undone; true if the request is over.
func (b *Bank) stopsBefore(w http.ResponseWriter, r *http.Request, f fault.Fault) bool {
	switch f.Kind {
	case FaultSlow:
		loopback.Sleep(r.Context(), f.Delay(time.Second))
		return false
	case FaultTimeoutNotDone, FaultTimeout:
		loopback.Sleep(r.Context(), f.Delay(defaultHang))
		panic(http.ErrAbortHandler) // net/http cuts the connection and logs nothing
	case FaultDropNotDone:
		panic(http.ErrAbortHandler)
	case FaultErrorNotDone:
		http.Error(w, "the bank is out of order", orStatus(f.Status, http.StatusServiceUnavailable))
		return true
	}
	return false
}

// stopsAfter plays the faults that hide that the payment is done.
func (b *Bank) stopsAfter(w http.ResponseWriter, r *http.Request, f fault.Fault) bool {
	switch f.Kind {
	case FaultTimeoutButDone:
		loopback.Sleep(r.Context(), f.Delay(defaultHang))
		panic(http.ErrAbortHandler)
	case FaultDropButDone:
		panic(http.ErrAbortHandler)
	case FaultErrorButDone:
		http.Error(w, "the bank is out of order", orStatus(f.Status, http.StatusInternalServerError))
		return true
	}
	return false
}

func orStatus(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}

// plan schedules the callbacks that a payment gets.
func (b *Bank) plan(ctx context.Context, attempt string, f fault.Fault) {
	var calls []call
	switch f.Kind {
	case FaultDuplicateCallback:
		calls = []call{{}, {}}
	case FaultOutOfOrder:
		calls = []call{{}, {Outcome: Pending}}
	case FaultCallback, FaultRefuseLater:
		calls = []call{{}}
	case FaultPendingForever:
	default:
		if b.cfg.CallbackAlways {
			calls = []call{{}}
		}
	}
	b.schedule(ctx, attempt, calls)
}

func (b *Bank) lookup(w http.ResponseWriter, r *http.Request) {
	f, _ := b.faults.Take(OnLookup)
	if b.stopsBefore(w, r, f) {
		return
	}
	attempt := r.PathValue("attempt")
	b.mu.Lock()
	known := b.state.Payments[attempt]
	var p payment
	if known != nil {
		p = *known
	}
	b.mu.Unlock()
	if known == nil || f.Kind == FaultAbsent {
		b.answer(w, http.StatusNotFound, Status{Type: "payment-status", Bank: b.cfg.BIC, Attempt: attempt, Outcome: Absent}, f)
		return
	}
	b.answer(w, http.StatusOK, b.status(p), f)
}

// answer sends a status as signed message.
func (b *Bank) answer(w http.ResponseWriter, code int, s Status, f fault.Fault) {
	body, err := b.message(s, f)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime")
	w.WriteHeader(code)
	w.Write(body) //nolint:errcheck // the client is gone
}

// message is the CMS of a status, spoiled as the fault says.
func (b *Bank) message(s Status, f fault.Fault) ([]byte, error) {
	switch f.Kind {
	case FaultWrongAmount:
		if s.Amount++; f.Amount != 0 {
			s.Amount = f.Amount
		}
	case FaultWrongAttempt:
		s.Attempt = "att_00000000000000000000000000000000"
	case FaultWrongBank:
		s.Bank = "XXXXKZKX"
	case FaultGarbage:
		return []byte("<html>Service temporarily available</html>"), nil
	}
	raw, err := json.Marshal(s)
	if err != nil || f.Kind == FaultNotSigned {
		return raw, err
	}
	signer := b.cfg.Signer
	if f.Kind == FaultOtherSigner {
		signer = b.cfg.OtherSigner
	}
	cms, err := signer.SignCMS(raw, pki.CMSOptions{CorruptSignature: f.Kind == FaultBadSignature})
	if f.Kind == FaultChangedContent {
		cms = bytes.Replace(cms, []byte(`"payment-status"`), []byte(`"payment-stotus"`), 1)
	}
	return cms, err
}

// showState is GET /state, for demonstrations.
func (b *Bank) showState(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	raw, err := json.MarshalIndent(b.state, "", "  ")
	b.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(raw) //nolint:errcheck // the client is gone
}
