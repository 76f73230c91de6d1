package feedlines

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func decoder(tb testing.TB) *Decoder {
	tb.Helper()
	d, err := New()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// readAll returns the references of good lines and the codes of bad ones.
func readAll(r *Reader) (got []string, err error) {
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if line.Refused != nil {
			got = append(got, "!"+line.Refused.Code+" "+line.Refused.Field)
			continue
		}
		got = append(got, line.Item.Reference)
	}
}

const good = `{"reference":"R","payer":{"id":"900101300017"},"service":"svc_1"}`

// Each line stands for itself: whatever one is, the next is read.
func TestNext(t *testing.T) {
	long := `{"reference":"` + strings.Repeat("x", 3*LineMax) + `"}`
	text := strings.Join([]string{
		good, "", `{"reference":"R"}`, good + "\r", "garbage", long, `{"reference":"R","reference":"S"}`, `{"reference":"R","payer":{"id":"1","iin":"2"}}`,
		`[]`, `null`, "\ufeff" + good, "\xff", `{"reference":"R","payer":{"id":"1"},"amount":1.5}`, good + good, good,
	}, "\n")
	want := []string{
		"R", "!json_syntax ", "!json_missing_field payer", "R", "!json_syntax ", "!json_too_long ", "!json_duplicate_key reference", "!json_unknown_field payer.iin",
		"!json_wrong_type ", "!json_wrong_type ", "!json_syntax ", "!json_syntax ", "!json_wrong_type amount", "!json_trailing ", "R",
	}
	d := decoder(t)
	for name, end := range map[string]string{"end": "\n", "no end": ""} {
		got, err := readAll(d.Read(iotest.OneByteReader(strings.NewReader(text+end)), 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A stream that fails is not one that ends, wherever it fails.
func TestCut(t *testing.T) {
	d := decoder(t)
	down := errors.New("down")
	for name, text := range map[string]string{"between lines": good + "\n", "in a line": good + "\n" + good, "in a long line": good + "\n" + strings.Repeat("x", 2*LineMax)} {
		got, err := readAll(d.Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(down)), 1<<20))
		if !errors.Is(err, ErrCut) || !errors.Is(err, down) || len(got) != 1 {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if got, err := readAll(d.Read(strings.NewReader(good+"\n"+good), int64(len(good))+5)); !errors.Is(err, ErrTooLarge) || len(got) > 1 {
		t.Errorf("too large: %v %v", got, err)
	}
}

func FuzzNext(f *testing.F) {
	d := decoder(f)
	f.Add([]byte(good + "\n\n" + good))
	f.Add([]byte(strings.Repeat("x", LineMax) + "\n" + good))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := d.Read(strings.NewReader(string(text)), 1<<20)
		n := 0
		for {
			line, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(line.Raw) > LineMax || (line.Refused == nil && line.Item.Reference == "" && line.Item.Payer.ID == "" && !strings.Contains(string(line.Raw), `""`)) {
				t.Fatalf("took %q as %+v", line.Raw, line.Item)
			}
			n++
		}
		want := strings.Count(string(text), "\n")
		if len(text) > 0 && text[len(text)-1] != '\n' {
			want++
		}
		if n != want {
			t.Fatalf("%d lines, want %d", n, want)
		}
	})
}
