package signer_test

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/jws"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/figures"
	"qaqpa/testenv/hostile"
	"qaqpa/testenv/pki"
)

// hostileInputs makes the inputs of package hostile from documents of our own.
func hostileInputs(b *bench) []hostile.Input {
	b.Helper()
	id := b.issue(pki.Profile{Name: "holder"})
	key := b.key(id)
	token, err := jws.Sign(jws.SignInput{Signer: key.Key, Certificate: key.Chain[0], Type: "JWT", Payload: []byte(`{"sub":"a"}`)})
	if err != nil {
		b.Fatal(err)
	}
	parsed, err := jws.Parse(token, jws.Options{})
	if err != nil {
		b.Fatal(err)
	}
	good := hostile.Good{
		PKI: b.pki, Signer: id, Header: `{"alg":"GG2015","typ":"JWT"}`, Payload: `{"sub":"a"}`, Signature: parsed.Signature,
		XML:   b.signXML(signer.SignXMLRequest{Document: []byte(fee + "</order>"), Key: key}),
		XAdES: b.signXAdES(signer.SignXAdESRequest{Document: []byte(fee + "</order>"), Key: key}),
		WSSE:  b.signWSSE(signer.SignWSSERequest{Document: []byte(message("", soapBody)), Key: key}),
	}
	inputs, err := good.Inputs()
	if err != nil {
		b.Fatal(err)
	}
	return inputs
}

// parse gives an input to the parser of its format, whatever comes of it.
func parseHostile(in hostile.Input) error {
	var err error
	switch in.Format {
	case "certificate":
		_, err = pkix.ParsePEMOrDER(in.Body)
	case "crl":
		_, err = pkix.ParseCRL(in.Body)
	case "ocsp":
		_, err = pkix.ParseOCSPResponse(in.Body)
	case "tsp":
		_, err = tsp.ParseToken(in.Body)
	case "p12":
		_, err = p12.Open(in.Body, hostile.Password, p12.Limits{})
	case "jwt":
		var token *jws.Token
		if token, err = jws.Parse(string(in.Body), jws.Options{}); err == nil {
			_, err = token.Claims()
		}
	}
	return err
}

// hostileCost is the worst of a format.
type hostileCost struct {
	inputs, refused int
	time            time.Duration
	timeOf          string
	octets          uint64
	octetsOf        string
}

// TestHostileInputs: every hostile input gets an error of its parser or an object, and a verdict that does not pass; nothing
// panics. Under QAQPA_BENCH (make bench-hostile) each is timed, one after the other, and its memory counted.
func TestHostileInputs(t *testing.T) {
	b := setup(t, []pki.Family{pki.GOST2015}, func(_ *bench, cfg *signer.Config) {
		cfg.Revocation = signer.RevocationOff
	})
	measured := os.Getenv("QAQPA_BENCH") != ""
	costs := map[string]*hostileCost{}
	for _, in := range hostileInputs(b) {
		cost := costs[in.Format]
		if cost == nil {
			cost = &hostileCost{}
			costs[in.Format] = cost
		}
		cost.inputs++
		var before, after runtime.MemStats
		if measured {
			runtime.ReadMemStats(&before)
		}
		start := time.Now()
		if err := parseHostile(in); err != nil {
			cost.refused++
		}
		v, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: in.Body})
		spent := time.Since(start)
		if measured {
			runtime.ReadMemStats(&after)
		}
		if v.Passed() && !harmless(in) {
			t.Errorf("%s, %s: passed", in.Format, in.Kind)
		}
		if err != nil && !errors.Is(err, signer.ErrRequest) && !errors.Is(err, signer.ErrTooLarge) && !errors.Is(err, asn1ber.ErrLimit) {
			t.Errorf("%s, %s: %v", in.Format, in.Kind, err)
		}
		if spent > cost.time {
			cost.time, cost.timeOf = spent, in.Kind
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > cost.octets {
			cost.octets, cost.octetsOf = grown, in.Kind
		}
	}
	if measured {
		printHostile(t, costs)
	}
}

// harmless tells inputs whose damage is only another way to write the same document.
func harmless(in hostile.Input) bool {
	switch in.Format {
	case "cms", "xml", "xades":
		for _, kind := range []string{"mixed encoding", "duplicate identifiers", "unsigned properties"} {
			if strings.HasPrefix(in.Kind, kind) {
				return true
			}
		}
	}
	return false
}

// printHostile prints the table, and adds a line to bench.jsonl for each format.
func printHostile(t *testing.T, costs map[string]*hostileCost) {
	t.Helper()
	t.Logf("%-12s %6s %8s  %-42s %s", "format", "inputs", "refused", "longest (limit 1 s)", "most octets allocated in all")
	for _, format := range slices.SortedFunc(maps.Keys(costs), cmp.Compare[string]) {
		c := costs[format]
		t.Logf("%-12s %6d %8d  %-42s %.1f MB: %s", format, c.inputs, c.refused, c.time.Round(time.Millisecond).String()+": "+c.timeOf, float64(c.octets)/1e6, c.octetsOf)
		if c.time > time.Second {
			t.Errorf("%s, %s took %s", format, c.timeOf, c.time)
		}
		figures.Line{
			Path: "hostile " + format, Value: c.time.Seconds(), Unit: "s, longest of " + c.timeOf, Against: "limit", AgainstValue: 1,
			Ratio: c.time.Seconds(), Goal: 1, Pass: c.time <= time.Second,
		}.Add(t)
	}
}
