package feedlines

import (
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"qaqpa/api/strictjson"
	"qaqpa/payment"
)

// Each element stands for itself, however the array is laid out.
func TestArray(t *testing.T) {
	elements := []string{
		good, `{"reference":"R"}`, "garbage", `{"reference":"` + strings.Repeat("x", 3*LineMax) + `"}`, `{"reference":"R","reference":"S"}`, `[]`, `null`, `"a,]}\"\\"`,
		`{"reference":"a,]}\"\\","payer":{"id":"900101300017"}}`, `{"reference":"R","payer":{"id":"1"},"amount":1.5}`, "\xff", good + " " + good, good,
	}
	want := []string{
		"R", "!json_missing_field payer", "!json_syntax ", "!json_too_long ", "!json_duplicate_key reference", "!json_wrong_type ", "!json_wrong_type ", "!json_wrong_type ",
		`a,]}"\`, "!json_wrong_type amount", "!json_syntax ", "!json_trailing ", "R",
	}
	d := decoder(t)
	for name, text := range map[string]string{
		"tight": "[" + strings.Join(elements, ",") + "]", "spread": " \r\n[\n " + strings.Join(elements, " \n,\t") + "\n]\n\n",
	} {
		got, err := everything(d.ReadArray(iotest.OneByteReader(strings.NewReader(text)), 1<<20).Next)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got, err := everything(d.ReadArray(strings.NewReader(" [ ] "), 99).Next); err != nil || len(got) != 0 {
		t.Errorf("an empty array: %v %v", got, err)
	}
}

// What is no array ends the feed where it stops being one, with the number of the element.
func TestArrayRefuses(t *testing.T) {
	d := decoder(t)
	for text, want := range map[string]strictjson.Error{
		"":                                   {Reason: strictjson.WrongType},
		good:                                 {Reason: strictjson.WrongType},
		"\ufeff[]":                           {Reason: strictjson.WrongType},
		"[":                                  {Reason: strictjson.Syntax, Pointer: "/0"},
		"[" + good:                           {Reason: strictjson.Syntax, Pointer: "/0"},
		"[" + good + ",":                     {Reason: strictjson.Syntax, Pointer: "/1"},
		"[" + good + ",]":                    {Reason: strictjson.Syntax, Pointer: "/1"},
		"[," + good + "]":                    {Reason: strictjson.Syntax, Pointer: "/0"},
		"[" + good + ",," + good + "]":       {Reason: strictjson.Syntax, Pointer: "/1"},
		"[" + good + "]]":                    {Reason: strictjson.Trailing, Pointer: "/1"},
		"[" + good + "] " + good:             {Reason: strictjson.Trailing, Pointer: "/1"},
		"[" + good + "}," + good + "]":       {Reason: strictjson.Syntax, Pointer: "/0"},
		"[{\"a\":[1}," + good + "]":          {Reason: strictjson.Syntax, Pointer: "/0"},
		"[\"" + good + "]":                   {Reason: strictjson.Syntax, Pointer: "/0"}, // quotes turned inside out
		"[" + strings.Repeat("[", 17) + "1]": {Reason: strictjson.TooDeep, Pointer: "/0"},
	} {
		_, err := everything(d.ReadArray(strings.NewReader(text), 1<<20).Next)
		got, ok := errors.AsType[*strictjson.Error](err)
		if !ok || got.Reason != want.Reason || got.Pointer != want.Pointer {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	down := errors.New("down")
	for _, text := range []string{"", "[", "[" + good, "[" + good + ",", "[" + good + "]"} {
		if _, err := everything(d.ReadArray(io.MultiReader(strings.NewReader(text), iotest.ErrReader(down)), 1<<20).Next); !errors.Is(err, ErrCut) || !errors.Is(err, down) {
			t.Errorf("%q and a cut: %v", text, err)
		}
	}
	if _, err := everything(d.ReadArray(strings.NewReader("["+good+"]"), 9).Next); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// everything returns the references of good elements and the codes of bad ones.
func everything(next func() (payment.FeedLine, error)) (got []string, err error) {
	for {
		line, err := next()
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

// repeated gives a text over and over without holding it more than once.
type repeated struct {
	text string
	left int
	at   int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.text[r.at:])
	if r.at += n; r.at == len(r.text) {
		r.at, r.left = 0, r.left-1
	}
	return n, nil
}

// A hundred thousand debts take the memory of one, as lines and as an array.
func TestFeedMemoryIsFlat(t *testing.T) {
	const n = 100_000
	d := decoder(t)
	array := io.MultiReader(strings.NewReader("["), &repeated{text: good + ",", left: n - 1}, strings.NewReader(good+"]"))
	for name, next := range map[string]func() (payment.FeedLine, error){
		"lines": d.Read(&repeated{text: good + "\n", left: n}, 1<<30).Next, "array": d.ReadArray(array, 1<<30).Next,
	} {
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		count := 0
		for ; ; count++ {
			line, err := next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || line.Refused != nil {
				t.Fatalf("%s: %v %v", name, err, line.Refused)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&now)
		if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); count != n || grown > 1<<20 {
			t.Errorf("%s: %d items, the heap keeps %d bytes more", name, count, grown)
		}
	}
}

// What encoding/json takes as an array has as many elements here, and what it refuses is refused here or element by element.
func FuzzArray(f *testing.F) {
	d := decoder(f)
	for _, text := range []string{"[" + good + ", " + good + "]", "[]", `["\\\"",[{}],1]`, "[1,]", `[{"a":"]"}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := everything(d.ReadArray(strings.NewReader(string(text)), 1<<20).Next)
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil || list == nil {
			return
		}
		var deep *strictjson.Error
		if errors.As(err, &deep) && deep.Reason == strictjson.TooDeep {
			return
		}
		if err != nil || len(got) != len(list) {
			t.Fatalf("%d elements of %d: %v", len(got), len(list), err)
		}
	})
}
