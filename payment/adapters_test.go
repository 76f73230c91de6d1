package payment

import (
	"errors"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/bank/adaptertest"
	"qaqpa/payment/debt"
	stand "qaqpa/testenv/bank"
)

func TestAdapters(t *testing.T) {
	for name, start := range map[string]func(*testing.T) adaptertest.Way{
		"messages": func(t *testing.T) adaptertest.Way {
			t.Helper()
			return &messagesWay{bundle: setup(t), orders: map[string]string{}}
		},
		"counter": func(t *testing.T) adaptertest.Way {
			t.Helper()
			return &counterWay{messagesWay{bundle: setup(t), orders: map[string]string{}}}
		},
		"files": startFiles,
	} {
		t.Run(name, func(t *testing.T) { adaptertest.Run(t, start) })
	}
}

// messagesWay is a bank that takes signed messages and answers them.
type messagesWay struct {
	*bundle
	orders map[string]string // by attempt
	said   []byte
}

func (w *messagesWay) Begin() string {
	o := w.authorised(citizenIIN)
	var attempt string
	w.must(w.db.Get(&attempt, `SELECT attempt_id FROM orders WHERE id = $1`, o.ID))
	w.orders[attempt] = o.ID
	return attempt
}

var scripts = map[adaptertest.Conduct]string{
	adaptertest.Executes: "ok", adaptertest.Refuses: "refuse", adaptertest.DoneNotTold: "timeoutButDone", adaptertest.NotDone: "timeoutNotDone",
	adaptertest.Pending: "pending",
}

func (w *messagesWay) Bring(c adaptertest.Conduct) {
	w.bank.pays = []string{scripts[c]}
	w.attempts()
	w.bank.pays = nil
}

func (w *messagesWay) Ask() {
	for range 6 {
		w.clock.advance(10 * time.Minute)
		w.attempts()
	}
}

func (w *messagesWay) Say(attempt string, lie adaptertest.Lie) string {
	signer, broken := bankBIN, false
	w.said = w.bank.says(attempt, func(s *bank.Status) {
		switch lie {
		case adaptertest.WrongAmount:
			s.Tiyn++
		case adaptertest.WrongCurrency:
			s.Currency = "USD"
		case adaptertest.ForeignOrder:
			s.Order = s.Order[:6] + strings.Repeat("0", 32)
		case adaptertest.UnknownCode:
			s.Outcome = "done"
		case adaptertest.Contradiction:
			s.Outcome, s.Reason = bank.Refused, "changed our mind"
		case adaptertest.OtherBank:
			signer = otherBIN
		case adaptertest.BadSignature:
			broken = true
		case adaptertest.Truth:
		}
	})
	if signer != bankBIN || broken {
		e := opened(w.t, w.said)
		w.said = w.notary.sign(bankSigner(signer), e, false)
	}
	if broken {
		w.said[len(w.said)-6] ^= 1
	}
	return w.Replay()
}

func (w *messagesWay) Replay() string {
	_, err := w.Confirm(w.t.Context(), testBIC, w.said)
	return refusalOf(w.t, err)
}

func refusalOf(tb testing.TB, err error) string {
	tb.Helper()
	var refused *Error
	if err != nil && !errors.As(err, &refused) {
		tb.Fatal(err)
	}
	if refused == nil {
		return ""
	}
	return string(refused.Code)
}

func (w *messagesWay) End(attempt string)          { w.bank.ends(attempt, bank.Executed) }
func (w *messagesWay) Pass(d time.Duration)        { w.clock.advance(d) }
func (w *messagesWay) State(attempt string) string { return string(w.state(w.orders[attempt])) }

func (w *messagesWay) Moved(attempt string) int {
	w.bank.mu.Lock()
	defer w.bank.mu.Unlock()
	if p := w.bank.payments[attempt]; p != nil {
		return p.times
	}
	return 0
}

func (w *messagesWay) Check() {
	w.settle()
	w.agree()
}

// counterWay is a bank that begins payments for its own clients.
type counterWay struct{ messagesWay }

func (w *counterWay) Begin() string {
	w.keys++
	o, err := w.began(w.initiation("request-"+strings.Repeat("i", w.keys), nil, w.fee(citizenIIN)))
	w.must(err)
	w.orders[o.Attempt] = o.Order
	return o.Attempt
}

// Bring: the payment is at the bank already, which now does something with it.
func (w *counterWay) Bring(c adaptertest.Conduct) {
	w.bank.mu.Lock()
	var fresh []string
	for id, p := range w.bank.payments {
		if p.outcome == bank.Pending && p.asked == 0 {
			p.asked++
			fresh = append(fresh, id)
		}
	}
	w.bank.mu.Unlock()
	for _, id := range fresh {
		switch c {
		case adaptertest.Executes:
			w.bank.ends(id, bank.Executed)
			if code := w.Say(id, adaptertest.Truth); code != "" {
				w.t.Error(code)
			}
		case adaptertest.Refuses:
			w.bank.ends(id, bank.Refused)
		case adaptertest.DoneNotTold:
			w.bank.ends(id, bank.Executed)
		case adaptertest.NotDone:
			w.bank.mu.Lock()
			delete(w.bank.payments, id)
			w.bank.mu.Unlock()
		case adaptertest.Pending:
		}
	}
}

// filesWay is a bank that takes pain.001 and reports by pain.002.
type filesWay struct {
	messagesWay
	files *fakeFiles
}

func startFiles(t *testing.T) adaptertest.Way {
	t.Helper()
	w := &filesWay{messagesWay: messagesWay{orders: map[string]string{}}}
	w.bundle = setup(t, func(c *Config) {
		n, _ := c.Sealer.(*notary)
		w.files = newFakeFiles(n, c.Now, testBIC, bankBIN)
		c.Files = w.files
	})
	w.byFiles(testBIC)
	return w
}

func (w *filesWay) Bring(c adaptertest.Conduct) {
	w.files.puts = []string{scripts[c]}
	w.filesWork()
	w.files.puts = nil
}

func (w *filesWay) Ask() {
	for range 6 {
		w.clock.advance(10 * time.Minute)
		w.filesWork()
	}
}

var lies = map[adaptertest.Lie]string{
	adaptertest.WrongAmount: "wrongAmount", adaptertest.WrongCurrency: "wrongCurrency", adaptertest.ForeignOrder: "wrongAttempt",
	adaptertest.OtherBank: "otherSigner", adaptertest.BadSignature: "badSignature", adaptertest.Contradiction: "contradict", adaptertest.UnknownCode: "unknownCode",
}

func (w *filesWay) Say(attempt string, lie adaptertest.Lie) string {
	file := w.files.FileOf(strings.TrimPrefix(attempt, prefixAttempt))
	w.said = w.files.signed(w.files.Report(file, lying(lies[lie])), lies[lie])
	return w.Replay()
}

func (w *filesWay) Replay() string {
	out, err := w.TakeReport(w.t.Context(), testBIC, w.said)
	if code := refusalOf(w.t, err); code != "" || len(out.Problems) == 0 {
		return code
	}
	return string(out.Problems[0].Code)
}

func (w *filesWay) End(attempt string) {
	w.files.Finish(strings.TrimPrefix(attempt, prefixAttempt), stand.CodeExecuted, "")
}

func (w *filesWay) Moved(attempt string) int {
	times, _ := w.files.Moved(strings.TrimPrefix(attempt, prefixAttempt))
	return times
}

func (w *filesWay) Check() {
	w.settle()
	w.check()
	var paid int64
	w.must(w.db.Get(&paid, `SELECT coalesce(sum(amount), 0)::bigint FROM transfers WHERE kind = 'payment'`))
	if _, moved := w.files.Moved(""); moved != paid {
		w.t.Errorf("the bank moved %d tiyn, the ledger says %d", moved, paid)
	}
	if w.bank.calls != 0 {
		w.t.Errorf("%d messages went to a bank that takes files", w.bank.calls)
	}
}

// One debit for several beneficiaries travels in a file as one payment, and files hold many payments.
func TestFileOfSeveral(t *testing.T) {
	w, _ := startFiles(t).(*filesWay)
	court, claim := w.court()
	fee, claimed := w.fee(citizenIIN), w.owes(court.ID, claim, "CLAIM-1", 777700)
	o := w.ordered(citizenIIN, fee, claimed)
	_, _, err := w.Authorise(t.Context(), w.idem("s"), o.ID, w.signed(o, citizen(citizenIIN)))
	w.must(err)
	single := w.Begin()
	w.Bring(adaptertest.Executes)
	if w.files.taken != 1 {
		t.Fatalf("%d files", w.files.taken)
	}
	w.Ask()
	if w.state(o.ID) != "executed" || w.State(single) != "executed" {
		t.Errorf("orders are %s and %s", w.state(o.ID), w.State(single))
	}
	w.Check()
	if report := w.check(); report.Transfers != 3 || report.Receipts != 3 {
		t.Errorf("report %+v", report)
	}
	if now, err := w.Debt(t.Context(), claimed.ID); err != nil || now.State != debt.Paid {
		t.Errorf("debt %+v, %v", now, err)
	}
}

// What a report must not be able to do.
func TestReportRefuses(t *testing.T) {
	w, _ := startFiles(t).(*filesWay)
	first, second := w.Begin(), w.Begin()
	w.Bring(adaptertest.Pending)
	file := w.files.FileOf(strings.TrimPrefix(first, prefixAttempt))
	say := func(content string) (FileResult, error) {
		return w.TakeReport(t.Context(), testBIC, w.notary.sign(bankSigner(bankBIN), []byte(content), false))
	}
	group := func(status, reason string) string {
		return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>X` + status + reason + `</MsgId><CreDtTm>2026-03-01T12:00:00</CreDtTm></GrpHdr>` +
			`<OrgnlGrpInfAndSts><OrgnlMsgId>` + file + `</OrgnlMsgId><GrpSts>` + status + `</GrpSts><StsRsnInf><Rsn><Cd>` + reason + `</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`
	}
	// The bank got the file twice and rejects the second as a duplicate: that is no refusal of the first.
	for _, reason := range []string{"AM05", "DU01", "DUPL"} {
		out, err := say(group("RJCT", reason))
		if err != nil || len(out.Problems) != 2 || w.State(first) == "refused" {
			t.Errorf("%s: %+v, %v, order %s", reason, out, err, w.State(first))
		}
	}
	for _, status := range []string{"ACCP", "PART", "PDNG"} {
		if out, err := say(group(status, "NARR")); err != nil || out.Executed+out.Refused != 0 || out.Open != 2 {
			t.Errorf("%s: %+v, %v", status, out, err)
		}
	}
	_, err := say(strings.ReplaceAll(group("ACSC", "NARR"), file, file[:2]+strings.Repeat("0", 32)))
	wants(t, err, ErrFileUnknown)
	_, err = say(strings.ReplaceAll(group("ACSC", "NARR"), file, "somebody else's"))
	wants(t, err, ErrBankMessageInvalid)
	_, err = w.TakeReport(t.Context(), otherBIC, w.notary.sign(bankSigner(otherBIN), []byte(group("ACSC", "NARR")), false))
	wants(t, err, ErrBankMismatch)
	_, err = w.TakeReport(t.Context(), testBIC, nil)
	wants(t, err, ErrBankMessageInvalid)
	w.files.Finish(strings.TrimPrefix(first, prefixAttempt), stand.CodeExecuted, "")
	w.files.Finish(strings.TrimPrefix(second, prefixAttempt), stand.CodeRefused, "AM04")
	w.Ask()
	if w.State(first) != "executed" || w.State(second) != "refused" {
		t.Errorf("orders are %s and %s", w.State(first), w.State(second))
	}
	o, err := w.Order(t.Context(), w.orders[second])
	if err != nil || !strings.Contains(o.Reason, "недостаточно средств") {
		t.Errorf("reason %q, %v", o.Reason, err)
	}
	w.Check()
}

// A bank that is asked for days about a slow payment does not fill the tables.
func TestPendingIsNotedOnce(t *testing.T) {
	w, _ := startFiles(t).(*filesWay)
	p := w.Begin()
	w.Bring(adaptertest.Pending)
	for range 3 {
		w.Ask()
	}
	var noted int
	w.must(w.db.Get(&noted, `SELECT count(*) FROM bank_messages WHERE attempt_id = $1`, p))
	if noted != 1 {
		t.Errorf("%d rows", noted)
	}
	w.End(p)
	w.Ask()
	want := "executed"
	if got := w.State(p); got != want {
		t.Errorf("order is %s", got)
	}
	w.Check()
}

// Bank reports by folder; a report that is refused is put aside among the refused, and one that cannot be decided stays.
func TestReportsFromFolder(t *testing.T) {
	w, _ := startFiles(t).(*filesWay)
	p := w.Begin()
	w.Bring(adaptertest.DoneNotTold)
	report := w.files.Report(w.files.FileOf(strings.TrimPrefix(p, prefixAttempt)), nil)
	w.files.left = []bank.Left{
		{Name: "a", Message: []byte("garbage")}, {Name: "b", Message: w.files.signed(report, "otherSigner")}, {Name: "c", Message: w.files.signed(report, "")},
	}
	w.notary.fail("verify", 1)
	if _, err := w.workFiles(t.Context()); err == nil {
		t.Error("a report that could not be judged was passed over")
	}
	w.files.asks = []string{"timeoutNotDone"}
	w.filesWork()
	if w.State(p) != "executed" || w.files.aside["a"] || w.files.aside["b"] || !w.files.aside["c"] || len(w.files.left) != 0 {
		t.Errorf("order %s, put aside %v", w.State(p), w.files.aside)
	}
	w.Check()
}
