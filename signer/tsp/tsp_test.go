package tsp_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/tsp"
)

func null() []byte { return asn1ber.Primitive(asn1ber.Null, nil) }

// One row per rule that a token can break; the first rows keep it.
func TestTokenRules(t *testing.T) {
	good := newAuthority(t, purpose{})
	email := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}
	negative := []byte{0x83, 0x50, 0xc0}
	nonce := func(contents []byte) [][]byte { return [][]byte{asn1ber.Primitive(asn1ber.Integer, contents)} }
	extension := func(critical ...byte) [][]byte {
		x := [][]byte{oid("1.2.3")}
		if critical != nil {
			x = append(x, asn1ber.Primitive(asn1ber.Boolean, critical))
		}
		return [][]byte{asn1ber.Wrap(asn1ber.Context(1), seq(append(x, octets(nil))...))}
	}
	tsa := func(name []byte) [][]byte { return [][]byte{asn1ber.Wrap(asn1ber.Context(0), name)} }
	for name, c := range map[string]struct {
		by     authority
		info   tstInfo
		want   tsp.Expectation
		rule   cms.Rule
		status cms.Status
	}{
		"right":                       {good, tstInfo{}, tsp.Expectation{}, tsp.RuleImprint, cms.Passed},
		"right, Streebog":             {good, tstInfo{hash: algo.Streebog512}, tsp.Expectation{}, tsp.RuleImprint, cms.Passed},
		"imprint of something else":   {good, tstInfo{imprint: make([]byte, 32)}, tsp.Expectation{}, tsp.RuleImprint, cms.Failed},
		"imprint cut short":           {good, tstInfo{imprint: algo.SHA256.Sum(nil, stamped)[:31]}, tsp.Expectation{}, tsp.RuleImprint, cms.Failed},
		"imprint given":               {good, tstInfo{}, tsp.Expectation{Hash: algo.SHA256, Imprint: algo.SHA256.Sum(nil, stamped)}, tsp.RuleImprint, cms.Passed},
		"imprint of another hash":     {good, tstInfo{}, tsp.Expectation{Hash: algo.SHA512, Imprint: algo.SHA512.Sum(nil, stamped)}, tsp.RuleImprint, cms.Failed},
		"nonce":                       {good, tstInfo{tail: nonce([]byte{1, 2})}, tsp.Expectation{Nonce: []byte{1, 2}}, tsp.RuleNonce, cms.Passed},
		"nonce negative":              {good, tstInfo{tail: nonce(negative)}, tsp.Expectation{Nonce: negative}, tsp.RuleNonce, cms.Passed},
		"nonce of another request":    {good, tstInfo{tail: nonce([]byte{1, 2})}, tsp.Expectation{Nonce: []byte{1, 3}}, tsp.RuleNonce, cms.Failed},
		"nonce negated":               {good, tstInfo{tail: nonce([]byte{0xff})}, tsp.Expectation{Nonce: []byte{1}}, tsp.RuleNonce, cms.Failed},
		"nonce missing":               {good, tstInfo{}, tsp.Expectation{Nonce: []byte{1}}, tsp.RuleNonce, cms.Failed},
		"nonce not asked for":         {good, tstInfo{tail: nonce([]byte{1, 2})}, tsp.Expectation{}, tsp.RuleNonce, cms.Passed},
		"policy":                      {good, tstInfo{}, tsp.Expectation{Policies: []string{"1.2.3", "1.2.398.3.3.2.6.4"}}, tsp.RulePolicy, cms.Passed},
		"policy of another":           {good, tstInfo{}, tsp.Expectation{Policies: []string{"1.2.398.3.3.2.6.1"}}, tsp.RulePolicy, cms.Failed},
		"policies none accepted":      {good, tstInfo{}, tsp.Expectation{Policies: []string{}}, tsp.RulePolicy, cms.Failed},
		"without EKU":                 {newAuthority(t, purpose{absent: true}), tstInfo{}, tsp.Expectation{}, tsp.RulePurpose, cms.Failed},
		"EKU not critical":            {newAuthority(t, purpose{lax: true}), tstInfo{}, tsp.Expectation{}, tsp.RulePurpose, cms.Failed},
		"EKU of a person":             {newAuthority(t, purpose{oids: []asn1.ObjectIdentifier{email}}), tstInfo{}, tsp.Expectation{}, tsp.RulePurpose, cms.Failed},
		"EKU with another":            {newAuthority(t, purpose{oids: []asn1.ObjectIdentifier{timeStamping, email}}), tstInfo{}, tsp.Expectation{}, tsp.RulePurpose, cms.Failed},
		"critical extension":          {good, tstInfo{tail: extension(0xff)}, tsp.Expectation{}, tsp.RuleExtensions, cms.Failed},
		"extension":                   {good, tstInfo{tail: extension()}, tsp.Expectation{}, tsp.RuleExtensions, cms.Passed},
		"extension said not critical": {good, tstInfo{tail: extension(0)}, tsp.Expectation{}, tsp.RuleExtensions, cms.Passed},
		"authority named":             {good, tstInfo{tail: tsa(asn1ber.Wrap(asn1ber.Context(4), good.cert.RawSubject))}, tsp.Expectation{}, tsp.RuleAuthority, cms.Passed},
		"authority named otherwise":   {good, tstInfo{tail: tsa(asn1ber.Wrap(asn1ber.Context(4), seq()))}, tsp.Expectation{}, tsp.RuleAuthority, cms.Noted},
		"authority by e-mail":         {good, tstInfo{tail: tsa(asn1ber.Primitive(asn1ber.Context(1), []byte("a@b.kz")))}, tsp.Expectation{}, tsp.RuleAuthority, cms.Noted},
		"authority malformed":         {good, tstInfo{tail: tsa(asn1ber.Wrap(asn1ber.Context(4), null()))}, tsp.Expectation{}, tsp.RuleAuthority, cms.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := tsp.ParseToken(c.by.stamp(t, c.info.encode(t)))
			if err != nil {
				t.Fatal(err)
			}
			if c.want.Imprint == nil {
				c.want.Content = cms.ContentOf(stamped)
			}
			checks := token.Verify(c.want, c.by.cert)
			got, ok := checks.Find(c.rule)
			if !ok || got.Status != c.status || got.Status > cms.Noted && got.Sub == "" {
				t.Errorf("%+v", got)
			}
			if w := checks.Worst(); w.Status != c.status {
				t.Errorf("elsewhere: %s", checks)
			}
		})
	}
}

func TestTokenWithoutWhatItNeeds(t *testing.T) {
	a := newAuthority(t, purpose{})
	token, err := tsp.ParseToken(a.stamp(t, tstInfo{}.encode(t)))
	if err != nil {
		t.Fatal(err)
	}
	if w := token.Verify(tsp.Expectation{Content: cms.ContentOf(stamped)}, nil).Worst(); w.Status != cms.Undecided || w.Sub != cms.SubNoCertificate {
		t.Errorf("no certificate: %+v", w)
	}
	if c, _ := token.Verify(tsp.Expectation{}, a.cert).Find(tsp.RuleImprint); c.Status != cms.Undecided {
		t.Errorf("nothing expected: %+v", c)
	}
	other := newAuthority(t, purpose{})
	checks := token.Verify(tsp.Expectation{Content: cms.ContentOf(stamped)}, other.cert)
	if s, _ := checks.Find(cms.RuleSignature); s.Status != cms.Failed {
		t.Errorf("another authority of the same name: %s", checks)
	}
	if s, _ := checks.Find(cms.RuleSigningCertificate); s.Status != cms.Undecided {
		t.Errorf("another authority of the same name: %s", checks)
	}
}

func TestInfoValues(t *testing.T) {
	a := newAuthority(t, purpose{})
	accuracy := seq(asn1ber.EncodedInt(1), asn1ber.Primitive(asn1ber.Context(0), []byte{2}), asn1ber.Primitive(asn1ber.Context(1), []byte{3}))
	token, err := tsp.ParseToken(a.stamp(t, tstInfo{genTime: "20260901102030.5Z", tail: [][]byte{accuracy, asn1ber.Primitive(asn1ber.Boolean, []byte{0xff})}}.encode(t)))
	if err != nil {
		t.Fatal(err)
	}
	i := token.Info
	if !i.GenTime.Equal(at.Add(500*time.Millisecond)) || i.Accuracy != time.Second+2*time.Millisecond+3*time.Microsecond || !i.HasAccuracy || !i.Ordering ||
		i.Policy != "1.2.398.3.3.2.6.4" || !bytes.Equal(i.Serial, []byte{99}) || i.Nonce != nil {
		t.Errorf("%+v", i)
	}
}

func TestTokensRefused(t *testing.T) {
	a := newAuthority(t, purpose{})
	good := tstInfo{}.encode(t)
	data, err := cms.Sign(cms.SignInput{Content: good, Certificate: a.cert, Signer: a.key, SigningTime: at})
	if err != nil {
		t.Fatal(err)
	}
	detached, err := cms.Sign(cms.SignInput{Content: good, Detached: true, ContentType: cms.OIDTSTInfo, Certificate: a.cert, Signer: a.key, SigningTime: at})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token []byte
		want  error
	}{
		"data":                 {data, tsp.ErrNotToken},
		"detached":             {detached, tsp.ErrNotToken},
		"nothing":              {nil, asn1ber.ErrSyntax},
		"version 2":            {a.stamp(t, tstInfo{version: 2}.encode(t)), asn1ber.ErrSyntax},
		"local time":           {a.stamp(t, tstInfo{genTime: "20260901102030"}.encode(t)), asn1ber.ErrSyntax},
		"accuracy of a second": {a.stamp(t, tstInfo{tail: [][]byte{seq(asn1ber.Primitive(asn1ber.Context(0), []byte{3, 0xe8}))}}.encode(t)), asn1ber.ErrSyntax},
		"accuracy negative":    {a.stamp(t, tstInfo{tail: [][]byte{seq(asn1ber.EncodedInt(-1))}}.encode(t)), asn1ber.ErrSyntax},
		"more behind":          {a.stamp(t, tstInfo{tail: [][]byte{null()}}.encode(t)), asn1ber.ErrSyntax},
		"trailing":             {a.stamp(t, append(bytes.Clone(good), 5, 0)), asn1ber.ErrSyntax},
		"not a SEQUENCE":       {a.stamp(t, null()), asn1ber.ErrSyntax},
	} {
		if _, err := tsp.ParseToken(c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sd, err := cms.Parse(a.stamp(t, good), cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	signer := sd.Signers[0].Raw
	twice := bytes.Replace(sd.Raw, asn1ber.Wrap(asn1ber.Set, signer), asn1ber.Wrap(asn1ber.Set, signer, signer), 1)
	body := twice[bytes.Index(twice, []byte{2, 1, 3}):] // SignedData version 3
	if _, err := tsp.ParseToken(seq(oid(cms.OIDSignedData), asn1ber.Wrap(asn1ber.Context(0), seq(body)))); !errors.Is(err, tsp.ErrNotToken) {
		t.Errorf("two signers: %v", err)
	}
}

func TestResponses(t *testing.T) {
	a := newAuthority(t, purpose{})
	q := tsp.Request{Hash: algo.SHA256, Imprint: algo.SHA256.Sum(nil, stamped), Nonce: []byte{0, 0x80, 1}, Policy: "1.2.398.3.3.2.6.4", Certificates: true}
	token := a.stamp(t, tstInfo{tail: [][]byte{asn1ber.EncodedUint(q.Nonce)}}.encode(t))
	granted := seq(seq(asn1ber.EncodedInt(0)), token)
	p, err := tsp.ParseResponse(granted)
	if err != nil || p.Token == nil || !bytes.Equal(p.RawToken, token) {
		t.Fatalf("%+v, %v", p, err)
	}
	if checks := p.Token.VerifyResponse(q, a.cert); checks.Worst().Status != cms.Passed {
		t.Error(checks)
	}
	later := q
	later.Nonce = []byte{7}
	if c, _ := p.Token.VerifyResponse(later, a.cert).Find(tsp.RuleNonce); c.Status != cms.Failed {
		t.Errorf("replayed: %+v", c)
	}

	refusal := seq(seq(asn1ber.EncodedInt(2), seq(asn1ber.Primitive(asn1ber.UTF8String, []byte("no such policy")), asn1ber.Primitive(asn1ber.UTF8String, []byte("sorry"))),
		asn1ber.Primitive(asn1ber.BitString, []byte{0, 0, 1})))
	p, err = tsp.ParseResponse(refusal)
	var refused *tsp.RefusedError
	if !errors.As(err, &refused) || p.Status != tsp.Rejection || p.Text != "no such policy; sorry" || len(p.Failures) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if err.Error() != `time-stamp refused: rejection, policy not accepted, "no such policy; sorry"` {
		t.Error(err)
	}
	for name, bad := range map[string][]byte{
		"granted without token": seq(seq(asn1ber.EncodedInt(0))),
		"token of something":    seq(seq(asn1ber.EncodedInt(0)), seq()),
		"body of a proxy":       []byte("<html>Try again</html>"),
		"empty":                 nil,
		"trailing":              append(bytes.Clone(granted), 0),
		"more":                  seq(seq(asn1ber.EncodedInt(0)), token, null()),
		"status not a number":   seq(seq(null())),
	} {
		if p, err := tsp.ParseResponse(bad); err == nil || p != nil {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	// A token beside a refusal is not handed out.
	if p, err := tsp.ParseResponse(seq(seq(asn1ber.EncodedInt(2)), token)); err == nil || p.Token != nil || p.RawToken != nil {
		t.Errorf("token beside a refusal: %v", err)
	}
}

func TestRequestsRefused(t *testing.T) {
	good := tsp.Request{Hash: algo.SHA256, Imprint: make([]byte, 32)}
	for name, change := range map[string]func(*tsp.Request){
		"no hash":          func(q *tsp.Request) { q.Hash = 0 },
		"short imprint":    func(q *tsp.Request) { q.Imprint = q.Imprint[:20] },
		"long nonce":       func(q *tsp.Request) { q.Nonce = make([]byte, 33) },
		"policy of nobody": func(q *tsp.Request) { q.Policy = "x" },
	} {
		q := good
		change(&q)
		if b, err := q.Encode(); err == nil {
			t.Errorf("%s: %x", name, b)
		}
	}
}

// FuzzResponse: nothing panics; what is granted has a token that belongs to nobody else.
func FuzzResponse(f *testing.F) {
	a, stranger := newAuthority(f, purpose{}), newAuthority(f, purpose{})
	token := a.stamp(f, tstInfo{tail: [][]byte{asn1ber.EncodedInt(-5)}}.encode(f))
	f.Add(seq(seq(asn1ber.EncodedInt(0)), token))
	f.Add(token)
	f.Add(seq(seq(asn1ber.EncodedInt(2), seq(asn1ber.Primitive(asn1ber.UTF8String, []byte("no"))), asn1ber.Primitive(asn1ber.BitString, []byte{0, 0, 1}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := tsp.ParseResponse(b); err == nil && p.Token == nil {
			t.Error("granted without a token")
		}
		token, err := tsp.ParseToken(b)
		if err != nil {
			return
		}
		if w := token.Verify(tsp.Expectation{Content: cms.ContentOf(stamped)}, stranger.cert).Worst(); w.Status < cms.Undecided {
			t.Errorf("%+v", w)
		}
	})
}
