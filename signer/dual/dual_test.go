package dual_test

import (
	"errors"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/dual"
	"qaqpa/testenv/postgres"
)

func TestTwoOperators(t *testing.T) {
	db := postgres.ForTest(t, signer.Migrate)
	at := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	log, err := audit.New(audit.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	book := dual.New(db, log, now)
	act := dual.Action{Kind: "destroy", Token: "qaqpa", Key: "seal", KeyID: "0102"}
	other := act
	other.KeyID = "0103"
	ask := func() string {
		t.Helper()
		id, err := book.Ask(t.Context(), act, "operator:aru")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	want := func(what string, err, is error) {
		t.Helper()
		if !errors.Is(err, is) || is == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, is)
		}
	}
	id := ask()
	want("before the approval", book.Use(t.Context(), id, act, "operator:aru"), dual.ErrNotApproved)
	want("who asked approves", book.Approve(t.Context(), id, "operator:aru"), dual.ErrSamePerson)
	want("approval", book.Approve(t.Context(), id, "operator:dana"), nil)
	want("approval again", book.Approve(t.Context(), id, "operator:erlan"), dual.ErrSamePerson)
	want("another key", book.Use(t.Context(), id, other, "operator:aru"), dual.ErrOther)
	want("use", book.Use(t.Context(), id, act, "operator:aru"), nil)
	want("use again", book.Use(t.Context(), id, act, "operator:aru"), dual.ErrDone)
	want("approval after use", book.Approve(t.Context(), id, "operator:dana"), dual.ErrDone)
	want("nobody's", book.Use(t.Context(), "kr_none", act, "operator:aru"), dual.ErrNotFound)
	if _, err := book.Ask(t.Context(), dual.Action{Kind: "destroy"}, "operator:aru"); !errors.Is(err, dual.ErrOther) {
		t.Errorf("a request for nothing: %v", err)
	}

	late := ask()
	want("approval", book.Approve(t.Context(), late, "operator:dana"), nil)
	if open, err := book.Open(t.Context()); err != nil || len(open) != 1 || open[0].ID != late || open[0].Action != act {
		t.Errorf("open are %+v, %v", open, err)
	}
	at = at.Add(dual.Life + time.Second)
	want("after a day", book.Use(t.Context(), late, act, "operator:aru"), dual.ErrNotFound)
	if open, err := book.Open(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open are %+v, %v", open, err)
	}
	if past, err := book.Past(t.Context(), 1); err != nil || len(past) != 1 || past[0].ID != late || past[0].DoneAt != nil {
		t.Errorf("the last past request is %+v, %v", past, err)
	}
	if past, err := book.Past(t.Context(), 10); err != nil || len(past) != 2 || past[1].ID != id || past[1].DoneAt == nil {
		t.Errorf("past are %+v, %v", past, err)
	}
	// The database holds it, too, whatever the code does.
	_, err = db.Exec(`UPDATE key_requests SET approved_by = asked_by WHERE id = $1`, late)
	if err == nil {
		t.Error("one person alone is two in the database")
	}
	report, err := audit.Verify(t.Context(), db, func(b []byte) ([]byte, error) { return b, nil })
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("audit log: %+v, %v", report, err)
	}
	var entries int
	if err := db.Get(&entries, `SELECT count(*) FROM audit_entries WHERE action LIKE 'key.request.%'`); err != nil || entries != 5 {
		t.Errorf("%d audit entries for 5 steps: %v", entries, err)
	}
}
