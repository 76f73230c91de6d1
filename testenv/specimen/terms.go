package specimen

import (
	"encoding/json"
	"encoding/pem"
	"testing"
	"time"

	"qaqpa/signer/engine"
)

// Case is a document and under what it is judged.
type Case struct {
	// Title says in a few words what the document is.
	Title    string
	Document []byte
	// Anchors and Intermediates are PEM, Lists trust lists of an operator: together whom to believe.
	Anchors, Intermediates, Lists [][]byte
	// Evidence are revocation lists and OCSP responses in DER.
	Evidence [][]byte
	// Policy is the document of the policy.
	Policy []byte
	// Now is the time of judging.
	Now time.Time
}

// standard is the policy standard, changed.
func standard(tb testing.TB, change func(d map[string]any)) []byte {
	tb.Helper()
	text, err := engine.PolicyDocument(engine.PolicyStandard)
	if err != nil {
		tb.Fatal(err)
	}
	if change == nil {
		return text
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		tb.Fatal(err)
	}
	change(d)
	if text, err = json.Marshal(d); err != nil {
		tb.Fatal(err)
	}
	return text
}

// failing makes a constraint one that keeps signatures from passing.
func failing(c engine.Constraint) func(d map[string]any) {
	return func(d map[string]any) {
		if constraints, ok := d["constraints"].(map[string]any); ok {
			constraints[string(c)] = engine.Fail
		}
	}
}

// knowing makes a signature policy's document known, and its digest count.
func knowing(oid string) func(d map[string]any) {
	return func(d map[string]any) {
		d["signature_policies"] = []any{map[string]any{"oid": oid, "document": []byte("the policy's text")}}
		failing(engine.SignaturePolicyDigest)(d)
	}
}

// reliable is a table of algorithms with RSA, GOST and SHA-2, and ECDSA until a time; a zero time: without it.
func reliable(ecdsaUntil time.Time) func(d map[string]any) {
	keys := []any{
		map[string]any{"family": "RSA", "bits_min": 2048, "source": "lab"},
		map[string]any{"family": "GOST R 34.10-2012-512", "bits_min": 512, "source": "lab"},
	}
	if !ecdsaUntil.IsZero() {
		keys = append(keys, map[string]any{"family": "ECDSA", "bits_min": 224, "end": ecdsaUntil.Format(time.DateOnly), "source": "lab"})
	}
	return func(d map[string]any) {
		d["algorithms"] = map[string]any{
			"version": "lab", "sources": map[string]any{"lab": "a table for one test"}, "keys": keys,
			"hashes": []any{map[string]any{"name": "SHA-256", "source": "lab"}, map[string]any{"name": "Streebog-512", "source": "lab"}},
		}
	}
}

// trustedUntil is a trust list with the anchors in PEM, trusted until a time.
func trustedUntil(tb testing.TB, anchors []byte, from, until time.Time) []byte {
	tb.Helper()
	var authorities []any
	for rest := anchors; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		authorities = append(authorities, map[string]any{
			"name": "an authority whose accreditation has ended", "profile": "national", "certificate": block.Bytes, "trusted_from": from, "trusted_until": until,
		})
	}
	text, err := json.Marshal(map[string]any{"version": 1, "authorities": authorities})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
