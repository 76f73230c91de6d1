package payment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
	"qaqpa/testenv/postgres"
	"qaqpa/testenv/sim"
)

// world is where schedules with crashes run: one database server that is killed and restarted, and the proxy that ends
// gateways.
type world struct {
	server *postgres.Server
	proxy  *sim.Proxy
	made   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "qaqpa-sim-") //nolint:usetesting // PostgreSQL's user may not pass through the folders of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &world{}
	// What was committed was handed to the operating system, which survives here: no fsync, but no commit before its record.
	if w.server, err = postgres.Start(t.Context(), postgres.Config{Dir: dir + "/pg", Settings: map[string]string{"synchronous_commit": "on"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.server.Stop() })
	if w.proxy, err = sim.New(t.Context(), dir, w.server.SocketDir(), w.server.Kill); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.proxy.Close() })
	return w
}

// connect opens a pool through the proxy.
func (w *world) connect(tb testing.TB, database string) *sqlx.DB {
	tb.Helper()
	dsn := fmt.Sprintf("host=%s port=5432 user=qaqpa dbname=%s sslmode=disable", w.proxy.Dir(), database)
	// As patient as a machine is that does other work beside: a schedule is about crashes, not about limits of time.
	db, err := Connect(tb.Context(), dsn, ConnectConfig{ReadTimeout: time.Minute, LockTimeout: time.Minute, ConnectTimeout: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

// database makes an empty migrated database.
func (w *world) database(tb testing.TB) string {
	tb.Helper()
	w.made++
	name := "sim_" + strconv.Itoa(w.made)
	admin, err := w.server.Open(tb.Context(), "postgres")
	if err != nil {
		tb.Fatal(err)
	}
	defer admin.Close()
	if w.made == 1 {
		if err := w.server.EnsureDatabase(tb.Context(), "sim_template"); err != nil {
			tb.Fatal(err)
		}
		db := w.connect(tb, "sim_template")
		for _, migrate := range []func(context.Context, *sqlx.DB) error{Migrate, migrateDiary} {
			if err := migrate(tb.Context(), db); err != nil {
				tb.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := admin.ExecContext(tb.Context(), `CREATE DATABASE `+name+` TEMPLATE sim_template STRATEGY file_copy`); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.drop(tb, name) })
	return name
}

// drop takes a schedule's database away: thousands of them would fill a disk.
func (w *world) drop(tb testing.TB, name string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	admin, err := w.server.Open(ctx, "postgres")
	if err == nil {
		defer admin.Close()
		_, err = admin.ExecContext(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
	}
	if err != nil && !tb.Failed() { // a schedule that failed may have left its server dead
		tb.Errorf("couldn't drop %s: %v", name, err)
	}
}

// mortalBank is the bank as a gateway that may die reaches it: a dead one sends nothing and hears nothing.
type mortalBank struct {
	*fakeBank
	proxy *sim.Proxy
}

func (m mortalBank) Pay(ctx context.Context, url string, message []byte) (bank.Reply, error) {
	if m.proxy.Dead() {
		return bank.Reply{}, bank.ErrNoReply
	}
	return m.fakeBank.Pay(ctx, url, message)
}

func (m mortalBank) Lookup(ctx context.Context, url, attempt string) (bank.Reply, error) {
	if m.proxy.Dead() {
		return bank.Reply{}, bank.ErrNoReply
	}
	return m.fakeBank.Lookup(ctx, url, attempt)
}

func (m mortalBank) Refund(ctx context.Context, url string, message []byte) (bank.Reply, error) {
	if m.proxy.Dead() {
		return bank.Reply{}, bank.ErrNoReply
	}
	return m.fakeBank.Refund(ctx, url, message)
}

func (m mortalBank) LookupRefund(ctx context.Context, url, refund string) (bank.Reply, error) {
	if m.proxy.Dead() {
		return bank.Reply{}, bank.ErrNoReply
	}
	return m.fakeBank.LookupRefund(ctx, url, refund)
}

// promise is an answer with success: a debt or an order exists, a payment is executed or refused in the end.
type promise struct{ what, id string }

// kept reports whether a promise holds.
func (c *crashing) kept(p promise) error {
	if p.what == "debt" {
		_, err := c.Debt(c.t.Context(), p.id)
		return err
	}
	if p.what == "refund" {
		x, _, err := c.Refund(c.t.Context(), "", p.id)
		if err == nil && x.DecidedBy != "" && x.State != refund.Executed && x.State != refund.Refused {
			err = fmt.Errorf("%s ended as %s", p.id, x.State)
		}
		return err
	}
	o, err := c.Order(c.t.Context(), p.id)
	if err == nil && p.what == "payment" && o.State != order.Executed && o.State != order.Refused {
		err = fmt.Errorf("%s ended as %s", p.id, o.State)
	}
	return err
}

// crashing is a simulation whose gateway and database die.
type crashing struct {
	*simulation
	*world
	name string
	// pending are requests to be sent, sent again or sent late, under the same key.
	pending []func(context.Context) error
	// promises are checked at the end: each was answered with success.
	promises []promise
	deaths   map[sim.Cut]int
	// settlements counts what the treasury has received.
	settlements int
}

func newCrashing(t *testing.T, w *world, seed uint64) *crashing {
	t.Helper()
	name := w.database(t)
	b := setupOn(t, w.connect(t, name), func(c *Config) {
		if f, ok := c.Banks.(*fakeBank); ok {
			c.Banks = mortalBank{f, w.proxy}
		}
		if f, ok := c.Files.(*fakeFiles); ok {
			c.Files = mortalFiles{f, w.proxy}
		}
	})
	t.Cleanup(func() { _ = b.db.Close() })
	b.guarantee(simRoom * licenceTiyn)
	b.limit(0, simDay*licenceTiyn)
	b.byFiles(otherBIC)
	return &crashing{
		simulation: &simulation{bundle: b, draw: rand.New(rand.NewPCG(seed, 1))}, world: w, name: name, deaths: map[sim.Cut]int{},
	}
}

// restart starts a new gateway if the old one has died, and the database if it was killed.
func (c *crashing) restart() {
	c.t.Helper()
	c.calls.wait()
	c.refundCalls.wait()
	c.fileCalls.wait()
	c.posts.wait()
	died, err := c.proxy.Revive()
	c.must(err)
	if died == sim.Never {
		return
	}
	c.deaths[died]++
	if died == sim.Database {
		c.must(c.server.Restart(c.t.Context()))
	}
	_ = c.db.Close() // of a dead process
	cfg := c.cfg
	cfg.DB = c.connect(c.t, c.name)
	cfg.Bulk = cfg.DB
	c.Service, err = New(cfg)
	c.must(err)
}

// request sends something now, or later; what got no definite answer is sent again, and what got one may come twice.
func (c *crashing) request(do func(context.Context) error) {
	c.t.Helper()
	if c.draw.IntN(6) == 0 { // delayed
		c.pending = append(c.pending, do)
		return
	}
	err := do(c.t.Context())
	if c.undecided(err) || c.draw.IntN(5) == 0 {
		c.pending = append(c.pending, do)
	}
}

// undecided reports whether an error leaves open what happened; any other must be a refusal.
func (c *crashing) undecided(err error) bool {
	c.t.Helper()
	var refused *Error
	switch {
	case err == nil:
		return false
	case errors.As(err, &refused):
		return refused.Kind == KindUnavailable
	case errors.Is(err, errDown), c.proxy.Dead():
		return true
	}
	c.t.Fatalf("without a crash: %v", err)
	return false
}

func (c *crashing) idemRandom() Idem {
	c.keys++
	return Idem{Caller: "test", Key: "k-" + strconv.Itoa(c.keys), Hash: [32]byte{byte(c.keys)}}
}

func (c *crashing) submit() {
	payer := pick(c.simulation, []string{citizenIIN, neighborIIN, companyBIN})
	idem := c.idemRandom()
	reference := "S-" + idem.Key
	c.request(func(ctx context.Context) error {
		out, _, err := c.SubmitDebts(ctx, idem, c.agency.ID, []debt.Item{{Reference: reference, Payer: debt.Payer{ID: payer, Name: "ИМАНОВ"}, Service: c.licence.ID}})
		if err != nil {
			return err
		}
		id := out.Results[0].Debt
		c.debts = append(c.debts, debt.Debt{ID: id, Payer: debt.Payer{ID: payer}, Reference: reference})
		c.promises = append(c.promises, promise{"debt", id})
		return nil
	})
}

func (c *crashing) create() {
	if len(c.debts) == 0 {
		return
	}
	d, idem, first := pick(c.simulation, c.debts), c.idemRandom(), ""
	bic := pick(c.simulation, []string{testBIC, testBIC, otherBIC})
	c.request(func(ctx context.Context) error {
		o, _, err := c.CreateOrder(ctx, idem, order.Request{Payer: d.Payer.ID, Debts: []string{d.ID}, Bank: bic})
		if err != nil {
			return err
		}
		if first != "" && first != o.ID {
			c.t.Errorf("one key made the orders %s and %s", first, o.ID)
		}
		if first == "" {
			c.orders = append(c.orders, o)
			c.promises = append(c.promises, promise{"order", o.ID})
		}
		first = o.ID
		return nil
	})
}

func (c *crashing) authorise() {
	if len(c.orders) == 0 {
		return
	}
	o, idem := pick(c.simulation, c.orders), c.idemRandom()
	signer := citizen(o.Payer)
	if o.Payer == companyBIN {
		signer = Signer{IIN: citizenIIN, BIN: companyBIN, Kind: "organisation", Roles: []string{"head"}}
	}
	var signature []byte
	c.request(func(ctx context.Context) error {
		if signature == nil {
			document, err := c.OrderDocument(ctx, o.ID)
			if err != nil {
				return err
			}
			signature = c.notary.sign(signer, document, true)
		}
		_, _, err := c.Authorise(ctx, idem, o.ID, signature)
		if err == nil {
			c.accepted(o.ID, idem.Key)
			c.promises = append(c.promises, promise{"payment", o.ID})
		}
		return err
	})
}

func (c *crashing) callback() {
	var known []string
	for id := range c.bank.payments {
		known = append(known, id)
	}
	if len(known) == 0 {
		return
	}
	// Maps have no order; the drawn number must mean the same attempt in a replay.
	least := known[0]
	skip := c.draw.IntN(len(known))
	for range skip + 1 {
		least = ""
		for _, id := range known {
			if id != "" && (least == "" || id < least) {
				least = id
			}
		}
		for i := range known {
			if known[i] == least {
				known[i] = ""
			}
		}
	}
	message := c.bank.says(least, nil)
	c.request(func(ctx context.Context) error {
		out, err := c.Confirm(ctx, testBIC, message)
		if err == nil && out.Result == Applied {
			c.promises = append(c.promises, promise{"payment", out.Order})
		}
		return err
	})
}

// workers runs the background once; what fails there comes up again.
func (c *crashing) workers() {
	ctx := c.t.Context()
	c.bank.pays = append(c.bank.pays, pick(c.simulation, payFaults()))
	c.bank.lookups = append(c.bank.lookups, pick(c.simulation, lookupFaults()))
	c.bank.refundPays = append(c.bank.refundPays, pick(c.simulation, payFaults()))
	c.bank.refundLookups = append(c.bank.refundLookups, pick(c.simulation, lookupFaults()))
	c.hook.statuses = append(c.hook.statuses, pick(c.simulation, []int{200, 500}))
	c.fileFaults()
	for _, work := range []func() error{
		func() error { _, err := c.workFiles(ctx); c.fileCalls.wait(); return err },
		func() error { _, err := c.workAttempts(ctx); c.calls.wait(); return err },
		func() error { _, err := c.workRefunds(ctx); c.refundCalls.wait(); return err },
		func() error { _, err := c.makeCheckpoint(ctx); return err },
		func() error { _, err := c.workReceipts(ctx); return err },
		func() error { _, err := c.workWebhooks(ctx); c.posts.wait(); return err },
		func() error { _, err := c.expireOrders(ctx, 100); return err },
	} {
		if c.proxy.Dead() {
			return
		}
		c.undecided(work())
	}
}

// simDay is how many payments the operator lets through the bank in a day.
const simDay = 12

// simRoom is how many payments the bank's guarantee covers at once.
const simRoom = 5

// settleOne lets the treasury receive one executed payment, so that there is room again. Its subject is posted once, however
// often it is tried.
func (c *crashing) settleOne() {
	c.settlements++
	subject := "match-" + strconv.Itoa(c.settlements)
	c.request(func(ctx context.Context) error {
		var owed int64
		if err := one(ctx, c.db, &owed, `SELECT (SELECT coalesce(sum(amount), 0) FROM transfers WHERE debit_account = $1)::bigint
			- (SELECT coalesce(sum(amount), 0) FROM transfers WHERE credit_account = $1)::bigint`, string(ledger.BankDue(testBIC))); err != nil {
			return err
		}
		if owed < licenceTiyn {
			return nil
		}
		err := c.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
			_, err := c.postAll(ctx, tx, []postingRequest{c.settlement(subject, licenceTiyn)})
			return err
		})
		if errors.Is(err, errPosted) {
			return nil
		}
		return err
	})
}

// covered checks that the bank has never more to answer for than it guaranteed.
func (c *crashing) covered() {
	c.t.Helper()
	e, err := c.Exposure(c.t.Context(), testBIC)
	c.must(err)
	if e.Committed > simRoom*licenceTiyn || e.Committed < 0 || e.DayUsed > simDay*licenceTiyn {
		c.t.Errorf("exposure %+v", e)
	}
}

// step does one random thing, in the middle of which the gateway or the database may die.
func (c *crashing) step() {
	c.t.Helper()
	if c.draw.IntN(3) > 0 {
		cut := pick(c.simulation, []sim.Cut{sim.Before, sim.Before, sim.Before, sim.After, sim.After, sim.After, sim.After, sim.Database})
		c.proxy.Arm(cut, 1+c.draw.IntN(24))
	}
	choice := c.draw.IntN(28)
	switch choice {
	case 21, 22:
		c.use()
	case 23:
		c.terms()
	case 24, 25:
		c.states()
	case 26:
		c.undoes()
	case 27:
		c.bills()
	case 18:
		c.report()
	case 19:
		c.begins()
	case 20:
		c.finishes()
	case 13, 14:
		c.refund()
	case 15, 16:
		c.decide()
	case 17:
		c.refundCallback()
	case 12:
		c.settleOne()
	case 0, 1:
		c.submit()
	case 2, 3:
		c.create()
	case 4, 5:
		c.authorise()
	case 6:
		c.callback()
	case 7, 8, 9:
		c.workers()
	case 10:
		c.clock.advance(time.Duration(c.draw.Int64N(int64(4 * time.Minute))))
	case 11:
		if len(c.pending) > 0 { // late and out of order
			i := c.draw.IntN(len(c.pending))
			do := c.pending[i]
			c.pending = append(c.pending[:i], c.pending[i+1:]...)
			c.request(do)
		}
	}
	c.restart()
	c.covered()
	if choice == 21 || choice == 22 {
		c.withinLimits(false)
	}
}

// end repeats what was left open, ends what was begun, and checks everything.
func (c *crashing) end() {
	c.t.Helper()
	_, err := c.proxy.Revive()
	c.must(err)
	c.check() // whatever state the crashes have left
	for _, do := range c.pending {
		if c.undecided(do(c.t.Context())) {
			c.t.Error("a request stays undecided though nothing is broken")
		}
	}
	c.finish()
	for _, p := range c.promises {
		if err := c.kept(p); err != nil {
			c.t.Errorf("a promise was broken: %v", err)
		}
	}
	executions := map[string]int{}
	for _, p := range c.bank.payments {
		executions[p.order.Order] += p.times
	}
	c.desk.once(c.t)
	for id, times := range executions {
		if times > 1 {
			c.t.Errorf("order %s was executed %d times", id, times)
		}
	}
}

// TestCrashes runs seeded schedules in which gateway and database die at chosen messages and every message may be lost,
// repeated or late. QAQPA_SIM_SEED replays one; QAQPA_SIM_RUNS runs more than the few that every test run does.
func TestCrashes(t *testing.T) {
	runs, first := 8, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("QAQPA_SIM_RUNS")); err == nil {
		runs = n
	}
	if seed, err := strconv.ParseUint(os.Getenv("QAQPA_SIM_SEED"), 10, 64); err == nil {
		runs, first = 1, seed
	}
	// A world's server dies with its schedule, so schedules beside each other need worlds of their own.
	worlds := make(chan *world, min(runtime.GOMAXPROCS(0), (runs+3)/4))
	for range cap(worlds) {
		worlds <- newWorld(t)
	}
	var mu sync.Mutex
	kept := drawn(t, runs)
	deaths, messages := map[sim.Cut]int{}, 0
	t.Run("schedules", func(t *testing.T) {
		for i := range runs {
			seed := first + uint64(i)
			t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
				t.Parallel()
				w := <-worlds
				t.Cleanup(func() { worlds <- w }) // last of all: what the schedule leaves is cleared away before
				sent := w.proxy.Sent()
				died := crash(t, w, seed, kept)
				mu.Lock()
				defer mu.Unlock()
				messages += w.proxy.Sent() - sent
				for cut, n := range died {
					deaths[cut] += n
				}
			})
		}
	})
	t.Logf("%d schedules, %d messages; gateways died %d times before and %d after a message, the database %d times",
		runs, messages, deaths[sim.Before], deaths[sim.After], deaths[sim.Database])
	if runs >= 8 && (deaths[sim.Before] == 0 || deaths[sim.After] == 0 || deaths[sim.Database] == 0) {
		t.Error("a way to die was never taken")
	}
}

// crash runs one schedule and returns how often what died.
func crash(t *testing.T, w *world, seed uint64, kept *atomic.Int64) map[sim.Cut]int {
	t.Helper()
	c := newCrashing(t, w, seed)
	c.accounts(kept)
	c.lateInMonth(seed, 18*time.Hour+57*time.Minute)
	c.agreed.about = []string{c.licence.ID}
	c.begin()
	for step := range uint64(60) {
		c.draw = rand.New(rand.NewPCG(seed, step+2))
		c.step()
	}
	c.end()
	return c.deaths
}
