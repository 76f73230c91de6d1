package tsa

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/tsp"
)

// What is written by hand is what the library would write.
func TestDetailIsJSON(t *testing.T) {
	for _, hash := range hashes() {
		for _, at := range []time.Time{time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC)} {
			s := tsp.Statement{
				Asked: tsp.Asked{Hash: hash, Imprint: bytes.Repeat([]byte{0xab}, hash.Size())}, Policy: "1.2.398.3.3.2.6.4", At: at,
				Serial: []byte{0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 1, 0, 0xff},
			}
			want, err := json.Marshal(map[string]string{
				"serial": hex.EncodeToString(s.Serial), "imprint": hex.EncodeToString(s.Asked.Imprint), "hash": hash.Name(), "policy": s.Policy,
				"at": at.Format(time.RFC3339Nano),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := detail(s); !bytes.Equal(got, want) {
				t.Errorf("%s in place of %s", got, want)
			}
			if got, want := subject(s.Serial), fmt.Sprintf("tst_%02x%x", s.Serial[15], s.Serial); got != want {
				t.Errorf("subject %s in place of %s", got, want)
			}
		}
	}
}

func BenchmarkDetail(b *testing.B) {
	s := tsp.Statement{Asked: tsp.Asked{Hash: algo.SHA256, Imprint: make([]byte, 32)}, Policy: "1.2.398.3.3.2.6.4", At: time.Unix(1, 1000).UTC(), Serial: make([]byte, 16)}
	b.Run("by hand", func(b *testing.B) {
		for b.Loop() {
			_, _ = detail(s), subject(s.Serial)
		}
	})
	b.Run("by reflection", func(b *testing.B) {
		for b.Loop() {
			_, err := json.Marshal(map[string]string{
				"serial": hex.EncodeToString(s.Serial), "imprint": hex.EncodeToString(s.Asked.Imprint), "hash": s.Asked.Hash.Name(), "policy": s.Policy,
				"at": s.At.Format(time.RFC3339Nano),
			})
			if err != nil {
				b.Fatal(err)
			}
			_ = fmt.Sprintf("tst_%02x%x", s.Serial[15], s.Serial)
		}
	})
}
