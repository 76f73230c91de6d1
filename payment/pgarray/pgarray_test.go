package pgarray_test

import (
	"testing"
	"time"

	"github.com/lib/pq"
	"pgregory.net/rapid"

	"qaqpa/payment/pgarray"
	"qaqpa/testenv/postgres"
)

// PostgreSQL itself says whether both forms are the same array.
func TestSameAsTextForm(t *testing.T) {
	db := postgres.ForTest(t)
	same := func(t *rapid.T, kind string, ours []byte, text any) {
		var equal bool
		if err := db.Get(&equal, `SELECT $1::`+kind+` IS NOT DISTINCT FROM $2::`+kind, ours, text); err != nil || !equal {
			t.Fatalf("%s: %x is not %v: %v", kind, ours, text, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOfN(rapid.Int64(), 0, 5).Draw(t, "ints")
		same(t, "bigint[]", pgarray.Int8s(ints), pq.Array(ints))
		small := rapid.SliceOfN(rapid.Int64Range(-1<<31, 1<<31-1), 0, 5).Draw(t, "small")
		same(t, "integer[]", pgarray.Int4s(small), pq.Array(small))
		texts := rapid.SliceOfN(rapid.StringMatching(`[a-zә"\\{},' ]{0,9}|NULL`), 0, 5).Draw(t, "texts")
		same(t, "text[]", pgarray.Texts(texts), pq.Array(texts))
		blobs := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9), 0, 5).Draw(t, "blobs")
		same(t, "bytea[]", pgarray.Byteas(blobs), pq.Array(blobs))
		var times []*time.Time
		written := []*string{}
		for _, s := range rapid.SliceOfN(rapid.Int64Range(-1e15, 4e15), 0, 5).Draw(t, "times") {
			if s%3 == 0 {
				times, written = append(times, nil), append(written, nil)
				continue
			}
			at := time.UnixMicro(s).UTC()
			text := at.Format("2006-01-02 15:04:05.999999Z07:00")
			times, written = append(times, &at), append(written, &text)
		}
		same(t, "timestamptz[]", pgarray.Times(times), pq.Array(written))
	})
}
