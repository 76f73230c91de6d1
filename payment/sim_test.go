package payment

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// simulation drives a gateway through random steps, drawn from a seed, with faults on every side, and remembers what it
// was promised.
type simulation struct {
	*bundle
	draw   *rand.Rand
	debts  []debt.Debt
	orders []order.Order
	signed []string         // orders whose authorisation was answered with success
	claims func() debt.Debt // of a second agency, with another beneficiary
	fines  func() debt.Debt // with a discount window, payable in parts
	own    catalog.Service  // payable without a debt
	held   []string         // attempts that the bank began for its clients
	agreed agreements       // for repeated payments
	facts  *simFacts        // what the bank is asked about
	stated simStatements    // of the second bank
}

// faults that a call to the bank may meet.
func payFaults() []string {
	return []string{
		"ok", "ok", "ok", "refuse", "timeoutButDone", "timeoutNotDone", "errorButDone", "errorNotDone", "refuseLost", "pending", "wrongAmount",
		"wrongAttempt", "wrongOrder", "wrongBank", "otherSigner", "garbage", "badSignature", "notSigned", "wrongCommission",
	}
}

func lookupFaults() []string {
	return []string{"ok", "ok", "finish", "timeoutNotDone", "errorNotDone", "wrongAmount", "wrongAttempt", "otherSigner", "garbage", "badSignature", "wrongCommission"}
}

func pick[T any](s *simulation, from []T) T { return from[s.draw.IntN(len(from))] }

// expected reports whether an error is one that the simulation provokes.
func expected(err error) bool {
	var e *Error
	return err == nil || errors.As(err, &e) || errors.Is(err, errDown)
}

// step does one random thing.
func (s *simulation) step() {
	s.t.Helper()
	ctx := s.t.Context()
	var err error
	switch s.draw.IntN(32) {
	case 23, 24:
		err = s.useSome()
	case 25:
		err = s.changeTerms()
	case 26, 27:
		err = s.askSome()
	case 28, 29:
		err = s.stateSome()
	case 30:
		err = s.undoSome()
	case 31:
		err = s.billSome()
	case 20:
		s.fileFaults()
		s.clock.advance(time.Duration(s.draw.Int64N(int64(2 * time.Minute))))
		_, err = s.workFiles(ctx)
		s.fileCalls.wait()
	case 21, 22:
		err = s.reportSome()
	case 15, 16:
		err = s.refundSome()
	case 17, 18:
		err = s.decideSome()
	case 19:
		s.bank.mu.Lock()
		s.bank.refundPays = append(s.bank.refundPays, pick(s, payFaults()))
		s.bank.refundLookups = append(s.bank.refundLookups, pick(s, lookupFaults()))
		s.bank.mu.Unlock()
		s.refundsWork()
	case 0:
		s.diary.failNext(0)
		s.debts = append(s.debts, s.fee(pick(s, []string{citizenIIN, neighborIIN, companyBIN})))
		if s.draw.IntN(2) == 0 {
			s.debts = append(s.debts, s.claims())
		}
		if s.draw.IntN(2) == 0 {
			s.debts = append(s.debts, s.fines())
		}
	case 1:
		d := pick(s, s.debts)
		_, _, err = s.SubmitDebts(ctx, s.idem("a"), s.agency.ID, []debt.Item{{Reference: d.Reference, Payer: d.Payer, Service: s.fine.ID, Tiyn: new(1 + s.draw.Int64N(1e6))}})
	case 2:
		_, _, err = s.RecallDebt(ctx, s.idem("r"), s.agency.ID, pick(s, s.debts).ID, "error")
	case 3, 4:
		var o order.Order
		if s.draw.IntN(6) == 0 {
			o, _, err = s.CreateFeeOrder(ctx, s.idem("f"), feeRequest(s.own, 1+s.draw.Int64N(1e9)))
		} else {
			o, _, err = s.CreateOrder(ctx, s.idem("o"), s.request())
		}
		if err == nil {
			s.orders = append(s.orders, o)
		}
	case 5, 6:
		err = s.authoriseSome()
	case 7:
		if len(s.orders) > 0 {
			_, _, err = s.CancelOrder(ctx, s.idem("c"), pick(s, s.orders).ID)
		}
	case 8:
		s.bank.mu.Lock()
		s.bank.pays = append(s.bank.pays, pick(s, payFaults()))
		s.bank.lookups = append(s.bank.lookups, pick(s, lookupFaults()))
		s.bank.mu.Unlock()
		s.attempts()
	case 9:
		err = s.callbackSome()
	case 10:
		// Mostly minutes; now and then days, over which discounts end.
		s.clock.advance(time.Duration(s.draw.Int64N(int64(pick(s, []time.Duration{10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 60 * time.Hour})))))
		_, err = s.expireOrders(ctx, 100)
	case 11:
		s.background()
	case 12, 13:
		err = s.counter()
	case 14:
		s.atCounter()
	}
	if !expected(err) {
		s.t.Fatal(err)
	}
}

// request orders one debt or two of one payer, perhaps of two agencies.
func (s *simulation) request() order.Request {
	d, more := pick(s, s.debts), pick(s, s.debts)
	req := order.Request{Payer: d.Payer.ID, Debts: []string{d.ID}, Bank: pick(s, []string{testBIC, testBIC, otherBIC})}
	if more.Payer.ID == d.Payer.ID && more.ID != d.ID {
		req.Debts = append(req.Debts, more.ID)
	}
	if s.draw.IntN(3) > 0 {
		for _, id := range req.Debts {
			req.Instalments = append(req.Instalments, order.Instalment{Debt: id, Tiyn: 1 + s.draw.Int64N(60_000)})
			if s.draw.IntN(2) == 0 {
				break
			}
		}
	}
	return req
}

// counter lets a client pay at the bank; the bank repeats the request when something is broken, and perhaps when nothing is.
func (s *simulation) counter() error {
	d, err := s.Debt(s.t.Context(), pick(s, s.debts).ID)
	s.must(err)
	quote := s.quoted(d.ID)
	if s.draw.IntN(6) == 0 {
		quote = nil // of a time when nothing was taken
	}
	if s.draw.IntN(4) == 0 {
		s.diary.failNext(1)
	}
	if s.draw.IntN(4) == 0 {
		s.notary.fail(pick(s, []string{"seal", "verify"}), 1)
	}
	message := s.initiation("req-"+strconv.Itoa(s.draw.IntN(1<<30)), quote, d)
	o, err := s.began(message)
	if err != nil || s.draw.IntN(3) == 0 {
		again, second := s.began(message)
		if err == nil && second == nil && again.Attempt != o.Attempt {
			s.t.Errorf("one request is %s and %s", o.Attempt, again.Attempt)
		}
		if err != nil {
			o, err = again, second
		}
	}
	if err == nil {
		s.held = append(s.held, o.Attempt)
		s.signed = append(s.signed, o.Order)
		s.priced(o.Order)
	}
	return err
}

// atCounter lets the bank end what it began, which the gateway hears by callback or look-up.
func (s *simulation) atCounter() {
	if len(s.held) == 0 {
		return
	}
	attempt := pick(s, s.held)
	s.bank.mu.Lock()
	open := s.bank.payments[attempt].outcome == bank.Pending
	s.bank.mu.Unlock()
	if open {
		s.bank.ends(attempt, pick(s, []bank.Outcome{bank.Executed, bank.Executed, bank.Refused}))
	}
}

// authoriseSome signs some order, mostly rightly, sometimes while something is broken.
func (s *simulation) authoriseSome() error {
	if len(s.orders) == 0 {
		return nil
	}
	o := pick(s, s.orders)
	signer := citizen(o.Payer)
	if o.Payer == companyBIN {
		signer = Signer{IIN: citizenIIN, BIN: companyBIN, Kind: "organisation", Roles: []string{"head"}}
	}
	switch s.draw.IntN(10) {
	case 0:
		signer = citizen("990140000057")
	case 1:
		s.notary.fail("verify", 1)
	case 2:
		s.diary.failNext(1)
	case 3:
		s.notary.fail("seal", 1+s.draw.IntN(3))
	}
	idem := s.idem("s")
	signature := s.bundle.signed(o, signer)
	_, _, err := s.Authorise(s.t.Context(), idem, o.ID, signature)
	if err != nil && s.draw.IntN(2) == 0 {
		_, _, err = s.Authorise(s.t.Context(), idem, o.ID, signature)
	}
	if err == nil {
		s.accepted(o.ID, idem.Key)
		s.priced(o.ID)
	}
	return err
}

// callbackSome lets the bank speak about some attempt, truly or not, perhaps twice, perhaps while something is broken.
func (s *simulation) callbackSome() error {
	s.bank.mu.Lock()
	var known []string
	for id := range s.bank.payments {
		known = append(known, id)
	}
	s.bank.mu.Unlock()
	if len(known) == 0 {
		return nil
	}
	var change func(*bank.Status)
	switch s.draw.IntN(6) {
	case 0:
		change = func(x *bank.Status) { x.Tiyn++ }
	case 1:
		s.diary.failNext(1)
	case 2:
		change = func(x *bank.Status) {
			*x = bank.Status{Type: x.Type, Bank: x.Bank, Attempt: x.Attempt, Outcome: bank.Pending}
		}
	}
	message := s.bank.says(pick(s, known), change)
	_, err := s.Confirm(s.t.Context(), testBIC, message)
	if expected(err) && s.draw.IntN(2) == 0 {
		_, err = s.Confirm(s.t.Context(), testBIC, message)
	}
	return err
}

// background runs the other workers once, some of them failing.
func (s *simulation) background() {
	ctx := s.t.Context()
	if s.draw.IntN(4) == 0 {
		s.diary.failNext(1)
	}
	if _, err := s.makeCheckpoint(ctx); !expected(err) {
		s.t.Fatal(err)
	}
	if s.draw.IntN(4) == 0 {
		s.notary.fail("seal", 1)
	}
	_, err := s.workReceipts(ctx)
	s.must(err)
	s.hook.mu.Lock()
	s.hook.statuses = append(s.hook.statuses, pick(s, []int{200, 500, 302, 429}))
	s.hook.mu.Unlock()
	_, err = s.workWebhooks(ctx)
	s.must(err)
	s.posts.wait()
}

// finish takes all faults away, lets the workers end what was begun, and checks what was promised.
func (s *simulation) finish() {
	s.t.Helper()
	s.check() // whatever state the faults have left
	s.bank.mu.Lock()
	s.bank.pays, s.bank.lookups, s.bank.refundPays, s.bank.refundLookups = nil, nil, nil, nil
	for _, r := range s.bank.refunds {
		if r.outcome == bank.Pending {
			r.outcome = bank.Executed
			r.times++
		}
	}
	for _, p := range s.bank.payments {
		if p.outcome == bank.Pending {
			p.outcome = bank.Executed
			p.times++
		}
	}
	s.bank.mu.Unlock()
	s.desk.ended()
	s.hook.mu.Lock()
	s.hook.statuses = nil
	s.hook.mu.Unlock()
	s.notary.fail("seal", 0)
	s.notary.fail("verify", 0)
	s.diary.failNext(0)
	s.throughSecond()
	s.clock.advance(36 * time.Hour) // past the longest pause between deliveries
	s.settle()
	s.settle()
	s.keptBack()
	s.settle()
	report := s.check()
	s.agree()
	s.counted(s.withinLimits(true))
	s.commissioned(report)
	s.recorded()
	var postings int64
	s.must(s.db.Get(&postings, `SELECT count(*) FROM postings`))
	if report.Unsigned != 0 || report.Receipts != report.Leaves-postings {
		s.t.Errorf("not everything was ended: %+v", report)
	}
	for _, id := range s.signed {
		if state := s.state(id); state != order.Executed && state != order.Refused {
			s.t.Errorf("a signed order ended as %s", state)
		}
	}
	for attempt, p := range s.bank.payments {
		if p.times > 1 {
			s.t.Errorf("the bank moved the money of %s %d times", attempt, p.times)
		}
	}
	s.desk.once(s.t)
	for id, r := range s.bank.refunds {
		if r.times > 1 {
			s.t.Errorf("the bank gave the money of %s back %d times", id, r.times)
		}
	}
	var open int
	s.must(s.db.Get(&open, `SELECT (SELECT count(*) FROM debts WHERE state = 'reserved' OR part_held > 0)
		+ (SELECT count(*) FROM refunds WHERE state IN ('approved', 'sent', 'unknown', 'absent'))
		+ (SELECT count(*) FROM outbox WHERE state NOT IN ('delivered', 'dead'))`))
	if open != 0 {
		s.t.Errorf("%d debts or webhooks were left on the way", open)
	}
}

// TestSimulation runs a few schedules; QAQPA_SIM_SEED replays one, QAQPA_SIM_RUNS runs more.
func TestSimulation(t *testing.T) {
	runs, first := 6, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("QAQPA_SIM_RUNS")); err == nil {
		runs = n
	}
	if seed, err := strconv.ParseUint(os.Getenv("QAQPA_SIM_SEED"), 10, 64); err == nil {
		runs, first = 1, seed
	}
	kept := drawn(t, runs)
	for i := range runs {
		seed := first + uint64(i)
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			facts := &simFacts{}
			change := []func(*Config){asksBanks(t, facts)}
			if seed%2 == 0 {
				change = append(change, private(t))
			}
			s := &simulation{bundle: setup(t, change...), draw: rand.New(rand.NewPCG(seed, 0)), facts: facts}
			s.lateInMonth(seed, 18*time.Hour)
			s.byFiles(otherBIC)
			s.accounts(kept)
			s.debts = append(s.debts, s.fee(citizenIIN), s.fee(citizenIIN), s.fee(neighborIIN))
			court, claim := s.court()
			s.claims = func() debt.Debt {
				return s.owes(court.ID, claim, "CLAIM-"+strconv.Itoa(s.draw.IntN(1<<30)), 1+s.draw.Int64N(1e6))
			}
			s.fines = func() debt.Debt { return s.fined(100_000) }
			s.debts, s.own = append(s.debts, s.fines(), s.fines()), s.duty()
			s.agreed.about = []string{s.licence.ID, claim.ID, s.debts[len(s.debts)-1].Service}
			s.begin()
			for step := range uint64(180) {
				s.draw = rand.New(rand.NewPCG(seed, step+1)) // whoever wins a race in one step, the next ones stay as they are
				s.step()
			}
			s.finish()
		})
	}
}

// Two processes work one database, are stopped and started in the middle, and the bank loses answers: every payment is
// made once, and Run returns when told.
func TestRunTwoProcesses(t *testing.T) {
	b := setup(t, func(c *Config) {
		c.Now, c.Poll, c.CheckpointEvery = time.Now, 20*time.Millisecond, 50*time.Millisecond
		c.LookupBackoffMin, c.LookupBackoffMax, c.BankTimeout = 10*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond
		c.WebhookBackoff = []time.Duration{10 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond}
	})
	b.hook.now, b.bank.clock.at = time.Now, time.Now()
	const payments = 60
	draw := rand.New(rand.NewPCG(7, 7))
	for range payments {
		b.bank.pays = append(b.bank.pays, []string{"ok", "ok", "timeoutButDone", "timeoutNotDone", "errorNotDone", "pending"}[draw.IntN(6)])
		b.bank.lookups = append(b.bank.lookups, []string{"finish", "timeoutNotDone", "garbage", "finish"}[draw.IntN(4)])
		b.hook.statuses = append(b.hook.statuses, []int{200, 200, 500}[draw.IntN(3)])
	}
	for len(b.bank.lookups) < 5*payments {
		b.bank.lookups = append(b.bank.lookups, "finish")
	}
	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		for _, s := range []*Service{b.Service, setupSecond(b)} {
			wait.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		return func() { cancel(); wait.Wait() }
	}
	stop := run()
	for i := range payments {
		payer := []string{citizenIIN, neighborIIN}[i%2]
		o := b.ordered(payer, b.fee(payer))
		if _, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(payer))); err != nil {
			t.Fatal(err)
		}
		if i == payments/2 {
			stop()
			stop = run()
		}
	}
	defer func() { stop() }()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var left int
		b.must(b.db.Get(&left, `SELECT (SELECT count(*) FROM orders WHERE receipt_id IS NULL) + (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'pending'))`))
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d orders and webhooks are not ended", left)
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	stop = func() {}
	if r := b.check(); r.Leaves != payments || r.Receipts != payments {
		t.Errorf("report %+v", r)
	}
	b.agree()
}

// Run ends with its context even when nothing works.
func TestRunWithoutDatabase(t *testing.T) {
	b := setup(t, func(c *Config) { c.Now, c.Poll = time.Now, 5*time.Millisecond })
	b.must(b.db.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.Run(ctx); err != nil {
		t.Error(err)
	}
}
