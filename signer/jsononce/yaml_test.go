package jsononce_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"qaqpa/signer/jsononce"
)

func TestFromYAML(t *testing.T) {
	const document = `---
# a rule
name: own   # a remark
"quoted": "no"
days: 2026-01-31
oid: 1.2.398.3.3.2
truth: true
number: -12
large: 4294967296
list:
  - a
  - {b: 'c', "d\u2028": [1, 0]}
empty: []
folded: >-
  one
  two
`
	const want = `{"name":"own","quoted":"no","days":"2026-01-31","oid":"1.2.398.3.3.2","truth":true,"number":-12,"large":4294967296,` +
		`"list":["a",{"b":"c","d\u2028":[1,0]}],"empty":[],"folded":"one two"}`
	got, err := jsononce.FromYAML([]byte(document), 4)
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	if _, err := jsononce.FromYAML([]byte(document), 3); !errors.Is(err, jsononce.ErrReading) {
		t.Errorf("too deep: %v", err)
	}
}

// What readers of YAML take for different things, and what makes much of little, is refused.
func TestFromYAMLHasOneReading(t *testing.T) {
	for name, document := range map[string]string{
		"no":              "a: no",
		"Off":             "a: Off",
		"True":            "a: True",
		"nothing":         "a:",
		"tilde":           "a: ~",
		"null":            "a: null",
		"octal":           "a: 010",
		"new octal":       "a: 0o10",
		"hexadecimal":     "a: 0x1f",
		"underscore":      "a: 1_000",
		"positive":        "a: +1",
		"fraction":        "a: 1.10",
		"infinity":        "a: .inf",
		"sexagesimal":     "a: 12:30:00",
		"loose date":      "a: 2026-1-2",
		"anchor":          "a: &b c",
		"alias":           "a: &b [c]\nd: *b",
		"merge":           "a: {<<: {b: c}}",
		"tag":             "a: !!str 1",
		"own tag":         "a: !b c",
		"binary":          "a: !!binary aGk=",
		"number as name":  "1: a",
		"truth as name":   "true: a",
		"no as name":      "no: a",
		"object as name":  "? {a: b}\n: c",
		"a second one":    "a: b\n---\na: c",
		"text":            "a",
		"list":            "- a",
		"nothing at all":  "",
		"remark":          "# a",
		"broken":          "a: [b",
		"tabulator":       "a:\n\tb: c",
		"Latin-1":         "a: \xe9",
		"UTF-16":          "\xff\xfea\x00:\x00 \x00b\x00",
		"mark":            "\ufeffa: b",
		"too deep":        "a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"endless":         "a: " + strings.Repeat("[", 200_000),
		"too long":        "a: " + strings.Repeat("b", 256<<10),
		"a billion":       "a: &a [b,b]\nc: &c [*a,*a]\nd: [*c,*c]",
		"directive's tag": "%TAG ! tag:yaml.org,2002:\n---\na: !int 1",
	} {
		if got, err := jsononce.FromYAML([]byte(document), 16); !errors.Is(err, jsononce.ErrReading) {
			t.Errorf("%s: %v %.80s", name, err, got)
		}
	}
	// A name that stands twice is for Check to find.
	twice, err := jsononce.FromYAML([]byte("a: b\nA: c"), 16)
	if err != nil || jsononce.Check(twice, 16) == nil {
		t.Errorf("%v %s", err, twice)
	}
}

// FuzzFromYAML: what is taken is JSON.
func FuzzFromYAML(f *testing.F) {
	for _, seed := range []string{"a: b", "a: [1, {b: 'c'}]\n", "a: |\n  b\n", "%YAML 1.1\n---\na: \"\\x00\"\n...\n", "? a\n: - b\n", "a: &b c\nd: *b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := jsononce.FromYAML(document, 16)
		if err != nil {
			if !errors.Is(err, jsononce.ErrReading) {
				t.Fatal(err)
			}
			return
		}
		if len(got) == 0 || got[0] != '{' || !json.Valid(got) {
			t.Fatalf("%s", got)
		}
	})
}
