//go:build !release

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"

	"github.com/google/uuid"
)

// The answers of the gateway, as far as the story needs them.
type (
	orderAnswer struct {
		ID, State, Attempt, Receipt string
		Amount                      int64
	}
	eventAnswer struct {
		Items []struct {
			At              time.Time
			Event, From, To string
		}
	}
)

// story is one run of the demonstration.
type story struct {
	*world
	portal, agencyClient, anyone client
	service                      string
}

// tell tells the story of one state fee. Every step checks what it shows; the first that does not hold ends it.
func tell(ctx context.Context, w *world, say *narrator, output string) error {
	begin := time.Now()
	s := &story{
		world: w, portal: client{w, "portal", w.keys["portal"]}, agencyClient: client{w, "agency", w.keys["agency"]}, anyone: client{w, "anyone", ""},
	}
	debt, err := s.publish(ctx)
	if err != nil {
		return err
	}
	order, err := s.pay(ctx, debt)
	if err != nil {
		return err
	}
	sealed, err := s.receipt(ctx, order, output)
	if err != nil {
		return err
	}
	if err := s.webhook(ctx, order); err != nil {
		return err
	}
	if err := s.forge(ctx, sealed); err != nil {
		return err
	}
	if err := s.crash(ctx); err != nil {
		return err
	}
	say.line("\nAll %d steps hold, told in %s. The receipt lies in %s.", say.steps, time.Since(begin).Round(100*time.Millisecond), output)
	return nil
}

// publish: the agency publishes a service with a fee of 1.25 МРП and loads a debt of the citizen.
func (s *story) publish(ctx context.Context) (debt string, err error) {
	s.say.step("The agency publishes a service: driving licence, 1.25 МРП")
	r, err := s.agencyClient.post(ctx, "/v1/services", licenceService())
	if err != nil {
		return "", err
	}
	var service struct{ ID string }
	if err := r.into(http.StatusCreated, &service); err != nil {
		return "", err
	}
	s.service = service.ID
	var quote struct{ Amount int64 }
	if r, err = s.portal.get(ctx, "/v1/services/"+url.PathEscape(s.service)+"/quote"); err != nil {
		return "", err
	}
	if err := r.into(http.StatusOK, &quote); err != nil {
		return "", err
	}
	s.say.note("the fee today is %d.%02d KZT", quote.Amount/100, quote.Amount%100)

	s.say.step("The agency loads a debt of %s", s.people.citizen.Profile.Surname)
	return s.load(ctx, "AD-2026-000001")
}

// licenceService is the service of the story: a fee of 1.25 МРП.
func licenceService() map[string]any {
	return map[string]any{
		"code":  "driving-licence",
		"names": map[string]string{"kk": "Жүргізуші куәлігін беру", "ru": "Выдача водительского удостоверения", "en": "Issue of a driving licence"},
		"kbk":   "108125", "knp": "911", "kbe": "11",
		"beneficiary": map[string]string{"name": "УГД по Есильскому району", "bin": pki.BIN(5), "account": "KZ24070105KSN0000000", "bic": "KKMFKZ2A"},
		"tariffs":     []map[string]string{{"valid_from": "2024-01-01", "kind": "mrp", "rate": "1.25", "rounding": "half-up-tenge"}},
	}
}

// load submits one debt of the citizen and returns its id.
func (s *story) load(ctx context.Context, reference string) (string, error) {
	citizen := s.people.citizen.Profile
	r, err := s.agencyClient.post(ctx, "/v1/debts", map[string]any{"debts": []map[string]any{{
		"reference": reference, "service": s.service, "payer": map[string]string{"id": citizen.IIN, "name": citizen.Surname + " " + citizen.Given},
	}}})
	if err != nil {
		return "", err
	}
	var batch struct {
		Accepted int
		Results  []struct{ Debt, Outcome, Detail string }
	}
	if err := r.into(http.StatusOK, &batch); err != nil {
		return "", err
	}
	if batch.Accepted != 1 {
		return "", fmt.Errorf("the debt was refused: %s", r.body)
	}
	return batch.Results[0].Debt, nil
}

// pay: the citizen finds the debt by IIN, orders, signs; the bank executes, but its answer is lost once.
func (s *story) pay(ctx context.Context, debt string) (orderAnswer, error) {
	iin := s.people.citizen.IIN()
	s.say.step("The citizen looks up what is owed by IIN")
	r, err := s.portal.post(ctx, "/v1/debts/search", map[string]string{"payer": iin})
	if err != nil {
		return orderAnswer{}, err
	}
	if err := r.into(http.StatusOK, nil); err != nil {
		return orderAnswer{}, err
	}
	if !bytes.Contains(r.body, []byte(debt)) {
		return orderAnswer{}, fmt.Errorf("debt %s is not among those of the payer", debt)
	}

	s.say.step("makes an order through bank %s", bankBIC)
	order, err := s.order(ctx, debt)
	if err != nil {
		return order, err
	}

	s.say.step("The bank will execute, but its answer will not arrive in time")
	if err := s.bank.AddFault(fault.Fault{Kind: "timeout_but_done", Count: 1}); err != nil {
		return order, fmt.Errorf("couldn't arm the bank's fault: %w", err)
	}

	s.say.step("The citizen signs the stored bytes of the order with a GOST R 34.10-2015 key, as NCALayer does; the gateway checks chain, OCSP, IIN")
	if err := s.sign(ctx, order.ID, s.people.citizen); err != nil {
		return order, err
	}

	s.say.step("The outcome is unknown; it is looked up until it is known")
	if order, err = s.await(ctx, order.ID, "executed"); err != nil {
		return order, err
	}
	if n := s.moved(order.ID); n != 1 {
		return order, fmt.Errorf("money moved %d times for order %s", n, order.ID)
	}
	s.say.note("the bank's books: money moved once")
	return order, s.events(ctx, order.ID)
}

func (s *story) order(ctx context.Context, debt string) (o orderAnswer, err error) {
	r, err := s.portal.post(ctx, "/v1/orders", map[string]any{"payer": s.people.citizen.IIN(), "debts": []string{debt}, "bank": bankBIC})
	if err != nil {
		return o, err
	}
	return o, r.into(http.StatusCreated, &o)
}

// sign fetches the order's document, signs exactly those bytes and hands the signature in.
func (s *story) sign(ctx context.Context, order string, who *pki.Identity) error {
	r, err := s.portal.get(ctx, "/v1/orders/"+order+"/document")
	if err != nil {
		return err
	}
	if err := r.into(http.StatusOK, nil); err != nil {
		return err
	}
	cms, err := who.SignCMS(r.body, pki.CMSOptions{Detached: true})
	if err != nil {
		return fmt.Errorf("couldn't sign the order: %w", err)
	}
	r, err = s.portal.send(ctx, request{http.MethodPost, "/v1/orders/" + order + "/authorisation", "application/pkcs7-signature", cms, uuid.NewString()})
	if err != nil {
		return err
	}
	return r.into(http.StatusAccepted, nil)
}

// awaitMax bounds every wait of the story.
const awaitMax = 60 * time.Second

// await asks for the order until it is in the wanted state, and tells the last answer only.
func (s *story) await(ctx context.Context, id, state string) (o orderAnswer, err error) {
	return o, s.until(ctx, func(c client) (bool, error) {
		r, err := c.get(ctx, "/v1/orders/"+id)
		if err != nil {
			return false, err
		}
		if err := r.into(http.StatusOK, &o); err != nil {
			return false, err
		}
		if o.State == "refused" || o.State == "expired" {
			return false, fmt.Errorf("the order is %s: %s", o.State, r.body)
		}
		return o.State == state, nil
	})
}

// until calls f quietly until it says done, then once more aloud.
func (s *story) until(ctx context.Context, f func(client) (bool, error)) error {
	quiet := *s.world
	quiet.say = &narrator{quiet: true}
	deadline := time.Now().Add(awaitMax)
	for {
		done, err := f(client{&quiet, s.portal.who, s.portal.key})
		if err != nil {
			return err
		}
		if done {
			_, err = f(s.portal)
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s in vain", awaitMax)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *story) moved(order string) (n int) {
	for _, m := range s.bank.Movements() {
		if m.Order == order {
			n++
		}
	}
	return n
}

func (s *story) events(ctx context.Context, order string) error {
	r, err := s.portal.get(ctx, "/v1/orders/"+order+"/events")
	if err != nil {
		return err
	}
	var events eventAnswer
	if err := r.into(http.StatusOK, &events); err != nil {
		return err
	}
	for _, e := range events.Items {
		s.say.note("  %s  %-22s %s → %s", e.At.Format("15:04:05.000"), e.Event, e.From, e.To)
	}
	return nil
}

// receipt: the receipt is sealed in the token, and what is sealed is written where a person can look at it.
func (s *story) receipt(ctx context.Context, order orderAnswer, output string) (sealed []byte, err error) {
	s.say.step("The receipt is sealed by a key that never leaves the token")
	var id string
	err = s.until(ctx, func(c client) (bool, error) {
		r, err := c.get(ctx, "/v1/receipts/"+order.ID)
		if err != nil || r.status == http.StatusConflict {
			return false, err
		}
		var answer struct{ ID string }
		err = r.into(http.StatusOK, &answer)
		id = answer.ID
		return true, err
	})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(output, 0o755); err != nil { //nolint:gosec // a receipt for everybody to look at
		return nil, fmt.Errorf("couldn't make the folder of the receipt: %w", err)
	}
	for _, part := range []struct{ path, file string }{{"/cms", "receipt.p7m"}, {"/pdf", "receipt.pdf"}, {"/pdf-seal", "receipt.pdf.p7s"}} {
		r, err := s.portal.get(ctx, "/v1/receipts/"+id+part.path)
		if err != nil {
			return nil, err
		}
		if err := r.into(http.StatusOK, nil); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(output, part.file), r.body, 0o644); err != nil { //nolint:gosec // a receipt for everybody to look at
			return nil, fmt.Errorf("couldn't write the receipt: %w", err)
		}
		if part.path == "/cms" {
			sealed = r.body
		}
	}
	return sealed, nil
}

// webhook: the agency got the fact, and verified it with openssl alone.
func (s *story) webhook(ctx context.Context, order orderAnswer) error {
	s.say.step("The agency gets the webhook and verifies it with openssl alone")
	deadline := time.Now().Add(awaitMax)
	for {
		for _, d := range s.agency.Received() {
			if !bytes.Contains(d.Body, []byte(order.ID)) {
				continue
			}
			if !d.Valid() {
				return fmt.Errorf("the agency refused the webhook: %v: %s", d.Problems, d.Output)
			}
			s.say.note("agency ← webhook %s%s", d.ID, shorten(d.Body))
			s.say.note("$ %s", d.Command)
			s.say.note("%s", bytes.TrimSpace([]byte(d.Output)))
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("no webhook arrived")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// forge: one byte of the sealed amount is changed, and everybody refuses the receipt.
func (s *story) forge(ctx context.Context, sealed []byte) error {
	s.say.step("The receipt is changed by one byte and refused")
	at := bytes.Index(sealed, []byte(`"amount":`))
	if at < 0 {
		return errors.New("the receipt shows no amount")
	}
	forged := bytes.Clone(sealed)
	forged[at+len(`"amount":`)] ^= 1
	for _, try := range []struct {
		what, want string
		document   []byte
	}{{"as it was", "TOTAL-PASSED", sealed}, {"with one byte changed", "TOTAL-FAILED", forged}} {
		r, err := s.anyone.send(ctx, request{method: http.MethodPost, path: "/v1/validations", contentType: "application/pkcs7-mime", body: try.document})
		if err != nil {
			return err
		}
		var verdict struct {
			Indication string
			Sub        string `json:"sub_indication"`
		}
		if err := r.into(http.StatusOK, &verdict); err != nil {
			return err
		}
		s.say.note("%s: %s %s", try.what, verdict.Indication, verdict.Sub)
		if verdict.Indication != try.want {
			return fmt.Errorf("the receipt %s is %s", try.what, r.body)
		}
	}
	if _, _, err := s.agency.VerifyReceipt(ctx, forged); err == nil {
		return errors.New("openssl believes the forged receipt")
	}
	s.say.note("openssl refuses it too")
	return nil
}

// crash: the gateway is killed in the middle of a second payment, comes back, and the ledger verifies.
func (s *story) crash(ctx context.Context) error {
	s.say.step("A second payment: the bank is slow, and the gateway is killed with SIGKILL while it waits")
	debt, err := s.load(ctx, "AD-2026-000002")
	if err != nil {
		return err
	}
	order, err := s.order(ctx, debt)
	if err != nil {
		return err
	}
	if err := s.bank.AddFault(fault.Fault{Kind: "slow", Count: 1, DelayMS: 1500}); err != nil {
		return fmt.Errorf("couldn't arm the bank's fault: %w", err)
	}
	if err := s.sign(ctx, order.ID, s.people.citizen); err != nil {
		return err
	}
	if _, err := s.await(ctx, order.ID, "executing"); err != nil {
		return err
	}
	if err := s.killGateway(); err != nil {
		return err
	}
	s.say.note("killed")

	s.say.step("It comes back and takes up what it left")
	begin := time.Now()
	if err := s.startGateway(ctx); err != nil {
		return err
	}
	s.say.note("ready again after %s", time.Since(begin).Round(time.Millisecond))
	if order, err = s.await(ctx, order.ID, "executed"); err != nil {
		return err
	}
	if n := s.moved(order.ID); n != 1 {
		return fmt.Errorf("money moved %d times for order %s", n, order.ID)
	}
	s.say.note("the bank's books: money moved once")
	if err := s.events(ctx, order.ID); err != nil {
		return err
	}

	s.say.step("The ledger and the audit log verify")
	out, err := s.verifyLedger(ctx)
	s.say.note("%s", out)
	if err != nil {
		return err
	}
	out, err = s.qaqpa(ctx, "audit", "verify")
	s.say.note("%s", out)
	return err
}

// verifyLedger runs `qaqpa ledger verify` with the public key that was printed when the checkpoint key was made.
func (w *world) verifyLedger(ctx context.Context) (string, error) {
	return w.qaqpa(ctx, "ledger", "verify", "--checkpoint-public-key", w.keyFile("checkpoint"))
}
