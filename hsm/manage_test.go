package hsm_test

import (
	"errors"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

func TestKeysAreRenamedAndDestroyed(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	token := open(t, soft)
	k, other := generate(t, token, "old", hsm.ECDSAP256), generate(t, token, "other", hsm.Ed25519)
	id := k.ID()
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"another id":      {func() error { return token.Destroy(t.Context(), "old", other.ID()) }, hsm.ErrKeyChanged},
		"no id":           {func() error { return token.Destroy(t.Context(), "old", nil) }, hsm.ErrKeyChanged},
		"nobody":          {func() error { return token.Destroy(t.Context(), "nobody", id) }, hsm.ErrKeyNotFound},
		"a label in use":  {func() error { return token.Relabel(t.Context(), "old", id, "other") }, hsm.ErrKeyExists},
		"rename nobody":   {func() error { return token.Relabel(t.Context(), "nobody", id, "new") }, hsm.ErrKeyNotFound},
		"rename by other": {func() error { return token.Relabel(t.Context(), "old", other.ID(), "new") }, hsm.ErrKeyChanged},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := token.Relabel(t.Context(), "old", id, ""); err == nil {
		t.Error("an empty label was accepted")
	}
	must(t, token.Relabel(t.Context(), "old", id, "new"))
	if _, err := token.Key(t.Context(), "old"); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("the old label: %v", err)
	}
	again, err := token.Key(t.Context(), "new")
	must(t, err)
	sign(t, []*hsm.Key{again, other})
	must(t, token.Destroy(t.Context(), "new", id))
	if _, err := token.Find(t.Context(), hsm.Ref{ID: id}); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("after its destruction: %v", err)
	}
	sign(t, []*hsm.Key{other})
	info, err := token.Info(t.Context())
	must(t, err)
	if info.Label != soft.Label || info.Serial == "" || len(info.Mechanisms) < 10 {
		t.Errorf("%+v", info)
	}
}
