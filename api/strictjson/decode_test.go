package strictjson

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type item struct {
	Name   string `json:"name" limit:"5"`
	Amount int64  `json:"amount"`
	Small  *uint8 `json:"small,omitempty"`
}

type body struct {
	ID    string            `json:"id"`
	At    time.Time         `json:"at,omitzero"`
	Flag  bool              `json:"flag,omitempty"`
	Items []item            `json:"items" limit:"3"`
	Names map[string]string `json:"names,omitempty"`
	Data  []byte            `json:"data,omitempty" limit:"4"`
}

func decoder(tb testing.TB) *Decoder[body] {
	tb.Helper()
	d, err := New[body](Limits{Depth: 4})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestDecode(t *testing.T) {
	small := uint8(7)
	got, err := decoder(t).Decode([]byte(" {\"id\":\"\\u04d9\\ud83d\\ude00/\\/\",\"at\":\"2026-10-18T09:00:00+05:00\",\"flag\":true," +
		"\"items\":[{\"name\":\"әғқңө\",\"amount\":-9223372036854775808,\"small\":7}],\"names\":{\"kk\":\"тіл\"},\"data\":\"AQIDBA==\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := body{
		ID: "ә😀//", At: time.Date(2026, 10, 18, 4, 0, 0, 0, time.UTC), Flag: true,
		Items: []item{{Name: "әғқңө", Amount: -1 << 63, Small: &small}},
		Names: map[string]string{"kk": "тіл"}, Data: []byte{1, 2, 3, 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every rule has a body that breaks it alone.
func TestDecodeRefuses(t *testing.T) {
	ok := `{"name":"a","amount":1}`
	rows := []struct {
		name, body string
		reason     Reason
		pointer    string
	}{
		{"empty", ``, Syntax, ""},
		{"white space only", " \n", Syntax, ""},
		{"not JSON", `id=1`, Syntax, ""},
		{"XML", `<a/>`, Syntax, ""},
		{"byte order mark", "\xef\xbb\xbf{}", Syntax, ""},
		{"array instead of object", `[]`, WrongType, ""},
		{"null", `null`, WrongType, ""},
		{"cut", `{"id":"a"`, Syntax, ""},
		{"cut in a string", `{"id":"a`, Syntax, "/id"},
		{"cut in an escape", `{"id":"a\`, Syntax, "/id"},
		{"trailing comma", `{"id":"a",}`, Syntax, ""},
		{"single quotes", `{'id':'a'}`, Syntax, ""},
		{"comment", `{"id":"a"/**/}`, Syntax, ""},
		{"raw control character", "{\"id\":\"a\tb\"}", Syntax, "/id"},
		{"bad escape", `{"id":"\x41"}`, Syntax, "/id"},
		{"bad hex", `{"id":"\u00g0"}`, Syntax, "/id"},
		{"second value", `{"id":"a","items":[]}{}`, Trailing, ""},
		{"trailing garbage", `{"id":"a","items":[]} x`, Trailing, ""},
		{"unknown field", `{"id":"a","items":[],"idd":1}`, Unknown, "/idd"},
		{"other case", `{"ID":"a","items":[]}`, Unknown, "/ID"},
		{"unknown field, escaped pointer", `{"a/b~c":1}`, Unknown, "/a~1b~0c"},
		{"unknown field deep", `{"id":"a","items":[` + ok + `,{"name":"a","amount":1,"x":{}}]}`, Unknown, "/items/1/x"},
		{"duplicate key", `{"id":"a","items":[],"id":"b"}`, Duplicate, "/id"},
		{"duplicate key, escaped", `{"id":"a","items":[],"\u0069d":"b"}`, Duplicate, "/id"},
		{"duplicate key in a map", `{"id":"a","items":[],"names":{"kk":"1","kk":"2"}}`, Duplicate, "/names/kk"},
		{"missing", `{"id":"a"}`, Missing, "/items"},
		{"missing deep", `{"id":"a","items":[{"name":"a"}]}`, Missing, "/items/0/amount"},
		{"null for a string", `{"id":null,"items":[]}`, WrongType, "/id"},
		{"null for an optional", `{"id":"a","items":[{"name":"a","amount":1,"small":null}]}`, WrongType, "/items/0/small"},
		{"number for a string", `{"id":1,"items":[]}`, WrongType, "/id"},
		{"string for a number", `{"id":"a","items":[{"name":"a","amount":"1"}]}`, WrongType, "/items/0/amount"},
		{"fraction", `{"id":"a","items":[{"name":"a","amount":1.0}]}`, WrongType, "/items/0/amount"},
		{"exponent", `{"id":"a","items":[{"name":"a","amount":1e2}]}`, WrongType, "/items/0/amount"},
		{"leading zero", `{"id":"a","items":[{"name":"a","amount":01}]}`, Syntax, "/items/0/amount"},
		{"plus", `{"id":"a","items":[{"name":"a","amount":+1}]}`, Syntax, "/items/0/amount"},
		{"minus alone", `{"id":"a","items":[{"name":"a","amount":-}]}`, Syntax, "/items/0/amount"},
		{"NaN", `{"id":"a","items":[{"name":"a","amount":NaN}]}`, Syntax, "/items/0/amount"},
		{"overflow", `{"id":"a","items":[{"name":"a","amount":9223372036854775808}]}`, OutOfRange, "/items/0/amount"},
		{"overflow of a small type", `{"id":"a","items":[{"name":"a","amount":1,"small":256}]}`, OutOfRange, "/items/0/small"},
		{"negative for unsigned", `{"id":"a","items":[{"name":"a","amount":1,"small":-1}]}`, OutOfRange, "/items/0/small"},
		{"huge number", `{"id":"a","items":[{"name":"a","amount":` + strings.Repeat("9", 100_000) + `}]}`, OutOfRange, "/items/0/amount"},
		{"string for a boolean", `{"id":"a","items":[],"flag":"true"}`, WrongType, "/flag"},
		{"invalid UTF-8", "{\"id\":\"\xff\",\"items\":[]}", Encoding, "/id"},
		{"overlong UTF-8", "{\"id\":\"\xc0\x80\",\"items\":[]}", Encoding, "/id"},
		{"invalid UTF-8 after an escape", "{\"id\":\"\\n\xff\",\"items\":[]}", Encoding, "/id"},
		{"UTF-16 surrogate in UTF-8", "{\"id\":\"\xed\xa0\x80\",\"items\":[]}", Encoding, "/id"},
		{"lone high surrogate", `{"id":"\ud83d","items":[]}`, Encoding, "/id"},
		{"lone low surrogate", `{"id":"\ude00","items":[]}`, Encoding, "/id"},
		{"high surrogate and something else", `{"id":"\ud83d\u0041","items":[]}`, Encoding, "/id"},
		{"NUL", `{"id":"a\u0000","items":[]}`, Encoding, "/id"},
		{"too deep", `{"id":"a","items":[[[[[[`, WrongType, "/items/0"},
		{"long string", `{"id":"a","items":[{"name":"әғқңөұ","amount":1}]}`, TooLong, "/items/0/name"},
		{"too many items", `{"id":"a","items":[` + ok + "," + ok + "," + ok + "," + ok + `]}`, TooLong, "/items"},
		{"bad date", `{"id":"a","items":[],"at":"18.10.2026"}`, InvalidValue, "/at"},
		{"bad base64", `{"id":"a","items":[],"data":"AQID!A=="}`, InvalidValue, "/data"},
		{"base64 without padding", `{"id":"a","items":[],"data":"AQ"}`, InvalidValue, "/data"},
		{"base64 with a line break", `{"id":"a","items":[],"data":"AQ\n=="}`, InvalidValue, "/data"},
		{"base64 with stray bits", `{"id":"a","items":[],"data":"AR=="}`, InvalidValue, "/data"},
		{"base64 one byte too long", `{"id":"a","items":[],"data":"AQIDBAU="}`, TooLong, "/data"},
		{"base64 much too long", `{"id":"a","items":[],"data":"` + strings.Repeat("A", 4000) + `"}`, TooLong, "/data"},
	}
	d := decoder(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := d.Decode([]byte(row.body))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			if e.Reason != row.reason || e.Pointer != row.pointer {
				t.Errorf("got %v, want %s at %q", e, row.reason, row.pointer)
			}
		})
	}
}

func TestDecodeRefusesDepth(t *testing.T) {
	type leaf struct {
		A [][][]int64 `json:"a"`
	}
	d, err := New[leaf](Limits{Depth: 3, Items: 2})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]Reason{
		`{"a":[[]]}`:       "",
		`{"a":[[[1]]]}`:    TooDeep,
		`{"a":[[],[],[]]}`: TooLong,
	} {
		_, err := d.Decode([]byte(body))
		got := Reason("")
		if e, ok := errors.AsType[*Error](err); ok {
			got = e.Reason
		}
		if got != want {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestPointerStaysShort(t *testing.T) {
	_, err := decoder(t).Decode([]byte(`{"` + strings.Repeat("қ", 5000) + `":1}`))
	var e *Error
	if !errors.As(err, &e) || e.Reason != Unknown || len(e.Pointer) > pointerBytesMax || !strings.HasSuffix(e.Pointer, "қ") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesTypesWithoutStrictReading(t *testing.T) {
	check := func(name string, err error) {
		if err == nil {
			t.Errorf("%s: New made a decoder", name)
		}
	}
	_, err := New[struct {
		A any `json:"a"`
	}](Limits{})
	check("any", err)
	_, err = New[struct {
		A float64 `json:"a"`
	}](Limits{})
	check("float", err)
	_, err = New[struct{ A string }](Limits{})
	check("no name", err)
	_, err = newPlan(reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"x"`},
		{Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"x"`},
	}), 0)
	check("same name twice", err)
	_, err = New[struct {
		A string `json:"x" limit:"many"`
	}](Limits{})
	check("bad limit", err)
	type loop struct {
		Next *loop `json:"next"`
	}
	_, err = New[loop](Limits{})
	check("recursive", err)
}

func BenchmarkDecode(b *testing.B) {
	d := decoder(b)
	data := []byte(`{"id":"ord_3f018f2a","items":[{"name":"a","amount":540600},{"name":"b","amount":1}],"names":{"kk":"тіл","ru":"язык"}}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
