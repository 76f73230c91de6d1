package path

import (
	"testing"

	"qaqpa/signer/pkix"
)

// TestMatchName: what lies in a subtree, what does not, and what cannot be compared and is refused.
func TestMatchName(t *testing.T) {
	const in, out, refused = "in", "out", "refused"
	for _, c := range []struct {
		kind       pkix.NameKind
		base, name string
		excluded   bool
		want       string
	}{
		{pkix.DNSName, "example.kz", "example.kz", false, in},
		{pkix.DNSName, "example.kz", "EXAMPLE.KZ", false, in},
		{pkix.DNSName, "example.kz", "a.b.example.kz", false, in},
		{pkix.DNSName, "example.kz", "badexample.kz", false, out},
		{pkix.DNSName, "a.example.kz", "example.kz", false, out},
		{pkix.DNSName, "", "example.kz", false, in},
		{pkix.DNSName, "example.kz", "*.example.kz", false, in},
		{pkix.DNSName, "a.example.kz", "*.example.kz", false, out},
		{pkix.DNSName, "a.example.kz", "*.example.kz", true, in},
		{pkix.DNSName, "a.b.example.kz", "*.example.kz", true, out},
		{pkix.DNSName, "example.kz", "a b.example.kz", false, refused},
		{pkix.DNSName, "example.kz", "", false, refused},
		{pkix.DNSName, "example.kz", "a..example.kz", false, refused},
		{pkix.RFC822Name, "a@example.kz", "a@example.kz", false, in},
		{pkix.RFC822Name, "a@example.kz", "a@EXAMPLE.kz", false, in},
		{pkix.RFC822Name, "a@example.kz", "A@example.kz", false, out},
		{pkix.RFC822Name, "example.kz", "b@example.kz", false, in},
		{pkix.RFC822Name, "example.kz", "b@mail.example.kz", false, out},
		{pkix.RFC822Name, ".example.kz", "b@mail.example.kz", false, in},
		{pkix.RFC822Name, ".example.kz", "b@example.kz", false, out},
		{pkix.RFC822Name, "example.kz", "b@x@example.kz", false, refused},
		{pkix.RFC822Name, "example.kz", `"b@x"@example.kz`, false, in},
		{pkix.RFC822Name, "example.kz", "example.kz", false, refused},
		{pkix.URI, "example.kz", "http://example.kz/a", false, in},
		{pkix.URI, "example.kz", "https://user@EXAMPLE.kz:8080/a", false, in},
		{pkix.URI, "example.kz", "http://www.example.kz/", false, out},
		{pkix.URI, ".example.kz", "http://www.example.kz/", false, in},
		{pkix.URI, ".example.kz", "http://example.kz/", false, out},
		{pkix.URI, "example.kz", "http://example.kz.evil.org/", false, out},
		{pkix.URI, "example.kz", "http://evil.org/?http://example.kz/", false, out},
		{pkix.URI, "example.kz", "urn:x:example.kz", false, refused},
		{pkix.URI, "example.kz", "http://192.0.2.1/", false, refused},
		{pkix.URI, "example.kz", "http://[2001:db8::1]/", false, refused},
		{pkix.URI, "example.kz", "http://%zz/", false, refused},
		{pkix.IPAddress, "\xc0\x00\x02\x00\xff\xff\xff\x00", "\xc0\x00\x02\x63", false, in},
		{pkix.IPAddress, "\xc0\x00\x02\x00\xff\xff\xff\x00", "\xc0\x00\x03\x63", false, out},
		{pkix.IPAddress, "\xc0\x00\x02\x00\xff\xff\xff\x00", "\xc0\x00\x02\x63\xc0\x00\x02\x63\xc0\x00\x02\x63\xc0\x00\x02\x63", false, out},
		{pkix.IPAddress, "\xc0\x00\x02\x00\xff\x00\xff\x00", "\xc0\x00\x02\x63", false, refused},
		{pkix.RegisteredID, "1.2.3", "1.2.3.4", false, refused},
		{pkix.OtherName, "1.2.3", "1.2.3", true, refused},
		{pkix.X400Address, "", "", false, refused},
	} {
		base, name := pkix.GeneralName{Kind: c.kind, Text: c.base, IP: []byte(c.base)}, pkix.GeneralName{Kind: c.kind, Text: c.name, IP: []byte(c.name)}
		match, err := matchName(&base, &name, c.excluded)
		got := out
		if match {
			got = in
		}
		if err != nil {
			got = refused
		}
		if got != c.want {
			t.Errorf("%s %q under %q (excluded %v): %s, want %s (%v)", c.kind, c.name, c.base, c.excluded, got, c.want, err)
		}
	}
}

// TestConstraintsThatCannotBeProcessed refuse every certificate below, whatever its names.
func TestConstraintsThatCannotBeProcessed(t *testing.T) {
	tree := func(kind pkix.NameKind, text string) pkix.GeneralSubtree {
		return pkix.GeneralSubtree{Base: pkix.GeneralName{Kind: kind, Text: text, IP: []byte(text)}, Maximum: -1}
	}
	minimum, maximum := tree(pkix.DNSName, "example.kz"), tree(pkix.DNSName, "example.kz")
	minimum.Minimum, maximum.Maximum = 1, 1
	for _, bad := range []pkix.GeneralSubtree{
		minimum, maximum, tree(pkix.DNSName, "*.example.kz"), tree(pkix.DNSName, ".example.kz"), tree(pkix.RFC822Name, "a@"),
		tree(pkix.RFC822Name, ""), tree(pkix.URI, "http://example.kz"), tree(pkix.IPAddress, "\xc0\x00\x02\x00\x00\xff\xff\xff"),
	} {
		for _, nc := range []*pkix.NameConstraints{{Permitted: []pkix.GeneralSubtree{bad}}, {Excluded: []pkix.GeneralSubtree{bad}}} {
			if err := checkSubtrees(nc); err == nil {
				t.Errorf("%s %q accepted", bad.Base.Kind, bad.Base.Text)
			}
		}
	}
	for _, good := range []pkix.GeneralSubtree{
		tree(pkix.DNSName, "example.kz"), tree(pkix.DNSName, ""), tree(pkix.RFC822Name, ".example.kz"), tree(pkix.URI, ".example.kz"),
		tree(pkix.IPAddress, "\xc0\x00\x02\x00\xff\xff\xff\x00"), tree(pkix.OtherName, "1.2.3"),
	} {
		if err := checkSubtrees(&pkix.NameConstraints{Permitted: []pkix.GeneralSubtree{good}}); err != nil {
			t.Errorf("%s %q: %v", good.Base.Kind, good.Base.Text, err)
		}
	}
}

// TestMailInUnicode: a mail address in an otherName is under the constraints of mail addresses, and nothing compares it.
func TestMailInUnicode(t *testing.T) {
	v := newValidation(&Inputs{At: now})
	mail := []pkix.GeneralName{{Kind: pkix.OtherName, Text: oidSMTPUTF8Mailbox}}
	nc := &pkix.NameConstraints{Permitted: []pkix.GeneralSubtree{{Base: pkix.GeneralName{Kind: pkix.RFC822Name, Text: "example.kz"}, Maximum: -1}}}
	if err := v.checkNames(nc, mail); err == nil {
		t.Error("accepted")
	}
	nc.Permitted[0].Base = pkix.GeneralName{Kind: pkix.DNSName, Text: "example.kz"}
	if err := v.checkNames(nc, mail); err != nil {
		t.Error(err)
	}
}
