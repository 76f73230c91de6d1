package payment

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/catalog"
	"qaqpa/payment/migrations"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
	"qaqpa/testenv/postgres"
)

// schemaText is all migrations without comments.
func schemaText(t *testing.T) string {
	t.Helper()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	var all strings.Builder
	for _, name := range names {
		raw, err := migrations.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			text, _, _ := strings.Cut(line, "--")
			all.WriteString(text)
		}
	}
	return all.String()
}

// The schema keeps to what PostgreSQL, Citus, CockroachDB and YugabyteDB share.
func TestSchemaIsPortable(t *testing.T) {
	schema := strings.ToLower(schemaText(t))
	for _, word := range []string{
		"trigger", "advisory", "listen", "notify", "deferrable", "sequence", "serial", "identity", "create rule", "plpgsql",
		"gen_random_uuid", "exclude using", "references pg", "on delete cascade", "real", "double precision", "numeric", "money",
	} {
		if strings.Contains(schema, word) {
			t.Errorf("the schema uses %q", word)
		}
	}
	for _, name := range regexp.MustCompile(`constraint (\w+)`).FindAllStringSubmatch(schema, -1) {
		if strings.ContainsAny(name[1][len(name[1])-1:], "0123456789") {
			t.Errorf("constraint %s ends in a digit, where Citus writes the number of the shard", name[1])
		}
	}
	for line := range strings.SplitSeq(schema, "\n") {
		constrained := regexp.MustCompile(`\b(primary key|unique|foreign key|check)\b`).MatchString(line)
		if constrained && !strings.Contains(line, "constraint") && !strings.Contains(line, "create unique index") {
			t.Errorf("a constraint without name: %s", strings.TrimSpace(line))
		}
	}
}

// In tables that grow with payments, bucket stands first in every key and index.
func TestBucketComesFirst(t *testing.T) {
	db := postgres.ForTest(t, Migrate)
	reference := map[string]bool{
		"agencies": true, "banks": true, "guarantees": true, "services": true, "service_versions": true, "service_proposals": true, "tariffs": true, "mrp": true, "commission_terms": true, "bank_days": true,
		"checkpoints": true, "checkpoint_head": true, "checkpoint_snapshots": true,
		"agency_event_heads": true, "webhook_secrets": true, "otp_policies": true, "agency_registers": true, "goose_payment": true, "goose_payment_lock": true,
	}
	var rows []struct {
		Table  string `db:"tablename"`
		Index  string `db:"indexname"`
		Define string `db:"indexdef"`
	}
	if err := db.Select(&rows, `SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'`); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		// The feed of an agency goes over all buckets; what is not unique may, for each shard has an index of its own rows.
		if feed := r.Index == "outbox_unnumbered" || r.Index == "outbox_events"; feed {
			continue
		}
		if !reference[r.Table] && !strings.Contains(r.Define, "(bucket") {
			t.Errorf("index %s of %s: %s", r.Index, r.Table, r.Define)
		}
	}
	var keys []string
	err := db.Select(&keys, `SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		table, define, _ := strings.Cut(key, " ")
		if !reference[table] && !strings.Contains(define, "FOREIGN KEY (bucket") {
			t.Errorf("foreign key of %s: %s", table, define)
		}
	}
}

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	db := postgres.ForTest(t)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			if err := Migrate(t.Context(), db); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var heads, mrp int
	if err := db.Get(&heads, `SELECT count(*) FROM journal_heads`); err != nil || heads != 256 {
		t.Errorf("%d heads: %v", heads, err)
	}
	if err := db.Get(&mrp, `SELECT amount FROM mrp WHERE valid_from = '2026-01-01'`); err != nil || mrp != 432500 {
		t.Errorf("МРП %d: %v", mrp, err)
	}
}

// The role of the program may add to what is append-only and may change nothing of it, and can do its work.
func TestAppRole(t *testing.T) {
	dsn := postgres.DSNForTest(t, Migrate, migrateDiary)
	owner, err := Connect(t.Context(), dsn, ConnectConfig{ConnectionsMax: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	if _, err := owner.ExecContext(t.Context(), `CREATE ROLE `+AppRole+` LOGIN`); err != nil && pq.As(err, pqerror.DuplicateObject) == nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.ExecContext(t.Context(), `GRANT ALL ON diary TO `+AppRole); err != nil {
		t.Fatal(err)
	}
	app, err := Connect(t.Context(), regexp.MustCompile(`user=\S+`).ReplaceAllString(dsn, "user="+AppRole), ConnectConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	b := setupOn(t, app)
	b.authorised(citizenIIN)
	b.bank.pays = []string{"timeoutButDone"}
	b.settle()
	x := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(b.executed(neighborIIN)))))
	b.settle()
	if got := b.refunded(x.ID); got.State != refund.Executed {
		t.Errorf("the refund is %s", got.State)
	}
	b.posted(pageLeaves)
	if n, err := b.workBalances(t.Context()); err != nil || n == 0 {
		t.Errorf("%d pages: %v", n, err)
	}
	_, _, err = b.AddMRP(t.Context(), b.idem("mrp"), catalog.MRP{ValidFrom: "2027-01-01", ValidTo: "2027-12-31", Tiyn: 465000, Source: "law on the budget"})
	b.must(err)
	b.agree()
	known := strings.FieldsFunc(appendOnlyTables+", "+changingTables+", "+codeTables+", mrp, otp_policies, diary", func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
	var tables []string
	b.must(owner.SelectContext(t.Context(), &tables, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'`))
	for _, table := range tables {
		if !slices.Contains(known, table) {
			t.Errorf("nothing says what the program may do with table %s", table)
		}
	}
	for _, table := range strings.FieldsFunc(appendOnlyTables, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		for _, statement := range []string{`DELETE FROM ` + table, `TRUNCATE ` + table, `UPDATE ` + table + ` SET ` + firstColumn(t, owner, table) + ` = DEFAULT`} {
			if _, err := app.ExecContext(t.Context(), statement); pq.As(err, pqerror.InsufficientPrivilege) == nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
}

func firstColumn(t *testing.T, db *sqlx.DB, table string) string {
	t.Helper()
	var name string
	if err := db.Get(&name, `SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND ordinal_position = 1`, table); err != nil {
		t.Fatal(err)
	}
	return name
}

// The database itself refuses what the code must never write.
func TestConstraints(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN)
	b.settle()
	for name, c := range map[string]struct{ statement, constraint string }{
		"transfer of nothing":   {`UPDATE transfers SET amount = 0`, "transfers_amount_positive"},
		"transfer to itself":    {`UPDATE transfers SET debit_account = credit_account`, "transfers_accounts_differ"},
		"transfer in dollars":   {`UPDATE transfers SET currency = 'USD'`, "transfers_currency_known"},
		"item posted twice":     {`INSERT INTO transfers SELECT bucket, id || 'x', kind, order_id, debt_id, debit_account, credit_account, amount, currency, journal_seq, created_at FROM transfers`, "transfers_item_key"},
		"executed without time": {`UPDATE orders SET executed_at = NULL`, "orders_executed_complete"},
		"paid without order":    {`UPDATE debts SET order_id = NULL`, "debts_order_while_tied"},
		"two leaves of a kind":  {`INSERT INTO journal SELECT bucket, seq + 1, order_id, leaf, chain, created_at FROM journal`, "journal_order_key"},
		"second head":           {`INSERT INTO checkpoint_head SELECT 2, number, heads FROM checkpoint_head`, "checkpoint_head_single"},
	} {
		_, err := b.db.ExecContext(t.Context(), c.statement)
		if e := pq.As(err, pqerror.CheckViolation, pqerror.UniqueViolation); e == nil || e.Constraint != c.constraint {
			t.Errorf("%s: got %v, want %s", name, err, c.constraint)
		}
	}
}

// proxy stands between a pool and PostgreSQL and can misbehave.
type proxy struct {
	target  string
	address string
	// silent swallows everything; cutCommit passes the next COMMIT on and cuts the connection before its answer.
	silent, cutCommit atomic.Bool
}

// startProxy listens on loopback in front of the socket of a DSN and returns the DSN that leads through it.
func startProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	host := regexp.MustCompile(`host=(\S+)`).FindStringSubmatch(dsn)
	port := regexp.MustCompile(`port=(\d+)`).FindStringSubmatch(dsn)
	if host == nil || port == nil {
		t.Fatalf("no host and port in %q", dsn)
	}
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &proxy{target: strings.Trim(host[1], "'") + "/.s.PGSQL." + port[1], address: listener.Addr().String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(t.Context(), client)
		}
	}()
	_, outPort, _ := net.SplitHostPort(p.address)
	dsn = strings.Replace(dsn, host[0], "host=127.0.0.1", 1)
	return p, strings.Replace(dsn, port[0], "port="+outPort, 1)
}

func (p *proxy) serve(ctx context.Context, client net.Conn) {
	defer client.Close()
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "unix", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	var cut atomic.Bool
	go func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || cut.Load() {
				return
			}
			if p.silent.Load() {
				continue
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	reader := bufio.NewReaderSize(client, 1<<20)
	buffer := make([]byte, 64<<10)
	for {
		n, err := reader.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("COMMIT")) && p.cutCommit.CompareAndSwap(true, false) {
			cut.Store(true)
		}
		if !p.silent.Load() {
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}

// throughProxy is a gateway whose database connection can misbehave, and the same database seen directly.
func throughProxy(t *testing.T, cfg ConnectConfig) (*bundle, *proxy, *sqlx.DB) {
	t.Helper()
	dsn := postgres.DSNForTest(t, Migrate, migrateDiary)
	p, through := startProxy(t, dsn)
	db, err := Connect(t.Context(), through, cfg)
	if err != nil {
		t.Skipf("PostgreSQL of the tests does not take connections through a proxy: %v", err)
	}
	direct, err := Connect(t.Context(), dsn, ConnectConfig{ConnectionsMax: 2})
	if err != nil {
		t.Fatal(err)
	}
	b := setupOn(t, db)
	t.Cleanup(func() { _ = db.Close(); _ = direct.Close() })
	return b, p, direct
}

// The database commits, and the answer is lost on the way: the caller sees an error, repeats with the same key, and gets
// what was done.
func TestCommitLostButApplied(t *testing.T) {
	b, p, direct := throughProxy(t, ConnectConfig{ConnectionsMax: 4})
	d := b.fee(citizenIIN)
	idem := b.idem("order")
	req := order.Request{Payer: citizenIIN, Debts: []string{d.ID}, Bank: testBIC}
	p.cutCommit.Store(true)
	if _, _, err := b.CreateOrder(t.Context(), idem, req); err == nil {
		t.Fatal("no error although the answer was lost")
	}
	var stored int
	for range 50 { // the server finishes the commit by itself
		if err := direct.Get(&stored, `SELECT count(*) FROM orders`); err != nil {
			t.Fatal(err)
		}
		if stored == 1 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	o, replayed, err := b.CreateOrder(t.Context(), idem, req)
	if err != nil || !replayed || stored != 1 {
		t.Fatalf("repetition: %v %v, %d stored", replayed, err, stored)
	}
	sign := b.idem("sign")
	signature := b.signed(o, citizen(citizenIIN))
	p.cutCommit.Store(true)
	if _, _, err := b.Authorise(t.Context(), sign, o.ID, signature); err == nil {
		t.Fatal("no error although the answer was lost")
	}
	time.Sleep(100 * time.Millisecond)
	if _, replayed, err := b.Authorise(t.Context(), sign, o.ID, signature); err != nil || !replayed {
		t.Fatalf("repetition: %v %v", replayed, err)
	}
	b.bank.pays = []string{"timeoutButDone"}
	b.attempts()
	p.cutCommit.Store(true)
	message := b.bank.says(attemptOf(b, o.ID), nil)
	if _, err := b.Confirm(t.Context(), testBIC, message); err == nil {
		t.Fatal("no error although the answer was lost")
	}
	time.Sleep(100 * time.Millisecond)
	if got, err := b.Confirm(t.Context(), testBIC, message); err != nil || got.Result != AlreadyApplied {
		t.Fatalf("repetition: %+v %v", got, err)
	}
	b.settle()
	b.agree()
}

func attemptOf(b *bundle, id string) string {
	b.t.Helper()
	o, err := b.Order(b.t.Context(), id)
	b.must(err)
	return o.Attempt
}

// The database stops answering without closing anything: callers come back within the deadline although their context has
// none, and work goes on when it returns.
func TestSilentDatabaseFreesCallers(t *testing.T) {
	b, p, _ := throughProxy(t, ConnectConfig{ConnectionsMax: 4, ReadTimeout: time.Second, ConnectTimeout: time.Second})
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	p.silent.Store(true)
	for name, call := range map[string]func(context.Context) error{
		"read":  func(ctx context.Context) error { _, err := b.Order(ctx, o.ID); return err },
		"write": func(ctx context.Context) error { _, _, err := b.CancelOrder(ctx, b.idem("c"), o.ID); return err },
	} {
		started := time.Now()
		err := call(context.WithoutCancel(t.Context()))
		if took := time.Since(started); err == nil || took > 8*time.Second {
			t.Errorf("%s came back after %s with %v", name, took, err)
		}
	}
	p.silent.Store(false)
	var err error
	for range 20 {
		if _, err = b.Order(t.Context(), o.ID); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("the database is back, and: %v", err)
	}
	b.check()
}

func TestConnectRefuses(t *testing.T) {
	if _, err := Connect(t.Context(), "host=127.0.0.1 port=1 sslmode=disable connect_timeout=1", ConnectConfig{}); err == nil {
		t.Error("connected to nothing")
	}
	if _, err := Connect(t.Context(), "sslmode=perhaps", ConnectConfig{}); err == nil {
		t.Error("a broken connection string was taken")
	}
}

// Time-outs of the server are set, so that a statement or a lock never holds a caller for long.
func TestConnectSetsTimeouts(t *testing.T) {
	db, err := Connect(t.Context(), postgres.DSNForTest(t), ConnectConfig{StatementTimeout: 300 * time.Millisecond, LockTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `SELECT pg_sleep(5)`); pq.As(err, pqerror.QueryCanceled) == nil {
		t.Errorf("statement: %v", err)
	}
	var lock string
	if err := db.Get(&lock, `SHOW lock_timeout`); err != nil || lock != "200ms" {
		t.Errorf("lock_timeout %q %v", lock, err)
	}
}

// Serialisation failures are repeated, other errors are not.
func TestInTxRepeats(t *testing.T) {
	s := newStore(postgres.ForTest(t), time.Now)
	runs := 0
	err := s.inTx(t.Context(), func(context.Context, *sqlx.Tx) error {
		if runs++; runs < 3 {
			return &pq.Error{Code: pqerror.TRSerializationFailure}
		}
		return nil
	})
	if err != nil || runs != 3 {
		t.Errorf("%d runs: %v", runs, err)
	}
	runs = 0
	err = s.inTx(t.Context(), func(context.Context, *sqlx.Tx) error { runs++; return &pq.Error{Code: pqerror.TRDeadlockDetected} })
	if runs != triesMax || pq.As(err, pqerror.TRDeadlockDetected) == nil {
		t.Errorf("%d runs: %v", runs, err)
	}
	runs = 0
	err = s.inTx(t.Context(), func(context.Context, *sqlx.Tx) error { runs++; return errDown })
	if runs != 1 || !errors.Is(err, errDown) {
		t.Errorf("%d runs: %v", runs, err)
	}
}
