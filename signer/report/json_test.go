package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fill sets every field that JSON shows, of every kind that a verdict has, from what draw gives: a field that is added later and not written
// by AppendJSON is found here. depth bounds signatures inside signatures.
func fill(t *rapid.T, v reflect.Value, full bool, depth int) {
	some := func() bool { return full || rapid.Bool().Draw(t, "some") }
	switch v.Interface().(type) {
	case time.Time:
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		if rapid.Bool().Draw(t, "zone") {
			at = at.In(time.FixedZone("", rapid.IntRange(-3600, 5*3600).Draw(t, "offset")/60*60))
		}
		if y := at.Year(); y < 0 || y > 9999 {
			at = time.Unix(0, 0)
		}
		v.Set(reflect.ValueOf(at))
		return
	}
	switch v.Kind() { //nolint:exhaustive // others fail below
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(t, v.Field(i), full, depth)
			}
		}
	case reflect.Pointer:
		if some() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), full, depth)
		}
	case reflect.Slice:
		if depth == 0 || !some() {
			return
		}
		n := rapid.IntRange(0, 3).Draw(t, "count")
		if full {
			n = max(n, 1)
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), full, depth-1)
		}
	case reflect.String:
		s := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"", "ӘЛИЕВ ДӘУРЕН", "<a href=\"&\">\\", "\u2028\u2029", "\xff\xfe", "a\x00\x1f\x7f\n\r\t\b\f", "€ “quoted”", "plain", "\xe2", strings.Repeat("я", 40),
		})).Draw(t, "text")
		if full && s == "" {
			s = "x"
		}
		v.SetString(s)
	case reflect.Bool:
		v.SetBool(some())
	case reflect.Int:
		n := rapid.Int().Draw(t, "number")
		if full && n == 0 {
			n = 1
		}
		v.SetInt(int64(n))
	default:
		t.Fatalf("AppendJSON and this test have to learn to write %s", v.Type())
	}
}

func TestAppendJSONAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v Verdict
		fill(t, reflect.ValueOf(&v).Elem(), rapid.Bool().Draw(t, "every field"), 3)
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.AppendJSON([]byte("before"))
		got, begun := bytes.CutPrefix(got, []byte("before"))
		if err != nil || !begun || !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			around := func(b []byte) []byte { return b[min(max(at-60, 0), len(b)):min(at+60, len(b))] }
			t.Fatalf("%v\n%s\nwhere encoding/json writes\n%s", err, around(got), around(want))
		}
	})
}

func TestAppendJSONRefusesWhatJSONCannotHave(t *testing.T) {
	v := Verdict{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	if _, err := json.Marshal(v); err == nil {
		t.Error("encoding/json takes it now")
	}
	if b, err := v.AppendJSON([]byte("before")); err == nil || string(b) != "before" {
		t.Errorf("%s", b)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	v := Verdict{Indication: TotalPassed, Signatures: []Signature{{
		Chain: make([]Certificate, 3), Revocation: make([]Revocation, 2), Signer: &Signer{}, Blocks: make([]Block, 6), Constraints: make([]Constraint, 10),
	}}, Evidence: make([]Evidence, 3)}
	text := strings.Repeat("ӘЛИЕВ ", 4) + strings.Repeat("0123456789abcdef", 4)
	for i := range v.Signatures[0].Chain {
		v.Signatures[0].Chain[i] = Certificate{Subject: text, Issuer: text, SHA256: text, NotBefore: time.Now(), NotAfter: time.Now()}
	}
	var out []byte
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			out, _ = v.AppendJSON(out[:0])
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		for b.Loop() {
			_, _ = json.Marshal(v)
		}
	})
}
