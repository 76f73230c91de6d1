package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"qaqpa/signer/engine"

	"go.yaml.in/yaml/v3"
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

// A policy in YAML has the rules of the same policy in JSON, and is named by its own octets. What JSON may not leave out or double, YAML may not either.
func TestPolicyInYAML(t *testing.T) {
	for _, name := range engine.PolicyNames() {
		text, err := engine.PolicyDocument(name)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		written, err := yaml.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		want, err := engine.LoadPolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := engine.LoadPolicy(written)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, written)
		}
		if got.SHA256 != fmt.Sprintf("%x", sha256.Sum256(written)) {
			t.Errorf("%s is named by other octets", name)
		}
		got.SHA256 = want.SHA256
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\n%+v", name, got, want)
		}
		for what, bad := range map[string][]byte{
			"a rule twice":       append(bytes.Clone(written), "revocation: \"off\"\n"...),
			"in another case":    append(bytes.Clone(written), "Revocation: \"off\"\n"...),
			"one that is not":    append(bytes.Clone(written), "relaxed: true\n"...),
			"a rule left out":    bytes.Replace(written, []byte("    signing-time: "), []byte("    # signing-time: "), 1),
			"off without quotes": bytes.Replace(written, []byte("\nrevocation: required"), []byte("\nrevocation: off"), 1),
			"an alias":           append(bytes.Clone(written), "description: *a\n"...),
		} {
			if _, err := engine.LoadPolicy(bad); !errors.Is(err, engine.ErrPolicyDocument) || bytes.Equal(bad, written) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}
