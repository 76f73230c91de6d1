package pkix

import (
	"testing"
	"unicode"

	"qaqpa/signer/asn1ber"

	"pgregory.net/rapid"
)

type attr struct {
	oid   string
	tag   asn1ber.Tag
	value string
}

// nameDER encodes a name; each inner slice is one RDN.
func nameDER(tb testing.TB, rdns ...[]attr) []byte {
	tb.Helper()
	var parts [][]byte
	for _, rdn := range rdns {
		var members [][]byte
		for _, a := range rdn {
			oid, err := asn1ber.EncodedOID(a.oid)
			if err != nil {
				tb.Fatal(err)
			}
			members = append(members, asn1ber.Wrap(asn1ber.Sequence, oid, asn1ber.Primitive(a.tag, []byte(a.value))))
		}
		parts = append(parts, asn1ber.SetOf(asn1ber.Set, members...))
	}
	return asn1ber.Wrap(asn1ber.Sequence, parts...)
}

func name(tb testing.TB, rdns ...[]attr) Name {
	tb.Helper()
	n, err := ParseName(nameDER(tb, rdns...))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func cn(tag asn1ber.Tag, value string) []attr { return []attr{{AttrCommonName, tag, value}} }

// TestNameComparison: RFC 5280 7.1, RFC 4518.
func TestNameComparison(t *testing.T) {
	var utf8, printable, bmp, t61 asn1ber.Tag = asn1ber.UTF8String, asn1ber.PrintableString, asn1ber.BMPString, asn1ber.T61String
	for _, c := range []struct {
		name string
		a, b []attr
		want bool
	}{
		{"same", cn(utf8, "Қазақстан"), cn(utf8, "Қазақстан"), true},
		{"string types", cn(utf8, "Kazakhstan"), cn(printable, "Kazakhstan"), true},
		{"BMPString", cn(utf8, "AB"), cn(bmp, "\x00A\x00B"), true},
		{"T61String", cn(utf8, "é"), cn(t61, "\xe9"), true},
		{"case", cn(utf8, "Kazakhstan"), cn(utf8, "KAZAKHSTAN"), true},
		{"case of Cyrillic", cn(utf8, "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ"), cn(utf8, "ұлттық куәландырушы"), true},
		{"letters that look alike", cn(utf8, "ҰКО 3.0"), cn(utf8, "ҰҚО 3.0"), false},
		{"Latin and Cyrillic", cn(utf8, "A"), cn(utf8, "А"), false},
		{"inner spaces", cn(utf8, "a b"), cn(utf8, "a \t  b"), true},
		{"outer spaces", cn(utf8, "a b"), cn(utf8, "  a b "), true},
		{"no space", cn(utf8, "ab"), cn(utf8, "a b"), false},
		{"no-break space", cn(utf8, "a b"), cn(utf8, "a\u00a0b"), true},
		{"soft hyphen", cn(utf8, "ab"), cn(utf8, "a\u00adb"), true},
		{"composed and decomposed", cn(utf8, "é"), cn(utf8, "e\u0301"), true},
		{"compatibility", cn(utf8, "fi"), cn(utf8, "ﬁ"), true},
		{"sharp s", cn(utf8, "strasse"), cn(utf8, "straße"), true},
		{"final sigma", cn(utf8, "ΣΑΣ"), cn(utf8, "σας"), true},
		{"dotted I", cn(utf8, "İ"), cn(utf8, "i"), false},
		{"attribute types", cn(utf8, "a"), []attr{{AttrOrganization, utf8, "a"}}, false},
		{"order in a set", []attr{{AttrCommonName, utf8, "a"}, {AttrOrganization, utf8, "b"}}, []attr{{AttrOrganization, utf8, "B"}, {AttrCommonName, utf8, "A"}}, true},
		{"wrong octets in a string, same", cn(utf8, "\xff"), cn(utf8, "\xff"), true},
		{"wrong octets in a string, other", cn(utf8, "\xff"), cn(utf8, "\xfe"), false},
		{"private use", cn(utf8, "\ue000"), cn(printable, "x"), false},
		{"octets and text", cn(asn1ber.OctetString, "a"), cn(utf8, "a"), false},
	} {
		a, b := name(t, c.a), name(t, c.b)
		if a.Equal(b) != c.want || b.Equal(a) != c.want || (a.Key() == b.Key()) != c.want {
			t.Errorf("%s: %s and %s: want %v", c.name, a, b, c.want)
		}
	}
}

func TestNameWithin(t *testing.T) {
	const utf8 = asn1ber.UTF8String
	c := []attr{{AttrCountry, asn1ber.PrintableString, "KZ"}}
	base := name(t, c, []attr{{AttrOrganization, utf8, "NIT"}})
	for _, x := range []struct {
		n    Name
		want bool
	}{
		{base, true},
		{name(t, c, []attr{{AttrOrganization, utf8, "nit"}}, cn(utf8, "x")), true},
		{name(t, c), false},
		{name(t, c, []attr{{AttrOrganization, utf8, "NITX"}}), false},
		{name(t, c, []attr{{AttrOrganization, utf8, "NIT"}, {AttrCommonName, utf8, "x"}}), false},
		{Name{}, false},
	} {
		if x.n.Within(base) != x.want {
			t.Errorf("%s within %s: want %v", x.n, base, x.want)
		}
	}
	if !base.Within(Name{}) {
		t.Error("every name is within the empty one")
	}
	if child := name(t, c).Child(base.RDNs[1]); !child.Equal(base) {
		t.Errorf("%s is not %s", child, base)
	}
}

func TestNameString(t *testing.T) {
	const utf8 = asn1ber.UTF8String
	n := name(t, []attr{{AttrCountry, asn1ber.PrintableString, "KZ"}},
		[]attr{{AttrOrganization, utf8, ` #a, "b"+c;<d>\ `}, {AttrOrgUnit, utf8, "#x\x00y"}},
		[]attr{{"1.2.3", utf8, "z"}}, cn(asn1ber.OctetString, "a"))
	const want = `CN=#040161,1.2.3=z,OU=\#x\00y+O=\ #a\, \"b\"\+c\;\<d\>\\\ ,C=KZ`
	if got := n.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n.CommonName() != "#040161" || n.First(AttrCountry) != "KZ" || n.First(AttrTitle) != "" {
		t.Errorf("%v", n.RDNs)
	}
}

func TestNameRefused(t *testing.T) {
	deep := make([][]attr, maxRDNs+1)
	for i := range deep {
		deep[i] = cn(asn1ber.UTF8String, "a")
	}
	for _, der := range [][]byte{nil, {0x31, 0}, {0x30, 2, 0x31, 0}, {0x30, 0, 0}, nameDER(t, deep...), nameDER(t, make([]attr, 0))} {
		if _, err := ParseName(der); err == nil {
			t.Errorf("%x accepted", der[:min(len(der), 20)])
		}
	}
}

// TestPrepareIsIdempotent: what is prepared is its own prepared form, and neither case nor outer spaces change it.
func TestPrepareIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("aB қҚ Äß é.-ҰïİıΣς \t\u00ad")))).Draw(t, "s")
		once, ok := prepare(s)
		if !ok {
			return
		}
		if twice, ok := prepare(once); !ok || twice != once {
			t.Fatalf("%q prepared is %q, again %q", s, once, twice)
		}
		if spaced, ok := prepare("  " + s + "\t"); !ok || spaced != once {
			t.Fatalf("%q prepared is %q, with spaces %q", s, once, spaced)
		}
	})
}

// TestPrepareCommon: the short way says what the long way does.
func TestPrepareCommon(t *testing.T) {
	for r := rune(0x400); r < 0x530; r++ {
		if cyrillic(r) && lowerCyrillic(r) != unicode.ToLower(r) {
			t.Errorf("%c: %c, want %c", r, lowerCyrillic(r), unicode.ToLower(r))
		}
		if short, ok := prepareCommon(string(r)); ok {
			if long, _ := fold(string(r)); short != long {
				t.Errorf("%c: %q, want %q", r, short, long)
			}
		}
	}
	letters := []rune("aB  zҚқӘәАяӀӏѠѡӁӂԮԯ\"-.")
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom(letters)).Draw(t, "s")
		short, ok := prepareCommon(s)
		long, okLong := fold(s)
		if !ok || !okLong || short != squeeze(long) {
			t.Fatalf("%q: %q, want %q", s, short, squeeze(long))
		}
	})
}
