package p12_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/testenv/pki"
)

// entries are keys of each national kind from the test authority, whose own writer made the files, and one of Ed25519.
func entries(tb testing.TB) []p12.Entry {
	tb.Helper()
	authority := pki.ForTest(tb)
	var out []p12.Entry
	profiles := []pki.Profile{{Family: pki.RSA}, {Family: pki.ECDSA}, {Family: pki.GOST2015}, {Family: pki.GOST2004}, {Family: pki.GOST2004, Third2004Form: true}}
	for i, profile := range profiles {
		profile.Kind, profile.IIN, profile.Surname, profile.Given = pki.Citizen, pki.IIN(i), "ТЕСТОВ", "ТЕСТ"
		id, err := authority.Issue(profile)
		if err != nil {
			tb.Fatal(err)
		}
		file, err := id.PKCS12("test")
		if err != nil {
			tb.Fatal(err)
		}
		e := mustOpen(tb, file, "test").Entries[0]
		if !bytes.Equal(e.Certificate.Raw, id.Certificate) {
			tb.Fatal("another certificate")
		}
		for _, der := range id.Chain {
			c, err := pkix.ParseCertificate(der)
			if err != nil {
				tb.Fatal(err)
			}
			e.Chain = append(e.Chain, c)
		}
		out = append(out, e)
	}
	return append(out, ed25519Entry(tb))
}

func ed25519Entry(tb testing.TB) p12.Entry {
	tb.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := pkix.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return p12.Entry{Alias: "Вебхук", Key: key, Certificate: c}
}

// All kinds of keys in one file, and each in its own, under both schemes: what comes out is what went in.
func TestWriteAndOpen(t *testing.T) {
	all := entries(t)
	for name, scheme := range map[string]p12.Scheme{"modern": p12.Modern, "national": p12.National} {
		t.Run(name, func(t *testing.T) {
			in := p12.WriteInput{Entries: all, Password: password, Scheme: scheme, Iterations: 2000, Rand: rand.Reader}
			file, err := p12.Write(in)
			if err != nil {
				t.Fatal(err)
			}
			if !asn1ber.IsDER(file, asn1ber.Limits{}) {
				t.Error("not DER")
			}
			store := mustOpen(t, file, password)
			compare(t, all, store)
			if _, err := p12.Open(file, password[1:], p12.Limits{}); !errors.Is(err, p12.ErrPassword) {
				t.Errorf("other password: %v", err)
			}
			for i := range all {
				in.Entries = all[i : i+1]
				file, err := p12.Write(in)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, in.Entries, mustOpen(t, file, password))
			}
		})
	}
}

func compare(tb testing.TB, want []p12.Entry, got *p12.Store) {
	tb.Helper()
	if len(got.Entries) != len(want) || !got.Authenticated {
		tb.Fatalf("%d entries, want %d", len(got.Entries), len(want))
	}
	for i := range want {
		w, g := &want[i], &got.Entries[i]
		same, ok := w.Key.(interface{ Equal(crypto.PrivateKey) bool })
		if !ok || !same.Equal(g.Key) || !g.Certificate.Equal(w.Certificate) || g.Alias != w.Alias {
			tb.Errorf("entry %d: %s became %s", i, w, g)
		}
		if len(g.Chain) != len(w.Chain) {
			tb.Errorf("entry %d: chain of %d, want %d", i, len(g.Chain), len(w.Chain))
		}
		checkEntry(tb, g)
	}
}

// Each national encoding of a GOST key is the one of its certificate's kind, octet for octet.
func TestNationalEncodings(t *testing.T) {
	for _, s := range samples(t) {
		store := mustOpen(t, read(t, s.path), s.password)
		if _, ok := store.Entries[0].Key.(*gost.PrivateKey); !ok {
			continue
		}
		file, err := p12.Write(p12.WriteInput{Entries: store.Entries, Password: "x", Scheme: p12.National, Iterations: 1, Rand: rand.Reader})
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		compare(t, store.Entries, mustOpen(t, file, "x"))
	}
}

func TestFind(t *testing.T) {
	all := entries(t)[:3]
	all[0].FriendlyName, all[0].Alias = "Кілт", "Кілт"
	all[1].FriendlyName, all[1].Alias = "КІЛТ", "КІЛТ"
	file, err := p12.Write(p12.WriteInput{Entries: all, Password: password, Iterations: 1, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	store := mustOpen(t, file, password)
	for alias, want := range map[string]int{"Кілт": 0, "КІЛТ": 1, all[2].Alias: 2, strings.ToUpper(all[2].Alias): 2} {
		if e, err := store.Find(alias); err != nil || e.Alias != all[want].Alias {
			t.Errorf("%s: %v, %v", alias, e, err)
		}
	}
	for _, alias := range []string{"кілт", "", "нет", all[2].Alias + "0"} { // the first fits two
		if e, err := store.Find(alias); !errors.Is(err, p12.ErrAlias) {
			t.Errorf("%q: %v, %v", alias, e, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	all := entries(t)
	swapped := all[0]
	swapped.Key = all[1].Key
	bare := all[0]
	bare.Certificate = nil
	good := p12.WriteInput{Entries: all[:1], Password: password, Iterations: 1, Rand: rand.Reader}
	for name, c := range map[string]struct {
		change func(*p12.WriteInput)
		want   error // nil: any
	}{
		"key of another certificate": {func(in *p12.WriteInput) { in.Entries = []p12.Entry{swapped} }, p12.ErrKeyMismatch},
		"no certificate":             {func(in *p12.WriteInput) { in.Entries = []p12.Entry{bare} }, p12.ErrKeyMismatch},
		"no password":                {func(in *p12.WriteInput) { in.Password = "" }, p12.ErrPassword},
		"endless password":           {func(in *p12.WriteInput) { in.Password = strings.Repeat("x", 2000) }, p12.ErrPassword},
		"password not UTF-8":         {func(in *p12.WriteInput) { in.Password = "\xff" }, p12.ErrPassword},
		"nothing to write":           {func(in *p12.WriteInput) { in.Entries = nil }, nil},
		"no randomness":              {func(in *p12.WriteInput) { in.Rand = nil }, nil},
		"randomness runs dry":        {func(in *p12.WriteInput) { in.Rand = bytes.NewReader(make([]byte, 20)) }, nil},
		"iterations beyond reading":  {func(in *p12.WriteInput) { in.Iterations = 10_000_000 }, asn1ber.ErrLimit},
		"negative iterations":        {func(in *p12.WriteInput) { in.Iterations = -1 }, asn1ber.ErrLimit},
		"certificate missing":        {func(in *p12.WriteInput) { in.Certificates = []*pkix.Certificate{nil} }, nil},
		"chain with a hole": {func(in *p12.WriteInput) {
			e := all[0]
			e.Chain = []*pkix.Certificate{nil}
			in.Entries = []p12.Entry{e}
		}, nil},
	} {
		in := good
		c.change(&in)
		if file, err := p12.Write(in); err == nil || file != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key never shows in what people print, nor a password in errors.
func TestNothingShows(t *testing.T) {
	e := entries(t)[2]
	k, ok := e.Key.(*gost.PrivateKey)
	if !ok {
		t.Fatalf("%T", e.Key)
	}
	scalar := new(big.Int).SetBytes(k.Bytes())
	var log bytes.Buffer
	store := &p12.Store{Entries: []p12.Entry{e}}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		l := slog.New(h)
		l.InfoContext(context.Background(), "opened", slog.Any("entry", e), slog.Any("pointer", &e), slog.Any("store", store))
	}
	encoded, err := json.Marshal(store)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{
		fmt.Sprint(e), fmt.Sprintf("%+v", &e), fmt.Sprintf("%#v", e), fmt.Sprintf("%x", e), fmt.Sprintf("%v", *store),
		log.String(), string(encoded),
	}
	for _, s := range shown {
		for _, secret := range []string{fmt.Sprintf("%x", scalar), scalar.String(), fmt.Sprintf("%d", k.Bytes())} {
			if strings.Contains(strings.ToLower(s), secret) {
				t.Errorf("the key shows in %.200s", s)
			}
		}
	}
	file, err := p12.Write(p12.WriteInput{Entries: []p12.Entry{e}, Password: password, Iterations: 1, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	for at := range file {
		bad := bytes.Clone(file)
		bad[at] ^= 0x11
		for _, p := range []string{"hunter2-secret", password} {
			if _, err := p12.Open(bad, p, p12.Limits{}); err == nil || strings.Contains(err.Error(), p) {
				t.Fatalf("octet %d: %v", at, err)
			}
		}
	}
}
