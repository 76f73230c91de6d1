package payment

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"qaqpa/payment/ledger"
	"qaqpa/payment/migrations"
)

// AppRole is the database role under which a gateway that does not own the schema runs. When it exists, [Migrate] gives
// it what the program needs and no more: what is append-only can be read and inserted, never updated or deleted.
const AppRole = "qaqpa_app"

// Migrate brings the schema of the payment domain to the newest version (table goose_payment remembers which), and the
// rights of [AppRole] with it. Several processes may call it at once; one works and the others wait.
func Migrate(ctx context.Context, db *sqlx.DB) error {
	locker, err := lock.NewPostgresTableLocker(lock.WithTableName("goose_payment_lock"))
	if err != nil {
		return fmt.Errorf("couldn't prepare the lock for migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db.DB, migrations.Files,
		goose.WithTableName("goose_payment"), goose.WithLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("couldn't prepare migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("couldn't migrate the payment schema: %w", err)
	}
	if err := seedHeads(ctx, db); err != nil {
		return err
	}
	return grant(ctx, db)
}

// seedHeads makes the journal's head row of each bucket, where it is missing.
func seedHeads(ctx context.Context, db *sqlx.DB) error {
	buckets, chains := make([]int64, ledger.Buckets), make([][]byte, ledger.Buckets)
	for i := range buckets {
		start := ledger.ChainStart(i)
		buckets[i], chains[i] = int64(i), start[:]
	}
	if _, err := db.ExecContext(ctx, `
		INSERT INTO journal_heads (bucket, size, chain)
		SELECT bucket, 0, chain FROM unnest($1::integer[], $2::bytea[]) AS t (bucket, chain)
		ON CONFLICT DO NOTHING`, pq.Array(buckets), pq.Array(chains)); err != nil {
		return fmt.Errorf("couldn't set up the heads of the journal: %w", err)
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO checkpoint_head (id, number, heads) VALUES (1, 0, $1) ON CONFLICT DO NOTHING`,
		ledger.NewHeads().Marshal()); err != nil {
		return fmt.Errorf("couldn't set up the head of the checkpoints: %w", err)
	}
	return nil
}

// Tables by what the program does with them.
const (
	appendOnlyTables = `service_versions, tariffs, order_items, order_allocations, order_events, authorisations, bank_messages, transfers, postings,
		journal, journal_nodes, checkpoints, receipts, receipt_pages, deliveries, refund_events, refund_messages,
		bank_file_reports, mandate_uses, ledger_pages, ledger_marks, checkpoint_snapshots, ` + reconAppendOnly
	changingTables = `guarantees, commission_terms, commission_payments, signing_rules, agencies, banks, services, debts, orders, attempts, idempotency, journal_heads, checkpoint_head, outbox,
		debt_feed_chunks, bank_files, agency_event_heads, webhook_secrets, service_proposals, refunds, refund_shares,
		agency_registers, register_answers, mandates, mandate_events, bank_queries, ` + reconChanging
	codeTables      = `phones, otp_challenges, code_turns, payer_turns`
	reconAppendOnly = `recon_ladders, expectations, statement_lines, recon_kept, recon_notes, recon_periods`
	reconChanging   = `recon_banks, bank_accounts, bank_days, recon_cursors, statement_files, statements, recon_matches, recon_exceptions, forward_dues`
)

func grant(ctx context.Context, db *sqlx.DB) error {
	var exists bool
	if err := db.GetContext(ctx, &exists, `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)`, AppRole); err != nil {
		return fmt.Errorf("couldn't look for role %s: %w", AppRole, err)
	}
	if !exists {
		return nil
	}
	for _, statement := range []string{
		`REVOKE ALL ON ` + appendOnlyTables + `, ` + changingTables + `, ` + codeTables + `, mrp, otp_policies FROM ` + AppRole,
		`GRANT SELECT, INSERT ON ` + appendOnlyTables + ` TO ` + AppRole,
		`GRANT SELECT, INSERT, UPDATE ON ` + changingTables + `, ` + codeTables + ` TO ` + AppRole,
		`GRANT SELECT ON otp_policies TO ` + AppRole,
		`GRANT SELECT, INSERT ON mrp TO ` + AppRole,
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("couldn't set the rights of %s: %w", AppRole, err)
		}
	}
	return nil
}
