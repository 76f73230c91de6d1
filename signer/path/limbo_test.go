package path

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

type limboCase struct {
	ID            string   `json:"id"`
	Features      []string `json:"features"`
	Trusted       []string `json:"trusted_certs"`
	Intermediates []string `json:"untrusted_intermediates"`
	Peer          string   `json:"peer_certificate"`
	CRLs          []string `json:"crls"`
	Time          string   `json:"validation_time"`
	MaxDepth      *int     `json:"max_chain_depth"`
	KeyUsage      []string `json:"key_usage"`
	EKU           []string `json:"extended_key_usage"`
	Expected      string   `json:"expected_result"`
}

// errUnreadable: a certificate or CRL of the case cannot be read, which is one way to refuse it.
var errUnreadable = errors.New("unreadable")

func (c *limboCase) inputs(t *testing.T) (in Inputs, err error) {
	t.Helper()
	in = Inputs{
		At:         time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC),
		Revocation: Revocation{Leaf: Off, CA: Off},
		Algorithms: algo.DefaultReliability(),
		Strict:     limboStrict(c.ID),
	}
	if c.Time != "" {
		in.At = mustTime(t, c.Time)
	}
	for _, text := range c.Trusted {
		certs, err := pkix.ParsePEMOrDER([]byte(text))
		if err != nil {
			return in, err
		}
		in.Anchors = append(in.Anchors, Anchor{Certificate: certs[0]})
	}
	for _, text := range c.Intermediates {
		certs, err := pkix.ParsePEMOrDER([]byte(text))
		if err != nil {
			continue // an unreadable certificate is not part of the pool
		}
		in.Pool = append(in.Pool, certs[0])
	}
	leaf, err := pkix.ParsePEMOrDER([]byte(c.Peer))
	if err != nil {
		return in, errors.Join(errUnreadable, err)
	}
	in.Leaf = leaf[0]
	for _, text := range c.CRLs {
		crl, err := pkix.ParseCRL(unarmour([]byte(text)))
		if err != nil {
			return in, errors.Join(errUnreadable, err)
		}
		in.CRLs = append(in.CRLs, crl)
		in.Revocation = Revocation{}
	}
	if c.MaxDepth != nil {
		in.Budget.Depth = *c.MaxDepth + 2 // the leaf and the anchor are not counted
	}
	for _, u := range c.KeyUsage {
		if u == "digitalSignature" {
			in.KeyUsage |= pkix.DigitalSignature
		}
	}
	for _, u := range c.EKU {
		in.EKU = append(in.EKU, map[string]string{"serverAuth": pkix.EKUServerAuth, "clientAuth": pkix.EKUClientAuth}[u])
	}
	return in, nil
}

// limboStrict: the groups about what issuers must do are judged with the profile. Real chains are not (a root of 2009 has
// the serial number zero), nor are cases whose anchors break it on the way to another question (cve-2024-0567).
func limboStrict(id string) bool {
	group, _, _ := strings.Cut(id, "::")
	return group == "rfc5280" || group == "webpki" || group == "crl"
}

func TestLimbo(t *testing.T) {
	var file struct{ Testcases []limboCase }
	readJSON(t, "limbo/limbo.json", &file)
	var agreed, total, outside, wrong int
	for _, c := range file.Testcases {
		reason, out := limboOutOfScope(c.ID)
		ok := t.Run(c.ID, func(t *testing.T) {
			start := time.Now()
			in, err := c.inputs(t)
			r := Result{Indication: Failed}
			if err == nil {
				r = Validate(in)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %s", d)
			}
			switch accepted := r.Indication == Passed; {
			case out:
				t.Logf("out of scope: %s (we say %s, limbo %s)", reason, r.Indication, c.Expected)
			case accepted != (c.Expected == "SUCCESS"):
				if accepted {
					wrong++
				}
				t.Errorf("want %s, got %s (%v)", c.Expected, explain(r), err)
			}
		})
		switch {
		case out:
			outside++
		case ok:
			total++
			agreed++
		default:
			total++
		}
	}
	t.Logf("limbo: %d/%d agreed, %d wrongly accepted, %d out of scope", agreed, total, wrong, outside)
}

// limboOutside are cases that turn on questions which this package does not ask, by prefix or whole id.
var limboOutside = []struct{ prefix, reason string }{
	{"rfc5280::ca-as-leaf-wrong-san", "a host name is wanted: signers are not hosts"},
	{"webpki::cn::", "a host name is wanted"},
	{"webpki::san::mismatch-", "a host name is wanted"},
	{"webpki::san::wildcard-match-across-labels-san", "a host name is wanted"},
	{"webpki::san::no-san", "a host name is wanted"},
	{"webpki::san::public-suffix-", "the list of public suffixes binds web servers only"},
	{"webpki::san::san-critical-with-nonempty-subject", "CA/Browser Forum 7.1.2.7.12; RFC 5280 4.2.1.6 says SHOULD"},
	{"webpki::eku::", "CA/Browser Forum 7.1.2.7.10: the purposes of web servers"},
	{"webpki::aki::root-with-aki-", "CA/Browser Forum 7.1.2.1.3: how roots name their key"},
	{"webpki::nc::permitted-dns-match-noncritical", "contradicts RFC 5280 4.2.1.10, which the rfc5280 group wants kept"},
	{"webpki::forbidden-rsa-", "CA/Browser Forum 6.1.6: sizes of RSA keys that eight divides"},
	{"webpki::ee-basicconstraints-ca", "CA/Browser Forum 7.1.2.7.8; RFC 5280 4.2.1.9 lets users have it"},
	{"webpki::ca-as-leaf", "CA/Browser Forum: a CA may not be a web server"},
}

func limboOutOfScope(id string) (reason string, out bool) {
	i := slices.IndexFunc(limboOutside, func(o struct{ prefix, reason string }) bool { return strings.HasPrefix(id, o.prefix) })
	if i < 0 {
		return "", false
	}
	return limboOutside[i].reason, true
}
