package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecodeIsStricterThanEncodingJSON: what we accept, encoding/json accepts too, with the same meaning, and
// our value written again is read again as itself.
func FuzzDecodeIsStricterThanEncodingJSON(f *testing.F) {
	for _, s := range []string{
		`{"id":"a","items":[{"name":"a","amount":1,"small":2}],"names":{"kk":"ә"},"data":"AQID","flag":true,"at":"2026-10-18T09:00:00Z"}`,
		`{"id":"\ud83d\ude00","items":[]}`, `{"id":"a","items":[],"id":"b"}`, `{"id":1e400}`, `[[[[[[[[`, `{"":{}}`, "{\"id\":\"\xff\"}", `{"id":"a","items":[]} `,
		`{"id":"a","items":[],"at":"2026-02-30T00:00:00Z"}`, `{"id":"a","items":[],"data":"AR=="}`, `{"id":"a\u0000","items":[]}`,
	} {
		f.Add([]byte(s))
	}
	d := decoder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := bytes.Clone(data)
		got, err := d.Decode(data)
		if !bytes.Equal(kept, data) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) || len(e.Pointer) > pointerBytesMax {
				t.Fatalf("odd error %#v", err)
			}
			return
		}
		var peer body
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&peer); err != nil {
			t.Fatalf("encoding/json refuses what we took: %v", err)
		}
		if diff := cmp.Diff(peer, got); diff != "" {
			t.Fatal(diff)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.Decode(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if !second.At.Equal(got.At) {
			t.Fatal("time changed")
		}
		second.At = got.At
		if diff := cmp.Diff(got, second); diff != "" {
			t.Fatal(diff)
		}
	})
}
