package payment

import (
	"testing"
	"time"
)

// Whom a person's number is told to is on record before it leaves: when the diary cannot be written nothing is asked, and while the agency
// has the question the record can be read already.
func TestRegisterQuestionIsOnRecordFirst(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	f.keep(b.owing("A", 500_00))
	noted := func(action string) (n int) {
		b.t.Helper()
		b.must(b.db.Get(&n, `SELECT count(*) FROM diary WHERE action = $1 AND subject = $2`, action, citizenIIN))
		return n
	}
	b.diary.failNext(1)
	page := b.look(citizenIIN)
	if len(page.Registers) != 1 || page.Registers[0].Outcome != RegisterSilent || page.Registers[0].Problem != registerUndecided {
		t.Errorf("%+v", page.Registers)
	}
	if f.count() != 0 || noted(actionAsked) != 0 || noted(actionAnswered) != 0 {
		t.Fatalf("%d questions, %d on record", f.count(), noted(actionAsked))
	}
	var failures int
	b.must(b.db.Get(&failures, `SELECT failures FROM agency_registers WHERE agency_id = $1`, b.agency.ID))
	if failures != 0 {
		t.Errorf("%d failures are counted against an agency that was not asked", failures)
	}
	hold, done := make(chan struct{}), make(chan DebtPage)
	f.set(func(f *fakeRegister) { f.hold = hold })
	go func() {
		page, _ := b.LookUp(t.Context(), "test", DebtQuery{Payer: citizenIIN})
		done <- page
	}()
	for f.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	if asked, answered := noted(actionAsked), noted(actionAnswered); asked != 1 || answered != 0 {
		t.Errorf("while it is asked: %d questions and %d answers on record", asked, answered)
	}
	close(hold)
	if page := <-done; len(page.Items) != 1 || page.Registers[0].Outcome != RegisterAnswered {
		t.Errorf("%+v", page)
	}
	if asked, answered := noted(actionAsked), noted(actionAnswered); asked != 1 || answered != 1 {
		t.Errorf("%d questions and %d answers on record", asked, answered)
	}
}
