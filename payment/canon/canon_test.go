package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestMarshalSortsAndKeepsLetters(t *testing.T) {
	type inner struct {
		Z int64  `json:"z"`
		A string `json:"a"`
	}
	got, err := Marshal(struct {
		Name  string  `json:"name"`
		Items []inner `json:"items"`
		None  *int    `json:"none"`
		Done  bool    `json:"done"`
	}{Name: "Қазынашылық <&> \"ә\"", Items: []inner{{Z: 1, A: "б"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"done":false,"items":[{"a":"б","z":1}],"name":"Қазынашылық <&> \"ә\"","none":null}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMarshalRefusesFloats(t *testing.T) {
	if _, err := Marshal(map[string]any{"a": 1.5}); !errors.Is(err, ErrSyntax) {
		t.Errorf("float went through: %v", err)
	}
}

func TestIndentReadsBack(t *testing.T) {
	got, err := Indent(map[string]any{"b": 1, "a": []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"a\": [\n    \"x\"\n  ],\n  \"b\": 1\n}\n"
	if string(got) != want {
		t.Errorf("got %q", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	type message struct {
		Amount int64  `json:"amount"`
		Text   string `json:"text"`
	}
	deep := strings.Repeat("[", depthMax+2) + strings.Repeat("]", depthMax+2)
	for name, text := range map[string]string{
		"empty":            ``,
		"not JSON":         `amount=1`,
		"cut":              `{"amount":1`,
		"trailing data":    `{"amount":1}{}`,
		"trailing garbage": `{"amount":1} x`,
		"unknown field":    `{"amount":1,"tip":2}`,
		"duplicate":        `{"amount":1,"amount":2}`,
		"duplicate escape": `{"amount":1,"\u0061mount":2}`,
		"other case":       `{"Amount":1}`,
		"folded letter":    `{"texſt":1}`,
		"fraction":         `{"amount":1.0}`,
		"exponent":         `{"amount":1e2}`,
		"minus zero":       `{"amount":-0}`,
		"too large":        `{"amount":9223372036854775808}`,
		"string as number": `{"amount":"1"}`,
		"number as string": `{"text":1}`,
		"not UTF-8":        "{\"text\":\"\xff\"}",
		"deep":             deep,
		"huge":             `{"text":"` + strings.Repeat("a", SizeMax) + `"}`,
		"many":             `[` + strings.Repeat("1,", nodesMax) + `1]`,
	} {
		t.Run(name, func(t *testing.T) {
			var m message
			if err := Decode([]byte(text), &m); !errors.Is(err, ErrSyntax) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
}

func TestDecodeCanonicalRefusesOtherForms(t *testing.T) {
	for name, text := range map[string]string{
		"spaces":  `{"a": 1}`,
		"order":   `{"b":1,"a":2}`,
		"escape":  `{"a":"\u0041"}`,
		"newline": "{\"a\":1}\n",
		"slash":   `{"a":"\/"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var v map[string]any
			if err := DecodeCanonical([]byte(text), &v); !errors.Is(err, ErrNotCanonical) {
				t.Errorf("got %v", err)
			}
			if err := Decode([]byte(text), &v); err != nil {
				t.Errorf("plain Decode refused good JSON: %v", err)
			}
		})
	}
}

func TestDecodeExactRefusesGaps(t *testing.T) {
	type message struct {
		Amount int64  `json:"amount"`
		Text   string `json:"text"`
		Note   string `json:"note,omitempty"`
	}
	for text, good := range map[string]bool{
		`{"amount":1,"text":"a"}`: true, `{"amount":0,"text":""}`: true, `{"amount":1,"note":"x","text":"a"}`: true,
		`{"amount":1}`: false, `{"amount":1,"text":null}`: false, `{"amount":1,"note":"","text":"a"}`: false, `{}`: false, `null`: false,
	} {
		var m message
		if err := DecodeExact([]byte(text), &m); (err == nil) != good || (err != nil && !errors.Is(err, ErrNotCanonical)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMarshalIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,8}`), rapid.OneOf(
			rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Bool().AsAny(),
			rapid.SliceOf(rapid.String()).AsAny(),
		)).Draw(t, "value")
		first, err := Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var back any
		if err := DecodeCanonical(first, &back); err != nil {
			t.Fatalf("own output refused: %v\n%s", err, first)
		}
		second, err := Marshal(json.RawMessage(first))
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %v\n%s\n%s", err, first, second)
		}
	})
}

func FuzzDecodeCanonical(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `[null,true,"ә",{"b":[]}]`, `{"a":1,"a":2}`, `{"a": 1}`, `"\ud800"`, `-0`, `1e9`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if err := DecodeCanonical(data, &v); err != nil {
			return
		}
		again, err := Marshal(json.RawMessage(data))
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %q, which renders as %q (%v)", data, again, err)
		}
	})
}

// FuzzDecodeAgrees: whatever Decode takes, encoding/json reads as the same value.
func FuzzDecodeAgrees(f *testing.F) {
	type inner struct {
		Tiyn  int64 `json:"tiyn"`
		Whole bool  `json:"whole,omitempty"`
	}
	type message struct {
		inner
		Text  string            `json:"text"`
		Parts []inner           `json:"parts"`
		Note  *string           `json:"note,omitempty"`
		Names map[string]string `json:"names"`
		Raw   []byte            `json:"raw"`
	}
	for _, seed := range []string{
		`{"tiyn":1,"text":"\u04d9","parts":[{"tiyn":2,"whole":true},{}],"note":null,"names":{"kk":"ә"},"raw":"AAE="}`,
		`{"text":null,"parts":null,"tiyn":null}`, `{"text":"\ud800"}`, `{"raw":"AAE"}`, `{"\u0074iyn":1}`, `{"parts":[null]}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want message
		if err := Decode(data, &got); err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("took %q, which encoding/json refuses: %v", data, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(message{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q reads otherwise (-encoding/json +canon):\n%s", data, diff)
		}
	})
}
