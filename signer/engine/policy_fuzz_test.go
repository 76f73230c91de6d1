package engine_test

import (
	"encoding/json"
	"errors"
	"testing"

	"qaqpa/signer/engine"
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
			t.Fatalf("taken, although it is no JSON: %v", err)
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
