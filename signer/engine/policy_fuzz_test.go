package engine_test

import (
	"encoding/json"
	"errors"
	"testing"

	"qaqpa/signer/engine"
	"qaqpa/signer/jsononce"
)

// FuzzLoadPolicy: a document that is taken is a policy with a level for every constraint and a name; every other is
// ErrPolicyDocument.
func FuzzLoadPolicy(f *testing.F) {
	for _, name := range engine.PolicyNames() {
		document, err := engine.PolicyDocument(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Add([]byte(`{"name":"x","constraints":{}}`))
	f.Add([]byte("name: x\nconstraints: {}\n"))
	f.Fuzz(func(t *testing.T, document []byte) {
		p, err := engine.LoadPolicy(document)
		if err != nil {
			if !errors.Is(err, engine.ErrPolicyDocument) {
				t.Fatal(err)
			}
			return
		}
		if p.Name == "" || p.MaxAge < 0 || p.MaxAgeCA < 0 || p.StampDelay < 0 {
			t.Errorf("%+v", p)
		}
		var tree any
		if err := json.Unmarshal(document, &tree); err != nil {
			if text, other := jsononce.FromYAML(document, 16); other != nil || !json.Valid(text) {
				t.Fatalf("taken, although it is neither JSON (%v) nor YAML (%v)", err, other)
			}
		}
		for _, c := range engine.Constraints() {
			switch p.Level(c) {
			case engine.Fail, engine.Warn, engine.Inform, engine.Ignore:
			default:
				t.Errorf("%s has the level %q", c, p.Level(c))
			}
		}
	})
}
