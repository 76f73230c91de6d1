package jades

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/jws"
)

func referring(t *testing.T, mechanism string, names int) string {
	t.Helper()
	pars, hashes := make([]string, names), make([]string, names)
	for i := range pars {
		pars[i], hashes[i] = "x", strings.Repeat("A", 43)
	}
	header, err := json.Marshal(map[string]any{
		"alg": "ES256", "b64": false, "crit": []string{"b64", "sigD"},
		"sigD": map[string]any{"mId": mechanism, "pars": pars, "hashM": "S256", "hashV": hashes},
	})
	if err != nil {
		t.Fatal(err)
	}
	return `{"protected":"` + encoded(string(header)) + `","signature":"AA"}`
}

// The attack: a few kilobytes of names make an original of many megabytes be hashed a thousand times. The work for a document ends, in
// whatever way an original is signed.
func TestWorkOfNamesEnds(t *testing.T) {
	octets, want := make([]byte, 1000), map[string]string{"by digest": cms.SubNoSignedData, "by name": SubWork, "plain": SubWork}
	for name, text := range map[string]string{
		"by digest": referring(t, MechanismURIHash, elementsMax), "by name": referring(t, MechanismURI, 1),
		"plain": `{"protected":"` + encoded(`{"alg":"ES256"}`) + `","signature":"AA"}`,
	} {
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		work := int64(10 * len(octets))
		b := Beside{Octets: octets, Work: &work}
		for range 11 {
			d.Signatures[0].Verify(b, nil)
		}
		checks := d.Signatures[0].Verify(b, nil)
		if last := checks[len(checks)-1]; work >= 0 || last.Status != cms.Undecided || last.Sub != want[name] {
			t.Errorf("%s: %d octets are left, %+v", name, work, last)
		}
	}
	d, err := Parse([]byte(referring(t, MechanismURI, elementsMax+1)))
	if err != nil || d.Signatures[0].Verify(Beside{}, nil).Worst().Status != cms.Failed {
		t.Errorf("names without end: %v", err)
	}
}

// The attack: lists of a million tiny objects, of which each archive time stamp keeps its own list.
func TestObjectsEnd(t *testing.T) {
	many := `{"xVals":[` + strings.TrimSuffix(strings.Repeat(`{"x509Cert":{"val":"AA=="}},`, objectsMax+1), ",") + `]}`
	stamp := encoded(`{"arcTst":{"tstTokens":[{"val":"AA=="}]}}`)
	d, err := Parse([]byte(`{"payload":"eA","protected":"e30","header":{"etsiU":["` + encoded(many) + `","` + stamp + `","` + stamp + `"]},"signature":"AA"}`))
	if err != nil {
		t.Fatal(err)
	}
	s := d.Signatures[0]
	stamps, err := s.Stamps(Beside{}, 8)
	if n := len(s.Evidence().Certificates); n != 0 || len(stamps) != 0 || !errors.Is(err, jws.ErrLimit) {
		t.Errorf("%d certificates, %d time stamps, %v", n, len(stamps), err)
	}
	members := make([]string, 2000)
	for i := range members {
		members[i] = fmt.Sprintf(`"%d":1`, i)
	}
	if _, err := Parse([]byte(`{"protected":"e30","header":{` + strings.Join(members, ",") + `},"signature":"AA"}`)); !errors.Is(err, jws.ErrLimit) {
		t.Errorf("a header of thousands of members: %v", err)
	}
	if list, err := arrayOf([]byte("["+strings.Repeat("1,", 1<<20)+"1]"), 4); !errors.Is(err, jws.ErrLimit) || list != nil {
		t.Errorf("%d values, %v", len(list), err)
	}
}

// The attack: a signature over digests that this program reads one way and others another way.
func TestNamesAreExact(t *testing.T) {
	for header, want := range map[string]cms.Status{
		`{"alg":"ES256","sigD":{"mId":"` + MechanismURI + `","pars":["a"]}}`:                                                                  cms.Undecided,
		`{"alg":"ES256","sigD":{"mId":"` + MechanismURI + `","pars":["a"],"PARS":["b"]}}`:                                                     cms.Failed,
		`{"alg":"ES256","sigD":{"mId":"` + MechanismURI + `","par\u017f":["a"]}}`:                                                             cms.Failed,
		`{"alg":"ES256","sigPId":{"id":{"id":"urn:oid:1.2"},"Id":{"id":"urn:oid:1.3"}}}`:                                                      cms.Failed,
		`{"alg":"ES256","x5t#o":{"digAlg":"S256","DigAlg":"S256","digVal":"` + strings.Repeat("A", 43) + `"}}`:                                cms.Failed,
		`{"alg":"ES256","sigX5ts":[{"digAlg":"S256","digVal":"` + strings.Repeat("A", 43) + `","digval":"` + strings.Repeat("A", 43) + `"}]}`: cms.Failed,
	} {
		d, err := Parse([]byte(`{"protected":"` + encoded(header) + `","signature":"AA"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Signatures[0].Verify(Beside{}, nil).Worst(); got.Status != want {
			t.Errorf("%s: %+v", header, got)
		}
	}
}
