package payment

import (
	"bytes"
	"testing"

	"github.com/lib/pq"

	"qaqpa/testenv/postgres"
)

// TestListsOfOctets: lists of octets arrive as they left, whichever form they take on the way; what they become is said by PostgreSQL.
func TestListsOfOctets(t *testing.T) {
	db, err := Connect(t.Context(), postgres.DSNForTest(t), ConnectConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, c := range map[string]struct {
		list [][]byte
		want string
	}{
		"octets":       {[][]byte{all, {}, []byte(`"{\,}`)}, ""},
		"one":          {[][]byte{{0xff}}, `{"\\xff"}`},
		"empty":        {[][]byte{}, `{}`},
		"NULL":         {nil, ``},
		"none between": {[][]byte{{1}, nil, {2}}, `{"\\x01","\\x","\\x02"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var text *string
			var back pq.ByteaArray
			if err := db.QueryRowContext(t.Context(), `SELECT ($1::bytea[])::text, $1::bytea[]`, pq.Array(c.list)).Scan(&text, &back); err != nil {
				t.Fatal(err)
			}
			if (text == nil) != (c.list == nil) || text != nil && c.want != "" && *text != c.want {
				t.Errorf("PostgreSQL has %v", text)
			}
			if len(back) != len(c.list) {
				t.Fatalf("%d came back of %d", len(back), len(c.list))
			}
			for i, b := range back {
				if !bytes.Equal(b, c.list[i]) {
					t.Errorf("%d came back as %x", i, b)
				}
			}
		})
	}
}
