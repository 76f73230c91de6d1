package inquiry

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func asked() Question {
	return Question{ID: "qst_1", Agency: "990140000017", Payer: "900101300017"}
}

func now() time.Time { return time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC) }

const good = `{"type":"debts-answer","question":"qst_1","agency":"990140000017","payer":"900101300017","as_of":"2026-03-01T11:00:00+05:00","debts":[{"reference":"A","service":"svc_1","amount":100}]}`

func TestParse(t *testing.T) {
	found, err := Parse([]byte(good), asked(), now())
	if err != nil || len(found.Items) != 1 || found.Items[0].Payer.ID != asked().Payer || !found.AsOf.Equal(now()) {
		t.Fatalf("%+v %v", found, err)
	}
	for name, c := range map[string]struct {
		old, replacement string
		want             error
	}{
		"type":            {"debts-answer", "debts-question", ErrAnswer},
		"question":        {"qst_1", "qst_2", ErrAnswer},
		"agency":          {"990140000017", "990140000027", ErrAnswer},
		"payer":           {"900101300017", "900101300027", ErrAnswer},
		"no time":         {"2026-03-01T11:00:00+05:00", "today", ErrAnswer},
		"tomorrow":        {"2026-03-01T", "2026-03-02T", ErrOld},
		"days ago":        {"2026-03-01T", "2026-02-27T", ErrOld},
		"unknown member":  {`"debts"`, `"more":1,"debts"`, ErrAnswer},
		"doubled member":  {`"payer"`, `"agency":"990140000017","payer"`, ErrAnswer},
		"payer of a debt": {`"reference"`, `"payer":{"id":"900101300027"},"reference"`, ErrAnswer},
		"recall":          {`"reference"`, `"action":"recall","reference"`, ErrAnswer},
		"null":            {`[{"reference":"A","service":"svc_1","amount":100}]`, `null`, ErrAnswer},
		"twice":           {`[{`, `[{"reference":"A","service":"svc_1"},{`, ErrAnswer},
		"fraction":        {"100", "100.5", ErrAnswer},
		"trailing":        {`}]}`, `}]}{}`, ErrAnswer},
	} {
		if _, err := Parse([]byte(strings.Replace(good, c.old, c.replacement, 1)), asked(), now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const numbered = `{"type":"debts-answer","question":"qst_1","agency":"990140000017","reference":"A-1","as_of":"2026-03-01T11:00:00+05:00","debts":[{"reference":"A-1","payer":"900101300017","service":"svc_1"}]}`

// An answer about a number states the debt of that number with its payer, or none; nothing else.
func TestParseNumber(t *testing.T) {
	q := Question{ID: "qst_1", Agency: "990140000017", Reference: "A-1"}
	found, err := Parse([]byte(numbered), q, now())
	if err != nil || len(found.Items) != 1 || found.Items[0].Payer.ID != "900101300017" || found.Items[0].Reference != "A-1" {
		t.Fatalf("%+v %v", found, err)
	}
	none := numbered[:strings.Index(numbered, "[")] + "[]}"
	if found, err := Parse([]byte(none), q, now()); err != nil || len(found.Items) != 0 {
		t.Errorf("%+v %v", found, err)
	}
	for name, change := range map[string][2]string{
		"another number": {`"reference":"A-1","as_of"`, `"reference":"A-2","as_of"`}, "no number": {`"reference":"A-1","as_of"`, `"as_of"`},
		"a payer beside it":          {`"reference":"A-1","as_of"`, `"payer":"900101300017","reference":"A-1","as_of"`},
		"the debt of another number": {`{"reference":"A-1"`, `{"reference":"A-2"`}, "nobody's": {`"payer":"900101300017",`, ``},
		"no number of a person": {`"900101300017"`, `"900101300018"`}, "several": {`[{`, `[{"reference":"A-1","payer":"900101300017","service":"svc_2"},{`},
		"another question": {"qst_1", "qst_2"}, "another agency": {"990140000017", "990140000027"}, "null": {`[{"reference":"A-1","payer":"900101300017","service":"svc_1"}]`, "null"},
	} {
		if _, err := Parse([]byte(strings.Replace(numbered, change[0], change[1], 1)), q, now()); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse([]byte(numbered), asked(), now()); !errors.Is(err, ErrAnswer) {
		t.Errorf("for a payer's question: %v", err)
	}
	if _, err := Parse([]byte(strings.Replace(good, `{"reference"`, `{"payer":"900101300017","reference"`, 1)), asked(), now()); !errors.Is(err, ErrAnswer) {
		t.Errorf("a payer of a debt beside the payer: %v", err)
	}
	raw, err := asked().Encode()
	if err != nil || strings.Contains(string(raw), "reference") {
		t.Errorf("a register that knows of no numbers is asked %s, %v", raw, err)
	}
	if raw, err = q.Encode(); err != nil || strings.Contains(string(raw), "payer") {
		t.Errorf("a question about a number names a payer: %s, %v", raw, err)
	}
}

func TestPause(t *testing.T) {
	before := time.Duration(0)
	for failures := range 100 {
		p := Pause(failures)
		if p < before || p > 5*time.Minute || (failures < 3) != (p == 0) {
			t.Errorf("%d: %s", failures, p)
		}
		before = p
	}
}

func TestSettingsRefuse(t *testing.T) {
	ok := Settings{URL: "https://register.example.kz/q", Wait: time.Second, Fresh: time.Minute}
	if err := ok.Check(false); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Settings){
		"plain": func(s *Settings) { s.URL = "http://register.example.kz" }, "no url": func(s *Settings) { s.URL = "" },
		"long wait": func(s *Settings) { s.Wait = 11 * time.Second }, "no wait": func(s *Settings) { s.Wait = 0 },
		"negative": func(s *Settings) { s.Fresh = -1 }, "stale": func(s *Settings) { s.Fresh = 25 * time.Hour },
	} {
		s := ok
		spoil(&s)
		if s.Check(false) == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Whatever an agency signs, what comes out is about the payer who was asked about, with different references.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, `"amount":100`, `"due_on":"2026-02-31","currency":"USD"`, 1)))
	f.Fuzz(func(t *testing.T, content []byte) {
		found, err := Parse(content, asked(), now())
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, item := range found.Items {
			if item.Payer.ID != asked().Payer || seen[item.Reference] || item.Action != "" {
				t.Fatalf("%+v", item)
			}
			seen[item.Reference] = true
		}
	})
}
