package tsp_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/tsp"
)

// What is read from a request is what was asked, and what is stated about it is read back as it was stated.
func FuzzParseRequest(f *testing.F) {
	for _, q := range []tsp.Request{
		{Hash: algo.SHA256, Imprint: make([]byte, 32)},
		{Hash: algo.SHA512, Imprint: make([]byte, 64), Policy: "1.2.398.3.3.2.6.4", Nonce: []byte{0x80, 1}, Certificates: true},
	} {
		b, err := q.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, int64(1_234_567))
	}
	f.Add([]byte{0x30, 0}, int64(0))
	a := newAuthority(f, purpose{})
	f.Fuzz(func(t *testing.T, raw []byte, accuracyUS int64) {
		asked, err := tsp.ParseRequest(raw)
		var bad *tsp.BadRequestError
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("%v", err)
			}
			p, err := tsp.ParseResponse(tsp.RefusedResponse(bad.Failure, bad.Text))
			var refused *tsp.RefusedError
			if !errors.As(err, &refused) || len(p.Failures) != 1 {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		}
		accuracy := time.Duration(max(0, accuracyUS)%(1<<40)) * time.Microsecond
		s := tsp.Statement{Asked: asked, Policy: "1.2.3", Serial: []byte{0x80, 1}, At: at, Accuracy: accuracy, Ordering: true, Subject: a.cert.RawSubject}
		content, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		token, err := tsp.ParseToken(a.stamp(t, content))
		if err != nil {
			t.Fatalf("%x: %v", content, err)
		}
		i := token.Info
		if i.Hash != asked.Hash || !bytes.Equal(i.Imprint, asked.Imprint) || !bytes.Equal(i.Nonce, asked.Nonce) || !i.GenTime.Equal(at) ||
			i.Accuracy != accuracy || !i.Ordering || !bytes.Equal(i.Serial, []byte{0, 0x80, 1}) || i.RawTSA == nil {
			t.Errorf("stated %+v, read %+v", s, i)
		}
	})
}
