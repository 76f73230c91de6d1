package jsononce_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"qaqpa/signer/jsononce"
)

func TestCheck(t *testing.T) {
	for _, good := range []string{
		`{}`, `[]`, `1`, ` {"a": {"b": 1}, "b": [{"b": 1}, {"b": 2}]} `, `"a"`, `{"a": "\"b\": 1, \"b\": 2"}`,
	} {
		if err := jsononce.Check([]byte(good), 4); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		``, `{`, `{"a": 1, "a": 2}`, `{"a": 1, "A": 2}`, "{\"a\": 1, \"\\u0061\": 2}", `{"rules": 1, "ruleſ": 2}`, `{"k": 1, "K": 2}`, `[{"x": {"a": 1, "a": 1}}]`, `{} {}`, `{}}`, `{}x`, `{"a" 1}`,
		`[1,]`, `[[[[[1]]]]]`, strings.Repeat("[", 1<<16),
	} {
		if err := jsononce.Check([]byte(bad), 4); !errors.Is(err, jsononce.ErrReading) {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
}

// FuzzCheck: what is taken is JSON, and nothing else is behind it.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"a": [1, {"b": null}], "c": "d"}`))
	f.Add([]byte(`{"a": 1, "a": 2}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		err := jsononce.Check(document, 16)
		if err != nil && !errors.Is(err, jsononce.ErrReading) {
			t.Fatal(err)
		}
		if err == nil && !json.Valid(document) {
			t.Fatalf("taken: %q", document)
		}
	})
}
