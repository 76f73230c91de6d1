package strictjson

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// foreign is a body of an interface that is not ours.
type foreign struct {
	XML    string          `json:"xml"`
	Trim   bool            `json:"trimXml,omitempty"`
	Checks []string        `json:"checks,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"`
}

func tolerant(tb testing.TB) *Decoder[foreign] {
	tb.Helper()
	d, err := New[foreign](Limits{Depth: 8, Items: 20, Tolerant: true})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestTolerantReading(t *testing.T) {
	d := tolerant(t)
	payload := `{ "exp": 1631929500, "n": -0.10 }`
	for body, want := range map[string]foreign{
		`{"xml":"a"}`: {XML: "a"},

		`{"xml":"a","new":{"x":[1.5e-3,{"y":null}],"z":"\u00e4"},"trimXml":null,"checks":null}`: {XML: "a"},

		`{"xml":"","claims":` + payload + `}`: {Claims: json.RawMessage(payload)},

		`{"xml":"a","claims":null}`: {XML: "a"},
	} {
		got, err := d.Decode([]byte(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
}

// What is passed over is held to the same rules: a body that two readers understand differently has no business here.
func TestTolerantRefuses(t *testing.T) {
	d := tolerant(t)
	for body, want := range map[string]Reason{
		`{"xml":null}`:                                          Missing,
		`{"xml":"a","xml":"b"}`:                                 Duplicate,
		`{"xml":"a","xml":null}`:                                Duplicate,
		`{"xml":"a","trimXml":null,"trimXml":1}`:                Duplicate,
		`{"xml":"a","new":1,"new":2}`:                           Duplicate,
		`{"xml":"a","new":{"b":1,"\u0062":2}}`:                  Duplicate,
		`{"xml":"a","claims":{"b":1,"b":2}}`:                    Duplicate,
		`{"XML":"a"}`:                                           Missing,
		`{"xml":"a","checks":[null]}`:                           WrongType,
		`{"xml":"a","trimXml":"true"}`:                          WrongType,
		`{"xml":"a","new":01}`:                                  Syntax,
		`{"xml":"a","new":1.}`:                                  Syntax,
		`{"xml":"a","new":+1}`:                                  Syntax,
		`{"xml":"a","new":1e}`:                                  Syntax,
		`{"xml":"a","new":nul}`:                                 Syntax,
		`{"xml":"a","new":nulls}`:                               Syntax,
		`{"xml":"a","new":`:                                     Syntax,
		`{"xml":"a","new":"\ud800"}`:                            Encoding,
		`{"xml":"a"} {}`:                                        Trailing,
		`{"xml":"a","new":` + strings.Repeat("[", 9):            TooDeep,
		`{"xml":"a","new":[` + strings.Repeat("1,", 20) + `1]}`: TooLong,
	} {
		_, err := d.Decode([]byte(body))
		var e *Error
		if !errors.As(err, &e) || e.Reason != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

// FuzzTolerantIsStricterThanEncodingJSON: what is taken means the same to encoding/json, which sees no member twice.
func FuzzTolerantIsStricterThanEncodingJSON(f *testing.F) {
	for _, s := range []string{`{"xml":"a","claims":{"a":[1.5,-0,1e9,true,null,"\n"]},"x":{}}`, `{"xml":"","trimXml":null}`, `{"xml":"a","":0}`} {
		f.Add([]byte(s))
	}
	d := tolerant(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := d.Decode(data)
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatalf("encoding/json refuses what we took: %v", err)
		}
		var xml string
		if err := json.Unmarshal(members["xml"], &xml); err != nil || xml != got.XML {
			t.Fatalf("%q, %v", xml, err)
		}
		if got.Claims != nil && string(got.Claims) != string(members["claims"]) {
			t.Fatalf("claims %s, %s", got.Claims, members["claims"])
		}
	})
}
