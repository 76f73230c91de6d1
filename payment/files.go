package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/bank"
	"qaqpa/payment/bank/pain"
	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// filesAtOnce bounds the exchanges of files that one process has open.
const filesAtOnce = 8

// workFiles speaks with banks that take payments as ISO 20022 files: it gathers what waits into files, hands them over, asks for
// their reports and fetches those that banks have left. It returns how much it began. Each bank is served by itself: what goes wrong at one is
// logged with its name and holds up no other. The round fails when it failed at every bank.
func (s *Service) workFiles(ctx context.Context) (int, error) {
	var banks []bankRow
	if err := all(ctx, s.db, &banks, `SELECT `+bankColumns+` FROM banks WHERE files <> '' ORDER BY bic`); err != nil {
		return 0, err
	}
	done := 0
	var failed []error
	for _, target := range banks {
		n, err := s.workFilesOf(ctx, target)
		done += n
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return done, err
		}
		failed = append(failed, fmt.Errorf("%s: %w", target.BIC, err))
		s.metrics.failures.WithLabelValues("files").Inc()
		s.log.WarnContext(ctx, "files of a bank go on later", slog.String("bank", target.BIC), slog.Any("err", err))
	}
	// Files are moved even when their bank has gone over to messages since, or when something is wrong with its folder.
	n, err := s.moveFiles(ctx)
	if len(failed) > 0 && len(failed) == len(banks) {
		err = errors.Join(append(failed, err)...)
	}
	return done + n, err
}

// workFilesOf makes the files of one bank and fetches its reports: those are taken even when no file could be made.
func (s *Service) workFilesOf(ctx context.Context, target bankRow) (int, error) {
	done := 0
	var failed error
	for {
		made, err := s.gatherFile(ctx, target)
		if failed = err; err != nil || !made {
			break
		}
		done++
	}
	n, err := s.fetchReports(ctx, target)
	return done + n, errors.Join(failed, err)
}

// banksByFile lists the banks whose payments go by file.
func (s *store) banksByFile(ctx context.Context) ([]string, error) {
	list := []string{}
	err := all(ctx, s.db, &list, `SELECT bic FROM banks WHERE files <> ''`)
	return list, err
}

// gatherFile makes a file of the payments that wait for a bank, when they are enough or the first has waited long enough. File, attempts
// and orders change in one transaction: after it each payment is in this file and in no other, and no message is sent for it. It spans
// buckets, which payments by message do not.
func (s *Service) gatherFile(ctx context.Context, target bankRow) (made bool, err error) {
	now := s.now()
	var waiting []attemptRow
	if err := all(ctx, s.db, &waiting, `SELECT `+attemptColumns+` FROM attempts a
		WHERE a.bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND a.bank_bic = $1 AND a.state = 'prepared' AND a.due_at <= $2
		ORDER BY a.created_at LIMIT $3`, target.BIC, now, s.cfg.FilePaymentsMax); err != nil {
		return false, err
	}
	if len(waiting) == 0 || (len(waiting) < s.cfg.FilePaymentsMax && now.Sub(waiting[0].CreatedAt) < s.cfg.FileEvery) {
		return false, nil
	}
	id, err := newID("", bucketOf(target.BIC))
	if err != nil {
		return false, err
	}
	ids := make([]string, len(waiting))
	for i := range waiting {
		ids[i] = waiting[i].ID
	}
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		made = false
		file := pain.File{
			MsgID: id, MadeAt: now, ExecuteOn: string(catalog.DateOf(now)), Bank: target.BIC,
			Initiator: pain.Party{Name: s.cfg.Issuer.Name.RU, ID: s.cfg.Issuer.BIN},
		}
		taken, err := s.intoFile(ctx, tx, &file, ids)
		if err != nil || len(taken) == 0 { // another process was faster
			return err
		}
		made = true
		return s.storeFile(ctx, tx, file, taken)
	})
	return made, err
}

// intoFile marks the attempts that are still to be sent as sent in the file, and adds them to it.
func (s *Service) intoFile(ctx context.Context, tx *sqlx.Tx, file *pain.File, ids []string) ([]string, error) {
	now := s.now()
	var taken []string
	for _, id := range sortedIDs(ids) { // one order for all who gather
		a, o, err := s.lockAttempt(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if a.State != order.AttemptPrepared {
			continue
		}
		payment, err := paymentOf(a)
		if err != nil {
			return nil, err
		}
		if err := a.step(s.attemptTable, order.Send); err != nil {
			return nil, err
		}
		if err := o.step(s.orderTable, order.Send, now, "file "+file.MsgID); err != nil {
			return nil, err
		}
		a.Sends, a.Tries, a.DueAt, a.UpdatedAt, a.LastProblem = 1, 0, now, now, ""
		if err := saveAttempt(ctx, tx, a); err != nil {
			return nil, err
		}
		if err := exec(ctx, tx, 1, `UPDATE attempts SET file_id = $3 WHERE bucket = $1 AND id = $2`, a.Bucket, a.ID, file.MsgID); err != nil {
			return nil, err
		}
		if err := saveOrder(ctx, tx, o); err != nil {
			return nil, err
		}
		file.Payments, taken = append(file.Payments, payment), append(taken, a.ID)
	}
	return taken, nil
}

// paymentOf is what a file says of an attempt: the same as its stored message.
func paymentOf(a *attemptRow) (pain.Payment, error) {
	var said bank.Order
	if err := canon.Decode(a.Message, &said); err != nil {
		return pain.Payment{}, fmt.Errorf("couldn't read the payment order of %s: %w", a.ID, err)
	}
	id := strings.TrimPrefix(a.ID, prefixAttempt)
	parts := said.Allocations
	if said.Beneficiary != nil {
		parts = []bank.Allocation{{Reference: id, Amount: said.Amount, Beneficiary: *said.Beneficiary, Purpose: said.Purpose}}
	}
	p := pain.Payment{ID: id, Payer: said.Payer.ID, Commission: said.Commission}
	for _, part := range parts {
		b := part.Beneficiary
		p.Credits = append(p.Credits, pain.Credit{
			EndToEnd: part.Reference, Amount: part.Amount, Beneficiary: pain.Party{Name: b.Name, ID: b.BIN}, Account: b.Account, BIC: b.BIC,
			KBK: b.KBK, KNP: b.KNP, KBE: b.KBE, Purpose: part.Purpose,
		})
	}
	return p, nil
}

func (s *Service) storeFile(ctx context.Context, tx *sqlx.Tx, file pain.File, attempts []string) error {
	content, err := file.Encode()
	if err != nil {
		return err
	}
	total := money.FromTiyn(0)
	for _, p := range file.Payments {
		sum, err := p.Sum()
		if err == nil {
			total, err = total.Plus(sum)
		}
		if err != nil {
			return fmt.Errorf("couldn't sum the file %s up: %w", file.MsgID, err)
		}
	}
	now := s.now()
	stored, err := s.private.seal(ctx, content, place("bank_files", "content", file.MsgID))
	if err != nil {
		return err
	}
	if err := exec(ctx, tx, 1, `
		INSERT INTO bank_files (bucket, id, bank_bic, state, content, attempts, amount, tries, due_at, last_problem, created_at, updated_at)
		VALUES ($1, $2, $3, 'made', $4, $5, $6, 0, $7, '', $7, $7)`,
		bucketOf(file.Bank), file.MsgID, file.Bank, stored, pq.Array(attempts), total.Tiyn, now); err != nil {
		return err
	}
	digest := sha256.Sum256(content)
	return audit(ctx, tx, s.cfg.Auditor, entry{actorGateway, "file.made", file.MsgID, map[string]any{
		"bank": file.Bank, "payments": len(attempts), "amount": total.Tiyn, "sha256": hex.EncodeToString(digest[:]),
	}})
}

// moveFiles starts the next step of files that are due, and does not wait for it.
func (s *Service) moveFiles(ctx context.Context) (int, error) {
	if s.fileCalls.free() == 0 {
		return 0, nil
	}
	buckets, err := s.dueBuckets(ctx, `SELECT DISTINCT bucket FROM bank_files WHERE due_at <= $1 AND state <> 'done'`, s.now())
	if err != nil {
		return 0, err
	}
	done := 0
	for _, bucket := range buckets {
		free := s.fileCalls.free()
		if free == 0 {
			break
		}
		claimed, err := s.claimFiles(ctx, bucket, free, s.lease())
		if err != nil {
			return done, err
		}
		for i := range claimed {
			s.fileCalls.start(func() { s.moveFile(ctx, &claimed[i]) })
		}
		done += len(claimed)
	}
	return done, nil
}

// moveFile hands a file over, or asks for its report. What goes wrong is logged here and tried again later.
func (s *Service) moveFile(ctx context.Context, f *fileRow) {
	var err error
	if f.State == fileMade {
		err = s.putFile(ctx, f)
	} else {
		err = s.askFile(ctx, f)
	}
	if err != nil {
		s.log.WarnContext(ctx, "file goes on later", slog.String("file", f.ID), slog.String("bank", f.Bank), slog.String("state", f.State),
			slog.Int("tries", f.Tries), slog.Any("err", err))
	}
}

// putFile seals the file once and hands it over until the bank takes it. Its payments count as sent since it was made, so a crash
// anywhere in here leaves nothing that could be sent another way.
func (s *Service) putFile(ctx context.Context, f *fileRow) error {
	target, err := s.bank(ctx, f.Bank)
	if err != nil {
		return err
	}
	if f.Sealed == nil {
		sealed, err := s.cfg.Sealer.Seal(ctx, f.Content)
		if err != nil {
			return errors.Join(fmt.Errorf("couldn't seal the file %s: %w", f.ID, err), s.loseFile(ctx, f, troubleSeal))
		}
		// Of two processes the first one's seal stands: the bank sees the same bytes however often it is handed the file.
		if f.Sealed, err = s.keepSeal(ctx, f, sealed); err != nil {
			return err
		}
	}
	err = s.cfg.Files.Put(ctx, target.Files, f.ID, f.Sealed)
	ctx, cancel := uncut(ctx)
	defer cancel()
	if err != nil {
		s.metrics.outcomes.WithLabelValues(f.Bank, "no_reply").Inc()
		return errors.Join(err, s.loseFile(ctx, f, troubleHandOver+shortCause(err)))
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		at := s.now()
		if err := exec(ctx, tx, -1, `UPDATE bank_files SET state = 'put', tries = 0, due_at = $3, last_problem = '', updated_at = $4
			WHERE bucket = $1 AND id = $2 AND state = 'made'`, f.Bucket, f.ID, at.Add(s.lookupPause(1)), at); err != nil {
			return err
		}
		return audit(ctx, tx, s.cfg.Auditor, entry{actorGateway, "file.put", f.ID, map[string]any{"bank": f.Bank}})
	})
}

// askFile asks for the report, unless the bank leaves it in a folder: then it only notes that none came yet.
func (s *Service) askFile(ctx context.Context, f *fileRow) error {
	target, err := s.bank(ctx, f.Bank)
	if err != nil {
		return err
	}
	reply, err := s.cfg.Files.Ask(ctx, target.Files, f.ID)
	ctx, cancel := uncut(ctx)
	defer cancel()
	switch {
	case err != nil:
		return s.loseFile(ctx, f, troubleNoReport+shortCause(err))
	case !reply.AnsweredLookup():
		return s.loseFile(ctx, f, troubleReportStatus+strconv.Itoa(reply.Status))
	}
	result, err := s.takeReport(ctx, reportOf{bank: f.Bank, file: f.ID, from: fromLookup}, reply.Message)
	if err != nil {
		return errors.Join(err, s.loseFile(ctx, f, troubleReport+codeOf(err)))
	}
	if result.Open > 0 {
		return s.loseFile(ctx, f, troubleReportOpen)
	}
	return nil
}

// fetchReports takes what a bank left in its folder. What could not be decided now stays there.
func (s *Service) fetchReports(ctx context.Context, target bankRow) (int, error) {
	left, err := s.cfg.Files.Reports(target.Files)
	if err != nil {
		s.log.WarnContext(ctx, "couldn't fetch reports", slog.String("bank", target.BIC), slog.Any("err", err))
		return 0, nil // the folders of other banks can be read
	}
	done := 0
	for _, one := range left {
		_, err := s.takeReport(ctx, reportOf{bank: target.BIC, from: fromFolder}, one.Message)
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || refused.Kind == KindUnavailable) {
			return done, err
		}
		if err := s.cfg.Files.Done(target.Files, one.Name, err == nil); err != nil {
			return done, fmt.Errorf("couldn't put a report of %s aside: %w", target.BIC, err)
		}
		done++
		s.log.InfoContext(ctx, "report of a bank", slog.String("bank", target.BIC), slog.String("file", one.Name), slog.Any("err", err))
	}
	return done, nil
}

// loseFile notes that nothing certain is known yet of a file, and when to go on. Its payments turn unknown, so that people see that
// they wait; only the bank's signed word ends that.
func (s *Service) loseFile(ctx context.Context, f *fileRow, why string) error {
	ctx, cancel := uncut(ctx)
	defer cancel()
	for _, id := range f.Attempts {
		if err := s.lose(ctx, id, why); err != nil {
			return err
		}
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		at := s.now()
		return exec(ctx, tx, -1, `UPDATE bank_files SET due_at = $3, last_problem = $4, updated_at = $5 WHERE bucket = $1 AND id = $2 AND state <> 'done'`,
			f.Bucket, f.ID, at.Add(s.lookupPause(max(f.Tries, 1))), clip(why), at)
	})
}
