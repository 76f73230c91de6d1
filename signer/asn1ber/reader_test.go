package asn1ber

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Encodings that both rules, one, or neither take. X.690 examples where it has one.
func TestEncodings(t *testing.T) {
	for name, c := range map[string]struct {
		in       string
		ber, der bool
	}{
		"NULL":                                  {"0500", true, true},
		"short length":                          {"040101", true, true},
		"long length":                           {"048180" + hex.EncodeToString(make([]byte, 128)), true, true},
		"long length not needed":                {"04810101", true, false},
		"length with leading zero":              {"0482000101", true, false},
		"length of length 127":                  {"04ff01", false, false},
		"length of 9 octets":                    {"0489000000000000000001" + "01", false, false},
		"length of 8 octets":                    {"04880000000000000001" + "01", true, false},
		"huge length":                           {"0484ffffffff01", false, false},
		"length beyond int64":                   {"0488ffffffffffffffff01", false, false},
		"length one too long":                   {"040201", false, false},
		"no length":                             {"04", false, false},
		"nothing":                               {"", false, false},
		"length cut":                            {"0482", false, false},
		"indefinite SEQUENCE":                   {"30800500" + "0000", true, false},
		"indefinite in indefinite":              {"3080308005000000" + "0000", true, false},
		"indefinite without end":                {"30800500", false, false},
		"indefinite with half an end":           {"3080050000", false, false},
		"indefinite primitive":                  {"04800000", false, false},
		"end-of-contents alone":                 {"0000", false, false},
		"end-of-contents in definite":           {"30020000", false, false},
		"end-of-contents with length":           {"308000010000", false, false},
		"constructed OCTET STRING":              {"24060401ab0401cd", true, false},
		"constructed INTEGER":                   {"2203020101", false, false},
		"constructed NULL":                      {"2500", false, false},
		"primitive SEQUENCE":                    {"1000", false, false},
		"primitive SET":                         {"1100", false, false},
		"high tag number":                       {"9f1f00", true, true},
		"high tag number not needed":            {"9f0100", true, false},
		"high tag number with zeros":            {"9f801f00", false, false},
		"high tag number without end":           {"9fff", false, false},
		"tag number beyond 2^28":                {"9fffffffff7f00", false, false},
		"tag number 2^28-1":                     {"9fffffff7f00", true, true},
		"context tag, constructed and implicit": {"a003040101", true, true},
		"trailing octet":                        {"050000", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := unhex(t, c.in)
			for _, e := range []struct {
				enc  Encoding
				want bool
			}{{BER, c.ber}, {DER, c.der}} {
				err := walk(in, e.enc)
				if (err == nil) != e.want {
					t.Errorf("encoding %d: %v", e.enc, err)
				}
				if err != nil && !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrLimit) {
					t.Errorf("error of another kind: %v", err)
				}
			}
		})
	}
}

// walk reads everything in b.
func walk(b []byte, enc Encoding) error {
	e, err := Parse(b, enc, Limits{})
	if err != nil {
		return err
	}
	return walkElement(e)
}

func walkElement(e Element) error {
	if !e.Constructed {
		return nil
	}
	r, err := e.Children()
	if err != nil {
		return err
	}
	for !r.Empty() {
		child, err := r.Next()
		if err != nil {
			return err
		}
		if err := walkElement(child); err != nil {
			return err
		}
	}
	return nil
}

func TestRawAndContent(t *testing.T) {
	in := unhex(t, "3080"+"040101"+"24800401ab0401cd0000"+"0000")
	e, err := Parse(in, BER, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.Raw, in) || !e.Indefinite || !bytes.Equal(e.Content, in[2:len(in)-2]) {
		t.Errorf("outer: raw %x, content %x", e.Raw, e.Content)
	}
	r, err := e.Children()
	if err != nil {
		t.Fatal(err)
	}
	if tag, ok := r.Peek(); !ok || tag != OctetString {
		t.Errorf("peek %v %v", tag, ok)
	}
	if _, ok, err := r.Optional(Integer); ok || err != nil {
		t.Errorf("optional: %v %v", ok, err)
	}
	if _, err := r.Read(OctetString); err != nil {
		t.Fatal(err)
	}
	joined, err := r.Read(OctetString)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := joined.OctetString(); err != nil || !bytes.Equal(got, []byte{0xab, 0xcd}) {
		t.Errorf("joined %x, %v", got, err)
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrSyntax) {
		t.Errorf("beyond the end: %v", err)
	}
}

// Deep, long and crowded inputs end with ErrLimit, soon, whatever they claim.
func TestLimits(t *testing.T) {
	nested := func(depth int, open string) []byte { return bytes.Repeat(unhex(t, open), depth) }
	crowd := append(unhex(t, "3083100000"), bytes.Repeat([]byte{5, 0}, 1<<19)...)
	for name, c := range map[string]struct {
		in  []byte
		lim Limits
	}{
		"indefinite a million deep":      {nested(1<<20, "3080"), Limits{}},
		"indefinite octets deep":         {nested(1<<20, "2480"), Limits{}},
		"depth by one":                   {unhex(t, "300430023000"), Limits{Depth: 2}},
		"elements":                       {crowd, Limits{Elements: 1000}},
		"octets":                         {crowd, Limits{Bytes: 1000}},
		"scan of nested counts as depth": {append(nested(60, "3080"), make([]byte, 120)...), Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			err := walk2(c.in, c.lim)
			if !errors.Is(err, ErrLimit) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	fits := append(nested(40, "3080"), make([]byte, 80)...)
	if err := walk(fits, BER); err != nil {
		t.Errorf("40 levels: %v", err)
	}
}

func walk2(b []byte, lim Limits) error {
	e, err := Parse(b, BER, lim)
	if err != nil {
		return err
	}
	return walkElement(e)
}

func TestValues(t *testing.T) {
	parse := func(t *testing.T, s string, enc Encoding) Element {
		t.Helper()
		e, err := Parse(unhex(t, s), enc, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	t.Run("integers", func(t *testing.T) {
		for in, want := range map[string]int64{
			"020100": 0, "02017f": 127, "02020080": 128, "020180": -128, "0202ff7f": -129,
			"02087fffffffffffffff": 1<<63 - 1, "02088000000000000000": -1 << 63,
		} {
			e := parse(t, in, DER)
			if got, err := e.Int64(); err != nil || got != want {
				t.Errorf("%s: %d, %v", in, got, err)
			}
			if got, err := e.BigInt(8); err != nil || got.Int64() != want {
				t.Errorf("%s: %v, %v", in, got, err)
			}
			if got := hex.EncodeToString(EncodedInt(want)); got != in {
				t.Errorf("%d encoded as %s, not %s", want, got, in)
			}
		}
		for _, in := range []string{"0200", "0202007f", "0202ff80"} {
			if _, err := parse(t, in, BER).Integer(); !errors.Is(err, ErrSyntax) {
				t.Errorf("%s: %v", in, err)
			}
		}
		if _, err := parse(t, "0209010000000000000000", DER).Int64(); !errors.Is(err, ErrSyntax) {
			t.Errorf("nine octets: %v", err)
		}
		if _, err := parse(t, "0209010000000000000000", DER).BigInt(8); !errors.Is(err, ErrLimit) {
			t.Errorf("nine octets: %v", err)
		}
		if got := hex.EncodeToString(EncodedUint([]byte{0, 0, 0x80})); got != "02020080" {
			t.Errorf("unsigned %s", got)
		}
		if got := hex.EncodeToString(EncodedUint(nil)); got != "020100" {
			t.Errorf("unsigned nothing %s", got)
		}
	})
	t.Run("booleans", func(t *testing.T) {
		for _, c := range []struct {
			in       string
			enc      Encoding
			want, ok bool
		}{
			{"010100", DER, false, true},
			{"0101ff", DER, true, true},
			{"010101", DER, false, false},
			{"010101", BER, true, true},
			{"0100", BER, false, false},
		} {
			if got, err := parse(t, c.in, c.enc).Boolean(); got != c.want || (err == nil) != c.ok {
				t.Errorf("%s: %v, %v", c.in, got, err)
			}
		}
	})
	t.Run("bit strings", func(t *testing.T) {
		for _, c := range []struct {
			in     string
			enc    Encoding
			bits   string
			unused int
			ok     bool
		}{
			{"0304066e5dc0", DER, "6e5dc0", 6, true},
			{"0304066e5de0", DER, "", 0, false},
			{"0304066e5de0", BER, "6e5de0", 6, true},
			{"030100", DER, "", 0, true},
			{"030101", DER, "", 0, false},
			{"030208ff", DER, "", 0, false},
			{"0300", DER, "", 0, false},
			{"2309" + "0303000a3b" + "0302045f", BER, "0a3b5f", 4, true},
			{"2309" + "0303040a30" + "0302045f", BER, "", 0, false}, // unused bits inside
		} {
			e, err := Parse(unhex(t, c.in), c.enc, Limits{})
			var bits []byte
			var unused int
			if err == nil {
				bits, unused, err = e.BitString()
			}
			if (err == nil) != c.ok || err == nil && (hex.EncodeToString(bits) != c.bits || unused != c.unused) {
				t.Errorf("%s: %x %d, %v", c.in, bits, unused, err)
			}
		}
		if _, err := parse(t, "030204f0", DER).Octets(); !errors.Is(err, ErrSyntax) {
			t.Errorf("half octets: %v", err)
		}
	})
}

func TestOIDs(t *testing.T) {
	for dotted, contents := range map[string]string{
		"1.2.840.113549.1.7.2":   "2a864886f70d010702",
		"1.2.398.3.10.1.1.2.3.2": "2a830e030a0101020302",
		"2.999.3":                "883703",
		"0.9":                    "09",
		"2.5.29.37.0":            "551d2500",
		"1.3.6.1.4.1.6801.1.5.8": "2b06010401b511010508",
	} {
		c, err := EncodeOID(dotted)
		if err != nil || hex.EncodeToString(c) != contents {
			t.Errorf("%s encoded as %x, %v", dotted, c, err)
		}
		if got, err := DottedOID(unhex(t, contents)); err != nil || got != dotted {
			t.Errorf("%s read as %s, %v", contents, got, err)
		}
	}
	for _, bad := range []string{"", "80", "2a80", "2a8001", "2a86" + "80", "2a" + "ffffffffffffffffff7f"} {
		if got, err := DottedOID(unhex(t, bad)); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s read as %s, %v", bad, got, err)
		}
	}
	for _, bad := range []string{"", "1", "3.1", "1.40", "1.2.x", "1.2.-3", "1..2", "2.9223372036854775807"} {
		if c, err := EncodeOID(bad); err == nil {
			t.Errorf("%q encoded as %x", bad, c)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustOID took nonsense")
		}
	}()
	MustOID("x")
}

func TestTimes(t *testing.T) {
	date := func(y, mo, d, h, mi, s, ns int) time.Time {
		return time.Date(y, time.Month(mo), d, h, mi, s, ns, time.UTC)
	}
	for _, c := range []struct {
		tag      Tag
		in       string
		want     time.Time
		ber, der bool
	}{
		{UTCTime, "260901102030Z", date(2026, 9, 1, 10, 20, 30, 0), true, true},
		{UTCTime, "500101000000Z", date(1950, 1, 1, 0, 0, 0, 0), true, true},
		{UTCTime, "491231235959Z", date(2049, 12, 31, 23, 59, 59, 0), true, true},
		{UTCTime, "2609011020Z", date(2026, 9, 1, 10, 20, 0, 0), true, false},
		{UTCTime, "260901152030+0500", date(2026, 9, 1, 10, 20, 30, 0), true, false},
		{UTCTime, "260901052030-0500", date(2026, 9, 1, 10, 20, 30, 0), true, false},
		{UTCTime, "260901102030", time.Time{}, false, false},
		{UTCTime, "260901102030.5Z", time.Time{}, false, false},
		{UTCTime, "260229102030Z", time.Time{}, false, false},
		{UTCTime, "240229102030Z", date(2024, 2, 29, 10, 20, 30, 0), true, true},
		{UTCTime, "261301102030Z", time.Time{}, false, false},
		{UTCTime, "260901242030Z", time.Time{}, false, false},
		{UTCTime, "260901106030Z", time.Time{}, false, false},
		{UTCTime, "260901102060Z", time.Time{}, false, false},
		{UTCTime, "26090110203 Z", time.Time{}, false, false},
		{UTCTime, "260901102030+9900", time.Time{}, false, false},
		{GeneralizedTime, "20260901102030Z", date(2026, 9, 1, 10, 20, 30, 0), true, true},
		{GeneralizedTime, "20260901102030.25Z", date(2026, 9, 1, 10, 20, 30, 250000000), true, true},
		{GeneralizedTime, "20260901102030.250Z", date(2026, 9, 1, 10, 20, 30, 250000000), true, false},
		{GeneralizedTime, "20260901102030,25Z", date(2026, 9, 1, 10, 20, 30, 250000000), true, false},
		{GeneralizedTime, "20260901102030.Z", time.Time{}, false, false},
		{GeneralizedTime, "99991231235959Z", date(9999, 12, 31, 23, 59, 59, 0), true, true},
		{GeneralizedTime, "99991231235959-0100", time.Time{}, false, false}, // nobody can write the year 10000 in RFC 3339
		{GeneralizedTime, "00000101000000+0100", time.Time{}, false, false},
		{GeneralizedTime, "20260901102030.1234567891234Z", date(2026, 9, 1, 10, 20, 30, 123456789), true, true},
		{OctetString, "260901102030Z", time.Time{}, false, false},
	} {
		for _, e := range []struct {
			enc Encoding
			ok  bool
		}{{BER, c.ber}, {DER, c.der}} {
			el, err := Parse(Primitive(c.tag, []byte(c.in)), e.enc, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := el.Time()
			if (err == nil) != e.ok || e.ok && !got.Equal(c.want) {
				t.Errorf("%s %q by encoding %d: %v, %v", c.tag, c.in, e.enc, got, err)
			}
		}
	}
	for _, when := range []time.Time{date(1950, 1, 1, 0, 0, 0, 0), date(2049, 12, 31, 23, 59, 59, 0), date(2050, 1, 1, 0, 0, 0, 0), date(1949, 1, 1, 1, 1, 1, 0)} {
		b, err := EncodedTime(when)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ParseDER(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Time(); err != nil || !got.Equal(when) {
			t.Errorf("%v read back as %v, %v", when, got, err)
		}
	}
	if _, err := EncodedTime(date(10000, 1, 1, 0, 0, 0, 0)); err == nil {
		t.Error("year 10000 written")
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		tag  Tag
		in   string
		want string
		ok   bool
	}{
		{UTF8String, "d29ad0b0d2afd2bbd0b0", "Қаүһа", true},
		{UTF8String, "ff", "", false},
		{PrintableString, "4b5a", "KZ", true},
		{PrintableString, "d0b0", "", false},
		{IA5String, "6140622e6b7a", "a@b.kz", true},
		{BMPString, "041a0417", "КЗ", true},
		{BMPString, "041a04", "", false},
		{T61String, "e9", "é", true},
		{UniversalString, "0000041a", "К", true},
		{UniversalString, "00110000", "", false},
		{UniversalString, "0000", "", false},
		{OctetString, "41", "", false},
	} {
		e, err := ParseDER(Primitive(c.tag, unhex(t, c.in)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Text(); (err == nil) != c.ok || got != c.want {
			t.Errorf("%s %s: %q, %v", c.tag, c.in, got, err)
		}
	}
}

func TestToDER(t *testing.T) {
	for name, c := range map[string][2]string{
		"indefinite":         {"30800500" + "0000", "30020500"},
		"octets in parts":    {"24800401ab24030401cd0000", "0402abcd"},
		"text in parts":      {"2c06" + "040161" + "040162", "0c026162"},
		"bits in parts":      {"2380" + "0303000a3b" + "0302045f" + "0000", "0304040a3b5f"},
		"TRUE":               {"010101", "0101ff"},
		"SET order":          {"3106020102020101", "3106020101020102"},
		"long length":        {"3081020500", "30020500"},
		"implicit untouched": {"a0800401000000", "a003040100"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ToDER(unhex(t, c[0]), Limits{})
			if err != nil || hex.EncodeToString(got) != c[1] {
				t.Errorf("%x, %v", got, err)
			}
			if !IsDER(got, Limits{}) {
				t.Error("result is not DER")
			}
			if IsDER(unhex(t, c[0]), Limits{}) {
				t.Error("input passes for DER")
			}
		})
	}
	e, err := Parse(unhex(t, "a080020102020101"+"0000"), BER, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := SetToDER(e); err != nil || hex.EncodeToString(got) != "3106020101020102" {
		t.Errorf("%x, %v", got, err)
	}
}

func TestWrite(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 20} {
		body := make([]byte, n)
		b := Primitive(OctetString, body)
		e, err := ParseDER(b)
		if err != nil || len(e.Content) != n {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	if got := hex.EncodeToString(Wrap(Context(31), Primitive(Null, nil))); got != "bf1f020500" {
		t.Errorf("high tag: %s", got)
	}
	members := [][]byte{{2, 1, 2}, {2, 1, 1}}
	got := SetOf(Context(0), members...)
	if diff := cmp.Diff(unhex(t, "a006020101020102"), got); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(members[0], []byte{2, 1, 2}) {
		t.Error("members were reordered in place")
	}
	if _, err := EncodedOID("1"); err == nil {
		t.Error("OID of one arc")
	}
	for tag, want := range map[Tag]string{Sequence: "SEQUENCE", Context(3): "[3]", classApplication | 2: "[APPLICATION 2]", classPrivate | 1: "[PRIVATE 1]", 31: "[UNIVERSAL 31]"} {
		if tag.String() != want {
			t.Errorf("%s, want %s", tag, want)
		}
	}
}

// FuzzReader: whatever is read as DER is read as BER with the same elements; ToDER of what is read is DER, stable and
// bounded; elements add up to their parent.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"30800500" + "0000", "24060401ab0401cd", "3106020102020101", "9f1f00", "a080a0800000" + "0000", "0304066e5dc0", "170d3236303930313130323033305a"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lim := Limits{Bytes: 1 << 16, Depth: 20, Elements: 1 << 12}
		e, err := Parse(b, BER, lim)
		if derErr := walk(b, DER); derErr == nil && walk(b, BER) != nil {
			t.Fatalf("DER but not BER: %x", b)
		}
		if err != nil {
			return
		}
		checkElement(t, e)
		der, err := ToDER(b, lim)
		if err != nil {
			return
		}
		if len(der) > 2*len(b)+16 {
			t.Errorf("%d octets became %d", len(b), len(der))
		}
		again, err := ToDER(der, Limits{Depth: 40})
		if err != nil || !bytes.Equal(der, again) {
			t.Errorf("not stable: %x, %x, %v", der, again, err)
		}
	})
}

func checkElement(t *testing.T, e Element) {
	t.Helper()
	if len(e.Content) > len(e.Raw) || !bytes.Contains(e.Raw, e.Content) {
		t.Fatal("contents outside of the element")
	}
	readValues(e)
	if !e.Constructed {
		return
	}
	r, err := e.Children()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for !r.Empty() {
		child, err := r.Next()
		if err != nil {
			return
		}
		sum += len(child.Raw)
		checkElement(t, child)
	}
	if sum != len(e.Content) {
		t.Fatalf("children of %d octets in %d", sum, len(e.Content))
	}
}

// readValues reads e as everything: none may panic.
func readValues(e Element) {
	_, _ = e.Boolean()
	_, _ = e.Int64()
	_, _ = e.BigInt(64)
	_ = e.Null()
	_, _ = e.OctetString()
	_, _, _ = e.BitString()
	_, _ = e.Octets()
	_, _ = e.Time()
	_, _ = e.Text()
	if c, err := e.OID(); err == nil {
		_, _ = DottedOID(c)
	}
}
