//go:build !release

package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"qaqpa/payment"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/statements"
)

// Accounts at the bank of the story.
const (
	plainAccount  = "KZ916011700111350335"
	sealedAccount = "KZ246011700111350336"
)

// newBankDesk is a world whose bank may send statements of two accounts; those of the second have to be signed.
func newBankDesk(t *testing.T) (*world, client) {
	t.Helper()
	w := newTestWorld(t)
	for _, args := range [][]string{
		{"reconcile", "add-account", "--bank", bankBIC, "--account", plainAccount},
		{"reconcile", "add-account", "--bank", bankBIC, "--account", sealedAccount, "--signed"},
	} {
		if _, err := w.qaqpa(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	key, err := w.qaqpa(t.Context(), "clients", "add-key", "--kind", "bank", "--subject", bankBIC, "--name", "statements")
	if err != nil {
		t.Fatal(err)
	}
	return w, client{w, "bank", key}
}

func (c client) statement(ctx context.Context, contentType string, body []byte) (reply, error) {
	return c.send(ctx, request{method: http.MethodPost, path: "/v1/statements", contentType: contentType, body: body})
}

// statementOf renders one day of invented payments. None of them is ours, so each line becomes an exception.
func statementOf(t *testing.T, account string, number int) []byte {
	t.Helper()
	plan, err := statements.New(statements.Config{
		Seed: uint64(number), Payments: 300, Days: 1, From: time.Date(2026, 3, 1+number, 0, 0, 0, 0, time.UTC), Account: account, FirstNumber: number,
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := plan.WriteCamt053Day(&b, 0); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// held is what the database holds of statements, as counts and sums that any part of one would change.
func held(t *testing.T, db *sqlx.DB) string {
	t.Helper()
	var s string
	if err := db.GetContext(t.Context(), &s, `SELECT concat_ws(' ', (SELECT count(*) FROM statement_files), (SELECT count(*) FROM statements), (SELECT count(*) FROM statement_lines),
		(SELECT count(*) FROM recon_matches), (SELECT count(*) || '/' || coalesce(sum(amount), 0) FROM recon_exceptions), (SELECT count(*) || '/' || coalesce(sum(amount), 0) FROM transfers))`); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStatementKilled kills the gateway, and PostgreSQL, with SIGKILL at chosen steps of taking a statement in: nothing of it may be there
// afterwards, and when it is sent again all of it, once. The step is held by a lock of another session until the blow has fallen.
func TestStatementKilled(t *testing.T) {
	w, bank := newBankDesk(t)
	for i, c := range []struct {
		step, lock string
		postgres   bool
	}{
		{"no line is copied yet", `SELECT 1 FROM recon_banks FOR UPDATE`, false},
		{"lines are copied and matches are not", `LOCK TABLE recon_matches IN SHARE MODE`, true},
		{"lines are matched", `LOCK TABLE recon_exceptions IN SHARE MODE`, false},
		{"the file is not known yet", `LOCK TABLE statement_files IN SHARE MODE`, false},
		{"all is booked", `LOCK TABLE audit_entries IN SHARE MODE`, true},
		{"all is booked", `LOCK TABLE audit_entries IN SHARE MODE`, false},
	} {
		t.Run(fmt.Sprintf("%s, PostgreSQL %v", c.step, c.postgres), func(t *testing.T) {
			body := statementOf(t, plainAccount, i+1)
			before := w.heldNow(t)
			w.killDuring(t, bank, body, c.lock, c.postgres)
			if after := w.heldNow(t); after != before {
				t.Errorf("a part of the statement remained: %s, before it %s", after, before)
			}
			first, err := bank.statement(t.Context(), "application/xml", body)
			if err := errors.Join(err, first.into(http.StatusOK, nil)); err != nil {
				t.Fatal(err)
			}
			whole := w.heldNow(t)
			again, err := bank.statement(t.Context(), "application/xml", body)
			if err := errors.Join(err, again.into(http.StatusOK, nil)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" || whole == before {
				t.Errorf("the second answer differs, or nothing was booked: %s", diff)
			}
			if now := w.heldNow(t); now != whole {
				t.Errorf("sent again it changed %s to %s", whole, now)
			}
		})
	}
	if out, err := w.verifyLedger(t.Context()); err != nil {
		t.Errorf("%s: %v", out, err)
	}
}

func (w *world) heldNow(t *testing.T) string {
	t.Helper()
	db, err := w.pg.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return held(t, db)
}

// killDuring sends a statement, waits until it stands before the lock, and strikes.
func (w *world) killDuring(t *testing.T, bank client, body []byte, lock string, postgres bool) {
	t.Helper()
	db, err := w.pg.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), lock); err != nil {
		t.Fatal(err)
	}
	answered := make(chan reply, 1)
	go func() {
		r, _ := bank.statement(t.Context(), "application/xml", body) // whether an answer comes does not matter
		answered <- r
	}()
	for blocked := false; !blocked; time.Sleep(10 * time.Millisecond) {
		select {
		case r := <-answered:
			t.Fatalf("answered %d before the lock: %s", r.status, r.body)
		default:
		}
		if err := db.GetContext(t.Context(), &blocked, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
			AND pid IN (SELECT pid FROM pg_locks WHERE (relation = 'statement_lines'::regclass AND mode = 'RowExclusiveLock') OR (relation = 'recon_banks'::regclass AND mode = 'RowShareLock')))`); err != nil {
			t.Fatal(err)
		}
	}
	if postgres {
		err = errors.Join(w.pg.Kill(), w.pg.Restart(t.Context()))
		_ = tx.Rollback() // with its server it is gone
	} else {
		err = errors.Join(w.killGateway(), tx.Rollback(), w.startGateway(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := <-answered; r.status == http.StatusOK {
		t.Errorf("it was answered that the statement is booked: %s", r.body)
	}
}

// TestSignedStatements: a file of a bank is judged before a byte of it is believed. Signatures are made by the test PKI and by xmlsec1, not by our own code.
func TestSignedStatements(t *testing.T) {
	w, bank := newBankDesk(t)
	number := 0
	next := func() []byte { number++; return statementOf(t, sealedAccount, number) }
	cms := func(id *pki.Identity, o pki.CMSOptions, body []byte) []byte {
		b, err := id.SignCMS(body, o)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	refused := func(name, code, contentType string, body []byte) {
		t.Helper()
		before := w.heldNow(t)
		r, err := bank.statement(t.Context(), contentType, body)
		if err != nil || r.status < 400 || r.status >= 500 || !strings.Contains(string(r.body), `"`+code+`"`) {
			t.Errorf("%s: %d %s %v; want %s", name, r.status, r.body, err, code)
		}
		if after := w.heldNow(t); after != before {
			t.Errorf("%s: something remained: %s, before it %s", name, after, before)
		}
	}
	taken := func(name, contentType string, body []byte) {
		t.Helper()
		var report payment.FileReport
		r, err := bank.statement(t.Context(), contentType, body)
		if err := errors.Join(err, r.into(http.StatusOK, &report)); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if report.Signer == "" || report.VerdictID == "" || len(report.Statements) != 1 || report.Statements[0].Lines == 0 {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	body := next()
	refused("unsigned", "statement_unsigned", "application/xml", body)
	refused("another bank's CMS", "statement_signed_by_another", "application/pkcs7-mime", cms(w.people.otherBank, pki.CMSOptions{}, body))
	refused("a citizen's CMS", "statement_signed_by_another", "application/pkcs7-mime", cms(w.people.citizen, pki.CMSOptions{}, body))
	refused("broken CMS", "signature_invalid", "application/pkcs7-mime", cms(w.people.bank, pki.CMSOptions{CorruptSignature: true}, body))
	refused("changed content", "signature_invalid", "application/pkcs7-mime", bytes.Replace(cms(w.people.bank, pki.CMSOptions{}, body), []byte("<CdtDbtInd>CRDT"), []byte("<CdtDbtInd>DBIT"), 1))
	taken("CMS", "application/pkcs7-mime", cms(w.people.bank, pki.CMSOptions{}, body))
	taken("CMS in pieces (BER)", "application/pkcs7-mime", cms(w.people.bank, pki.CMSOptions{Indefinite: true}, next()))

	body = next()
	signed := xmlSigned(t, w.people.bank, body)
	refused("another bank's XML signature", "statement_signed_by_another", "application/xml", xmlSigned(t, w.people.otherBank, body))
	refused("changed amount", "signature_invalid", "application/xml", bytes.Replace(signed, []byte(`<Amt Ccy="KZT">`), []byte(`<Amt Ccy="KZT">1`), 1))
	refused("signature taken from another statement", "signature_invalid", "application/xml", withSignatureOf(signed, next()))
	refused("signed statement beside an unsigned one", "statement_unreadable", "application/xml", wrapped(signed, body))
	taken("XML signature", "application/xml", signed)
}

// xmlSigned puts an enveloped signature at the end of a message, made by xmlsec1.
func xmlSigned(t *testing.T, id *pki.Identity, body []byte) []byte {
	t.Helper()
	program, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Skip("xmlsec1 is not installed")
	}
	const template = `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` +
		`<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/><Reference URI=""><Transforms>` +
		`<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>` +
		`<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference></SignedInfo><SignatureValue/><KeyInfo><X509Data/></KeyInfo></Signature>`
	dir := t.TempDir()
	key, err := id.PKCS8()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"in.xml":  bytes.Replace(body, []byte("</Document>"), []byte(template+"</Document>"), 1),
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), "cert.pem": id.PEM(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "--sign", "--privkey-pem", "key.pem,cert.pem", "--output", "out.xml", "in.xml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xmlsec1: %v\n%s", err, out)
	}
	out, err := os.ReadFile(filepath.Join(dir, "out.xml")) // what xmlsec1 wrote
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// signatureIn cuts the signature out of a signed message.
func signatureIn(signed []byte) []byte {
	from, to := bytes.Index(signed, []byte("<Signature ")), bytes.Index(signed, []byte("</Signature>"))
	return signed[from : to+len("</Signature>")]
}

// withSignatureOf puts the signature over one message into another.
func withSignatureOf(signed, other []byte) []byte {
	return bytes.Replace(other, []byte("</Document>"), append(bytes.Clone(signatureIn(signed)), "</Document>"...), 1)
}

// wrapped is the attack of signature wrapping: what was signed is moved aside and stays intact, and another statement stands where the
// reader looks.
func wrapped(signed, body []byte) []byte {
	inner := bytes.TrimPrefix(signed, []byte(`<?xml version="1.0" encoding="UTF-8"?>`))
	inner = bytes.Replace(inner, []byte("<Document "), []byte(`<Document Id="moved" `), 1)
	inner = bytes.Replace(inner, []byte(`URI=""`), []byte(`URI="#moved"`), 1)
	return bytes.Replace(body, []byte("</Document>"), append(inner, "</Document>"...), 1)
}
