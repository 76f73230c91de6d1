package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

// reconRoutes are those of statements, exceptions and periods.
func (s *Server) reconRoutes() ([]route, error) {
	undo, err1 := handle(s.undoMatch)
	act, err2 := handle(s.actOnException)
	closing, err3 := handle(s.closePeriod)
	withdraw, err4 := handle(s.withdrawStatement)
	send := post("/v1/statements", auth.StatementsWrite, 0, answer(s.sendStatement))
	send.bodyMax, send.spooled, send.args = statementBytesMax, true, []string{"replace", "name"}
	send.consumes = []string{typeBytes, typeXML, typeText, typeCMS}
	l := s.cfg.Limits
	return []route{
		send,
		get("/v1/statements", auth.ReconRead, answer(s.listStatements), "bank", "account", "waiting", "starting_after", "limit"),
		get("/v1/statements/{statement}/lines", auth.ReconRead, answer(s.listStatementLines), "after_no", "after_part", "limit"),
		change("/v1/statements/{statement}/undone-matches", auth.ReconWrite, l.JSONBytes, undo),
		change("/v1/statements/{statement}/withdrawal", auth.ReconWrite, l.JSONBytes, withdraw),
		get("/v1/exceptions", auth.ReconRead, answer(s.listExceptions), "bank", "kind", "severity", "age", "state", "owner", "starting_after", "limit"),
		get("/v1/exceptions/{exception}", auth.ReconRead, answer(s.getException)),
		change("/v1/exceptions/{exception}/actions", auth.ReconWrite, exceptionBytesMax, act),
		get("/v1/exceptions/{exception}/files/{version}", auth.ReconRead, s.getExceptionFile).as(typeBytes),
		change("/v1/periods", auth.ReconWrite, l.JSONBytes, closing),
		get("/v1/periods/{account}/{through}/seal", auth.ReconRead, s.getPeriodSeal).as(typeCMS),
	}, errors.Join(err1, err2, err3, err4)
}

const (
	// statementBytesMax bounds a statement's file, which waits on disk and not in memory.
	statementBytesMax = 4 << 30
	// exceptionBytesMax bounds an action with a file of 1 MiB in base64.
	exceptionBytesMax = 2 << 20
	// statementTime bounds the work on a statement.
	statementTime = 15 * time.Minute
	// spoolPause is how long a sender of a statement may be silent.
	spoolPause = 30 * time.Second
)

// spool brings the body of a request to disk. The file has no name any more when it is returned, so it ends with the process at the
// latest; release closes it.
func spool(write func(w io.Writer, limit int64) error, limit int64) (*os.File, func(), error) {
	f, err := os.CreateTemp("", "qaqpa-statement-")
	if err != nil {
		return nil, func() {}, fmt.Errorf("couldn't make room for a statement: %w", err)
	}
	release := func() { _ = f.Close() } // of a file without a name nothing is lost
	if err := os.Remove(f.Name()); err != nil {
		return nil, release, fmt.Errorf("couldn't make room for a statement: %w", err)
	}
	if err := write(f, limit); err != nil {
		return nil, release, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, release, fmt.Errorf("couldn't measure a statement: %w", err)
	}
	if size == 0 {
		return nil, release, refuse(codeBodyEmpty)
	}
	return f, release, nil
}

// sendStatement takes in a file of a bank. It needs no Idempotency-Key: the file's own digest is one. A bank sends statements of its
// own accounts only.
func (s *Server) sendStatement(ctx context.Context, r *request) (reply[payment.FileReport], error) {
	file := payment.StatementFile{Body: r.file, Name: r.arg("name"), Source: payment.SourceAPI, Actor: r.caller.Actor()}
	switch r.arg("replace") {
	case "":
	case "true":
		file.Replace = true
	default:
		return reply[payment.FileReport]{}, refuse(codeQuery).of("replace")
	}
	if r.caller.Kind == auth.Bank {
		file.Bank = r.caller.Subject
	}
	out, repeated, err := s.reconcile(ctx, file)
	return reply[payment.FileReport]{Body: out, Replayed: repeated}, err
}

// reconcile takes a file in. It outlives the time of other requests; what ends it is the shutdown.
func (s *Server) reconcile(ctx context.Context, file payment.StatementFile) (payment.FileReport, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementTime)
	defer cancel()
	defer context.AfterFunc(s.base, cancel)() //nolint:contextcheck // the life of the server ends this work, too
	return s.cfg.Payments.Reconcile(ctx, file)
}

// number reads an optional query parameter.
func (r *request) number(name string) (int, error) {
	text := r.arg(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1<<30 {
		return 0, refuse(codeQuery).of(name)
	}
	return n, nil
}

func (s *Server) listStatementLines(ctx context.Context, r *request) (reply[payment.StatementPage], error) {
	var n [3]int
	for i, name := range [3]string{"after_no", "after_part", "limit"} {
		var err error
		if n[i], err = r.number(name); err != nil {
			return reply[payment.StatementPage]{}, err
		}
	}
	out, err := s.cfg.Payments.StatementLines(ctx, r.param("statement"), n[0], n[1], n[2])
	return reply[payment.StatementPage]{Body: out}, err
}

func (s *Server) undoMatch(ctx context.Context, r *request, in payment.MatchUndoing) (reply[payment.UndoneMatch], error) {
	out, repeated, err := s.cfg.Payments.UndoMatch(ctx, r.idem, r.param("statement"), in)
	return reply[payment.UndoneMatch]{Body: out, Replayed: repeated}, err
}

func (s *Server) withdrawStatement(ctx context.Context, r *request, in payment.StatementWithdrawal) (reply[payment.WithdrawnStatement], error) {
	out, repeated, err := s.cfg.Payments.WithdrawStatement(ctx, r.idem, r.param("statement"), in)
	return reply[payment.WithdrawnStatement]{Body: out, Replayed: repeated}, err
}

// listStatements lists a bank's statements; those that wait for a second person when asked so.
func (s *Server) listStatements(ctx context.Context, r *request) (reply[payment.BankStatementPage], error) {
	limit, err := r.number("limit")
	if err != nil {
		return reply[payment.BankStatementPage]{}, err
	}
	if waiting := r.arg("waiting"); waiting != "" && waiting != "true" {
		return reply[payment.BankStatementPage]{}, refuse(codeQuery).of("waiting")
	}
	out, err := s.cfg.Payments.Statements(ctx, payment.StatementQuery{
		Bank: r.arg("bank"), Account: r.arg("account"), Waiting: r.arg("waiting") != "", After: r.arg("starting_after"), Limit: limit,
	})
	return reply[payment.BankStatementPage]{Body: out}, err
}

// periodClosing asks to close an account's period.
type periodClosing struct {
	Account string `json:"account"`
	Through string `json:"through"`
}

func (s *Server) closePeriod(ctx context.Context, r *request, in periodClosing) (reply[payment.PeriodClosing], error) {
	out, repeated, err := s.cfg.Payments.ClosePeriod(ctx, r.idem, in.Account, in.Through)
	return reply[payment.PeriodClosing]{Status: http.StatusCreated, Body: out, Replayed: repeated}, err
}

func (s *Server) getPeriodSeal(ctx context.Context, r *request) (*response, error) {
	seal, err := s.cfg.Payments.PeriodSeal(ctx, r.param("account"), r.param("through"))
	if err != nil {
		return nil, err
	}
	return &response{status: http.StatusOK, contentType: typeCMS, body: seal}, nil
}
