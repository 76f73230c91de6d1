package payment

import (
	"context"
	"slices"
	"testing"

	"qaqpa/payment/bank"
	stand "qaqpa/testenv/bank"
	"qaqpa/testenv/sim"
)

// putFaults are what may happen to a file on its way; lostAfterPut is a bank that takes it and forgets it.
func putFaults() []string {
	return []string{"ok", "ok", "refuse", "timeoutButDone", "timeoutNotDone", "errorNotDone", "errorButDone", "pending", "lostAfterPut"}
}

func askFaults() []string {
	return []string{"ok", "ok", "timeoutNotDone", "errorNotDone", "wrongAmount", "wrongCurrency", "wrongAttempt", "unknownCode", "otherSigner", "badSignature", "garbage"}
}

func (s *simulation) fileFaults() {
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	s.desk.puts = append(s.desk.puts, pick(s, putFaults()))
	s.desk.asks = append(s.desk.asks, pick(s, askFaults()))
}

// filesOf lists the files that the gateway has made, in the order of their making. A database that is dying lists none.
func (s *simulation) filesOf() []string {
	var names []string
	if err := s.db.Select(&names, `SELECT id FROM bank_files ORDER BY id`); err != nil {
		return nil
	}
	return names
}

// saysOfFile is a report about some file, mostly true; the bank may end what is pending before.
func (s *simulation) saysOfFile() []byte {
	names := s.filesOf()
	if len(names) == 0 {
		return nil
	}
	file, lie := pick(s, names), "ok"
	switch s.draw.IntN(5) {
	case 0:
		lie = pick(s, askFaults())
	case 1:
		s.desk.FinishAll(stand.CodeExecuted)
	}
	return s.desk.signed(s.desk.Report(file, lying(lie)), lie)
}

// reportSome lets the bank report about a file, perhaps twice, perhaps while something is broken.
func (s *simulation) reportSome() error {
	message := s.saysOfFile()
	if message == nil {
		return nil
	}
	if s.draw.IntN(6) == 0 {
		s.diary.failNext(1)
	}
	_, err := s.TakeReport(s.t.Context(), otherBIC, message)
	if expected(err) && s.draw.IntN(2) == 0 {
		_, err = s.TakeReport(s.t.Context(), otherBIC, message)
	}
	return err
}

// ended takes the faults away and ends what is pending.
func (f *fakeFiles) ended() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.puts, f.asks = nil, nil
	f.FinishAll(stand.CodeExecuted)
}

// once checks that no money moved twice.
func (f *fakeFiles) once(tb testing.TB) {
	tb.Helper()
	for payment, times := range f.Moves() {
		if times > 1 {
			tb.Errorf("the bank moved the money of %s %d times by file", payment, times)
		}
	}
}

// mortalFiles is the bank's desk as a gateway that may die reaches it.
type mortalFiles struct {
	*fakeFiles
	proxy *sim.Proxy
}

func (m mortalFiles) Put(ctx context.Context, address, name string, message []byte) error {
	if m.proxy.Dead() {
		return bank.ErrNoReply
	}
	return m.fakeFiles.Put(ctx, address, name, message)
}

func (m mortalFiles) Ask(ctx context.Context, address, name string) (bank.Reply, error) {
	if m.proxy.Dead() {
		return bank.Reply{}, bank.ErrNoReply
	}
	return m.fakeFiles.Ask(ctx, address, name)
}

// report lets the bank report while gateway or database may die; what was not answered is sent again.
func (c *crashing) report() {
	message := c.saysOfFile()
	if message == nil {
		return
	}
	c.request(func(ctx context.Context) error {
		_, err := c.TakeReport(ctx, otherBIC, message)
		return err
	})
}

// begins lets the bank begin a payment for its client. It executes nothing before it was answered.
func (c *crashing) begins() {
	if len(c.debts) == 0 {
		return
	}
	known, err := c.Debt(c.t.Context(), pick(c.simulation, c.debts).ID)
	if err != nil {
		return // the database may be dying
	}
	message, first := c.initiation("req-"+c.idemRandom().Key, c.quoted(known.ID), known), ""
	c.request(func(ctx context.Context) error {
		sealed, err := c.PayForBank(ctx, testBIC, message)
		if err != nil {
			return err
		}
		o := c.holds(sealed)
		if first != "" && first != o.Attempt {
			c.t.Errorf("one request is %s and %s", first, o.Attempt)
		}
		if first == "" {
			c.held = append(c.held, o.Attempt)
			c.promises = append(c.promises, promise{"payment", o.Order})
		}
		first = o.Attempt
		return nil
	})
}

// finishes lets the bank end what it began.
func (c *crashing) finishes() { c.atCounter() }

// Moves tells how often the money of each payment moved.
func (f *fakeFiles) Moves() map[string]int {
	moves := map[string]int{}
	for _, payment := range f.Payments() {
		moves[payment], _ = f.Moved(payment)
	}
	return moves
}

// A file lost by the bank, by the network and by a crash is the same file each time.
func TestFilesKeepTheirBytes(t *testing.T) {
	b := setup(t)
	b.byFiles(otherBIC)
	d := b.fee(citizenIIN)
	o := b.orderedAt(otherBIC, citizenIIN, d)
	_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.desk.puts = []string{"timeoutNotDone", "lostAfterPut", "lostAfterPut", "ok"}
	for range 20 {
		b.filesWork()
	}
	slices.Sort(b.desk.names)
	if b.state(o.ID) != "executed" || b.desk.taken != 3 || len(slices.Compact(b.desk.names)) != 1 {
		t.Errorf("order %s after %d files: %v", b.state(o.ID), b.desk.taken, b.desk.names)
	}
	b.settle()
	b.agree()
}
