package jws_test

import (
	"strings"
	"testing"

	"qaqpa/signer/jws"
	"qaqpa/signer/rawsig"
)

// What a token costs beside the signature in it: "signature" is the hash and the public-key operation alone.
func BenchmarkVerify(b *testing.B) {
	for _, id := range national(b) {
		compact := mustSign(b, jws.SignInput{Signer: id.key, Certificate: id.cert, Type: "JWT", Payload: payload})
		token := mustParse(b, compact)
		input := []byte(compact[:strings.LastIndexByte(compact, '.')])
		name := string(token.Header.Algorithm)
		b.Run(name+"/token", func(b *testing.B) {
			for b.Loop() {
				t, err := jws.Parse(compact, jws.Options{})
				if err == nil {
					err = t.VerifyCertificate(id.cert, nil)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/signature", func(b *testing.B) {
			found, err := rawsig.Verify(id.cert.PublicKey, input, token.Signature, rawsig.Options{})
			if err != nil {
				b.Fatal(err)
			}
			sig, err := rawsig.Convert(id.cert.PublicKey, token.Signature, found.Form, rawsig.Forms(id.cert.PublicKey.Family)[0])
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := found.Algorithm.Verify(id.cert.PublicKey, input, sig); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
