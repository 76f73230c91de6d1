package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

const site = "https://pay.example.kz"

// authenticator is a security key in software: what WebAuthn 6 and 7 say that one answers.
type authenticator struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	counter uint32
	origin  string // that the browser tells
	party   string // for which it answers
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return &authenticator{t: t, key: key, id: id, origin: site, party: "pay.example.kz"}
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// client is what the browser signs together with the key: the challenge of the options and the site.
func (a *authenticator) client(kind, options string) []byte {
	a.t.Helper()
	var o struct{ Challenge string }
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		a.t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": o.Challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

// data is the authenticator data: hash of the party, flags, counter.
func (a *authenticator) data(flags byte) []byte {
	hash := sha256.Sum256([]byte(a.party))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.counter)
}

func (a *authenticator) answer(response map[string]string) []byte {
	raw, err := json.Marshal(map[string]any{"id": text(a.id), "rawId": text(a.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func (a *authenticator) create(options string) []byte {
	a.t.Helper()
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		a.t.Fatal(err)
	}
	data := append(a.data(0x41), make([]byte, 16)...) // user present, credential inside; no AAGUID
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(a.id))), a.id...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": append(data, cose...)})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]string{"clientDataJSON": text(a.client("webauthn.create", options)), "attestationObject": text(object)})
}

func (a *authenticator) get(options string) []byte {
	a.t.Helper()
	a.counter++
	client, data := a.client("webauthn.get", options), a.data(0x01)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data, hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]string{"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature)})
}

func TestAddAndSignIn(t *testing.T) {
	p, err := New(site)
	if err != nil {
		t.Fatal(err)
	}
	key, owner := newAuthenticator(t), Owner{Login: "aigul", Name: "Айгүл"}
	options, question, err := p.AskToAdd(owner)
	if err != nil || !strings.Contains(options, `"id":"pay.example.kz"`) {
		t.Fatalf("%s %v", options, err)
	}
	id, credential, err := p.Added(owner, question, key.create(options))
	if err != nil || string(id) != string(key.id) {
		t.Fatalf("%x %v", id, err)
	}
	owner.Credentials = []string{credential}
	sign := func(who *authenticator, asked, judged string) (string, error) {
		t.Helper()
		options, question, err := p.AskToSignIn(owner)
		if err != nil {
			t.Fatal(err)
		}
		if asked != "" {
			options = asked
		}
		if judged != "" {
			question = judged
		}
		_, kept, err := p.SignedIn(owner, question, who.get(options))
		return kept, err
	}
	kept, err := sign(key, "", "")
	if err != nil {
		t.Fatal(err)
	}
	owner.Credentials = []string{kept}
	oldOptions, oldQuestion, err := p.AskToSignIn(owner)
	if err != nil {
		t.Fatal(err)
	}
	for name, attack := range map[string]func() (string, error){
		"an answer to another question": func() (string, error) { return sign(key, oldOptions, "") },
		"a question of before":          func() (string, error) { return sign(key, "", oldQuestion) },
		"another key":                   func() (string, error) { other := newAuthenticator(t); other.id = key.id; return sign(other, "", "") },
		"an unknown key":                func() (string, error) { return sign(newAuthenticator(t), "", "") },
		"a look-alike site": func() (string, error) {
			c := *key
			c.origin = "https://pay-example.kz"
			return sign(&c, "", "")
		},
		"another party":    func() (string, error) { c := *key; c.party = "pay-example.kz"; return sign(&c, "", "") },
		"a copy of before": func() (string, error) { c := *key; c.counter = 0; return sign(&c, "", "") },
		"the answer of adding": func() (string, error) {
			o, q, _ := p.AskToSignIn(owner)
			_, k, err := p.SignedIn(owner, q, key.create(o))
			return k, err
		},
		"nothing": func() (string, error) {
			_, q, _ := p.AskToSignIn(owner)
			_, k, err := p.SignedIn(owner, q, nil)
			return k, err
		},
		"too much": func() (string, error) {
			_, q, _ := p.AskToSignIn(owner)
			_, k, err := p.SignedIn(owner, q, make([]byte, answerMax+1))
			return k, err
		},
	} {
		if _, err := attack(); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	options, _, err = p.AskToAdd(owner)
	if err != nil || !strings.Contains(options, text(key.id)) {
		t.Errorf("a key that is known is not excluded: %s %v", options, err)
	}
	if _, _, err := p.Added(owner, oldQuestion, newAuthenticator(t).create(options)); !errors.Is(err, ErrAnswer) {
		t.Errorf("a new key under another question: %v", err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, good := range map[string]bool{"https://pay.example.kz": true, "http://localhost:8080": true, "http://127.0.0.1:1": true, "::": false} {
		if _, err := New(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
	bare, err := New("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := bare.AskToAdd(Owner{Login: "a"}); !errors.Is(err, ErrAnswer) {
		t.Errorf("a passkey for an IP address: %v", err)
	}
}
