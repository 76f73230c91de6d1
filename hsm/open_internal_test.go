package hsm

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"qaqpa/testenv/softhsm"
)

// A worker is replaced between the look for a key and its first use, and the new one has given the number of the key to another one by then. The
// index must be made by the right key all the same: nothing would show that it was not.
func TestKeyOfAReplacedWorker(t *testing.T) {
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	good := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	soft, err := softhsm.New(t.TempDir())
	good(err)
	token, err := Open(ctx, Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	good(err)
	for _, label := range []string{"ours", "other"} {
		_, err := token.GenerateSecret(ctx, label, HMACSHA256)
		good(err)
	}
	good(token.Close())
	f, err := OpenFleet(ctx, FleetConfig{Tokens: []FleetToken{{Module: soft.Module, Label: soft.Label, PIN: soft.PIN, Processes: 1}}})
	good(err)
	defer func() { good(f.Close()) }()
	m := f.members[0]

	k := &sharedKey{ref: Ref{Label: "ours"}, secret: true, places: make(map[*member]*place), judge: &judge{pins: f.pins}, limits: KeyLimits{QueueMax: 8, Weight: 1}}
	asked, err := f.findAll(ctx, k)
	good(err)
	m.restart(asked[m], "test", errWorkerLost)
	for again := false; !again; time.Sleep(time.Millisecond) {
		good(ctx.Err())
		f.turn(func() { again = m.link != asked[m] && m.state == up })
	}
	other, err := f.IndexKey(ctx, Ref{Label: "other"})
	good(err)
	if a, b := k.places[m].number, other.key.places[m].number; a != b {
		t.Fatalf("numbers %d and %d: the new worker was to give the second key the number of the first", a, b)
	}
	got, err := (&IndexKey{fleet: f, key: f.adopt(fmt.Sprintf("%t %s", true, k.ref), k, asked)}).Index(ctx, "c", "v")
	good(err)
	wrong, err := other.Index(ctx, "c", "v")
	good(err)
	if bytes.Equal(got, wrong) {
		t.Error("the index was made by the other key")
	}
}
