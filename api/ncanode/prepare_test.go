package ncanode

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"qaqpa/signer/pkix"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func TestPrepare(t *testing.T) {
	const ds = `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`
	for _, c := range []struct{ in, want string }{
		{" \ufeff<a>\n <b> x </b>\t<!-- c --> <![CDATA[ ]]>&#13;\n</a> ", "<a><b> x </b><!-- c --> <![CDATA[ ]]>&#13;\n</a>"},
		{"<a> &#32; <b/>&#xA0;</a>", "<a><b/>&#xA0;</a>"},
		{"<?xml version=\"1.0\"?>\n<a> <b xml:space=\"preserve\"> </b></a>", "<?xml version=\"1.0\"?>\n<a><b xml:space=\"preserve\"></b></a>"},
		{"<a " + ds + "><b/> <ds:Signature> <ds:Object> <c/> </ds:Object></ds:Signature> <d> <ds:Signature/></d></a>", "<a " + ds + "><b/><d></d></a>"},
		{`<a><Signature/><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></a>`, "<a><Signature/></a>"},
	} {
		got, err := prepare(c.in, preparation{clear: true, trim: true})
		if err != nil || string(got) != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	kept, err := prepare(" <a> <b/> </a> ", preparation{})
	if err != nil || string(kept) != "<a> <b/> </a>" {
		t.Errorf("%q, %v", kept, err)
	}
	if _, err := prepare("<a "+ds+"> <ds:Signature/></a>", preparation{trim: true}); !is(err, CodeTrim) {
		t.Errorf("signatures would break: %v", err)
	}
}

func is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// FuzzPrepare: what is taken out is white space and signatures; encoding/xml sees the rest as it was.
func FuzzPrepare(f *testing.F) {
	f.Add("<a> <b>x</b>\n<c/> <!-- --> </a>")
	f.Add(`<a><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"> </ds:Signature> y</a>`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := prepare(text, preparation{clear: true, trim: true})
		if err != nil {
			return
		}
		again, err := prepare(string(got), preparation{clear: true, trim: true})
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q becomes %q becomes %q: %v", text, got, again, err)
		}
		if strings.Contains(text, "Signature") || strings.Contains(text, "encoding") {
			return
		}
		if before, after := words(text), words(string(got)); before != after {
			t.Fatalf("%q: %q became %q", text, before, after)
		}
	})
}

// words are the elements and the text of a document, by encoding/xml, white space alone left out.
func words(text string) string {
	var out strings.Builder
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(strings.TrimSpace(text), "\ufeff")))
	for {
		tok, err := d.RawToken()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return "unreadable"
			}
			return out.String()
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			fmt.Fprintf(&out, "<%s %v>", tok.Name.Local, tok.Attr)
		case xml.CharData:
			if s := strings.TrimFunc(string(tok), func(r rune) bool { return r <= ' ' }); s != "" {
				out.WriteString(s)
			}
		}
	}
}

// TestJavaNames: X500Principal.toString, whose rules are those of sun.security.x509: reversed, quoted where needed.
func TestJavaNames(t *testing.T) {
	type part struct{ oid, value string }
	name := func(rdns ...[]part) pkix.Name {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, rdn := range rdns {
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					for _, p := range rdn {
						b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
							var oid []int
							for arc := range strings.SplitSeq(p.oid, ".") {
								n := 0
								_, _ = fmt.Sscan(arc, &n)
								oid = append(oid, n)
							}
							b.AddASN1ObjectIdentifier(oid)
							b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.value)) })
						})
					}
				})
			}
		})
		n, err := pkix.ParseName(b.BytesOrPanic())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := name([]part{{pkix.AttrCommonName, "ТЕСТОВ ТЕСТ"}}, []part{{pkix.AttrOrganization, `ТОО "Рога, копыта"`}}, []part{{pkix.AttrOrgUnit, "Отдел"}},
		[]part{{pkix.AttrSerialNumber, "BIN123456789021"}}, []part{{pkix.AttrBusinessCategory, "KS01234"}}, []part{{pkix.AttrEmail, "a@b.kz"}, {pkix.AttrLocality, " x"}})
	s := subjectOf(n)
	// The parts of one RDN are in the order of their octets.
	want := `EMAILADDRESS=a@b.kz + L=" x", OID.2.5.4.15=KS01234, SERIALNUMBER=BIN123456789021, OU=Отдел, O="ТОО \"Рога, копыта\"", CN=ТЕСТОВ ТЕСТ`
	if s.DN != want {
		t.Errorf("got  %s\nwant %s", s.DN, want)
	}
	if s.BIN != "123456789021" || s.IIN != "" || s.Email != "a@b.kz" {
		t.Errorf("%+v", s)
	}
	if other := subjectOf(name([]part{{pkix.AttrOrgUnit, "Отдел"}})); other.BIN != "" {
		t.Errorf("a department is no BIN: %+v", other)
	}
}

func TestNumbersAndNames(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		want string
	}{{[]byte{0}, "0"}, {[]byte{0, 0x8f}, "8f"}, {[]byte{0x0f, 0xff}, "fff"}, {[]byte{0xff}, "-1"}, {[]byte{0x80, 0}, "-8000"}} {
		if got := hexNumber(c.in); got != c.want {
			t.Errorf("%x: %s, want %s", c.in, got, c.want)
		}
	}
	for in, want := range map[string]string{"keyCompromise": "KEY_COMPROMISE", "cessationOfOperation": "CESSATION_OF_OPERATION", "cACompromise": "CA_COMPROMISE", "removeFromCRL": "REMOVE_FROM_CRL", "": ""} {
		if got := screaming(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// A password shows itself nowhere.
func TestPasswordsHideThemselves(t *testing.T) {
	k := keyRequest{Key: "AAAA", Password: "Qwerty12"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(format, k); strings.Contains(got, "Qwerty") || strings.Contains(got, "517765727479") {
			t.Errorf("%s: %s", format, got)
		}
	}
}
