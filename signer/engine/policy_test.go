package engine_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"qaqpa/signer/engine"
)

// A policy that two programs could read differently is refused: a member twice in an object at any depth, in another letter case too,
// something behind the document, objects in each other without end.
func TestPolicyHasOneReading(t *testing.T) {
	good, err := engine.PolicyDocument(engine.PolicyStrict)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.LoadPolicy(good); err != nil {
		t.Fatal(err)
	}
	constraint := string(engine.Constraints()[0])
	for name, bad := range map[string][]byte{
		"member twice":      bytes.Replace(good, []byte(`{`), []byte(`{"national": false,`), 1),
		"in another case":   bytes.Replace(good, []byte(`{`), []byte(`{"NATIONAL": false,`), 1),
		"constraint twice":  bytes.Replace(good, []byte(`"constraints": {`), []byte(`"constraints": {"`+constraint+`": "IGNORE",`), 1),
		"written otherwise": bytes.Replace(good, []byte(`{`), []byte("{\"nation\\u0061l\": false,"), 1),
		"something behind":  append(bytes.Clone(good), '}'),
		"a second one":      append(bytes.Clone(good), good...),
		"cut off":           bytes.TrimRight(good, "} \n"),
		"too deep":          []byte(strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)),
		"endless":           []byte(strings.Repeat(`[`, 1<<20)),
	} {
		if bytes.Equal(bad, good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := engine.LoadPolicy(bad); !errors.Is(err, engine.ErrPolicyDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
