package api

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
)

// noteBytesMax bounds a form with a message and its file of at most 1 MiB.
const noteBytesMax = 1<<20 + 4*free

// reconPages are the pages of reconciliation: the bank's statements and the questions to it, and the operator's exceptions.
// Resolutions, which move money, have pages of their own (resolutionPages).
func (s *Server) reconPages() []route {
	const bank, operator = "/console/bank/{subject}", "/console/operator/{subject}/exceptions"
	return []route{
		page(bank+"/statements", s.statementsPage, "lang", "starting_after"),
		formRoute(bank+"/statements", s.cfg.Limits.DocumentBytes+free, s.uploadStatement, typeForm),
		page(bank+"/questions", s.questionsPage, "lang", "done", "starting_after"),
		formRoute(bank+"/questions", noteBytesMax, s.answerOnPage, typeForm),
		page(bank+"/questions/{exception}/files/{version}", s.bankNoteFile, "lang").as(typeBytes).or(typeHTML),
		page(operator, s.exceptionsPage, "lang", "bank", "kind", "severity", "age", "owner", "state", "starting_after"),
		page(operator+"/{exception}", s.exceptionPage, "lang", "done"),
		formRoute(operator+"/{exception}", noteBytesMax, s.actOnPage, typeForm),
		page(operator+"/{exception}/files/{version}", s.operatorNoteFile, "lang").as(typeBytes).or(typeHTML),
	}
}

func (s *Server) statementsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showStatements(ctx, r, who, m, sent{})
	})(ctx, r)
}

// sent is what became of a form, for the page that tells it.
type sent struct {
	report  *payment.FileReport // of a statement that was taken in
	note    note                // of an answer or a comment that was refused, so that its text is not lost
	plan    url.Values          // of a resolution that was refused
	refused error
}

// showStatements lists a bank's statements and tells what became of an upload.
func (s *Server) showStatements(ctx context.Context, r *request, who auth.Session, m auth.Member, after sent) (*response, error) {
	v := portal.Statements{Frame: s.frame(r, who), BIC: m.Subject, MayAct: m.Role == auth.Editor, Report: after.report, MaxBytes: s.cfg.Limits.DocumentBytes}
	found, err := s.cfg.Payments.Statements(ctx, payment.StatementQuery{Bank: m.Subject, After: r.arg("starting_after")})
	if err != nil {
		return nil, err
	}
	v.Statements, v.More, v.First = found.Items, found.HasMore, r.arg("starting_after") == ""
	return s.showRefusable(r, after.refused, &v.Message, func() ([]byte, error) { return s.pages.RenderStatements(v) })
}

// showRefusable renders a page on which a form may have been refused: message is where the page tells it.
func (s *Server) showRefusable(r *request, refused error, message **portal.Message, render func() ([]byte, error)) (*response, error) {
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		*message, status = &m, st
	}
	body, err := render()
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// uploadStatement takes in a file for accounts of the own bank alone. The same file again changes nothing, so the form needs no key.
func (s *Server) uploadStatement(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, called, err := readFiles(r, "file")
		if err != nil {
			return nil, err
		}
		if len(form["file"]) == 0 {
			return s.showStatements(ctx, r, who, m, sent{refused: refuse(codeBodyEmpty)})
		}
		report, _, err := s.reconcile(ctx, payment.StatementFile{
			Body: bytes.NewReader(form["file"]), Name: called["file"], Source: payment.SourceAPI, Actor: who.Actor(), Bank: m.Subject,
		})
		if err != nil {
			return s.showStatements(ctx, r, who, m, sent{refused: err})
		}
		return s.showStatements(ctx, r, who, m, sent{report: &report})
	})(ctx, r)
}

func (s *Server) questionsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showQuestions(ctx, r, who, m, sent{})
	})(ctx, r)
}

// questionsShown is how many questions one page has: each has its conversation.
const questionsShown = 20

// showQuestions lists what the bank is asked.
func (s *Server) showQuestions(ctx context.Context, r *request, who auth.Session, m auth.Member, after sent) (*response, error) {
	v := portal.Questions{Frame: s.frame(r, who), BIC: m.Subject, Done: r.arg("done") == "answered", Draft: after.note.fields["comment"], Of: after.note.fields["question"]}
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	found, err := s.cfg.Payments.AskedOf(ctx, m.Subject, r.arg("starting_after"), questionsShown)
	if err != nil {
		return nil, err
	}
	v.Questions, v.More = found.Items, found.HasMore
	return s.showRefusable(r, after.refused, &v.Message, func() ([]byte, error) { return s.pages.RenderQuestions(v) })
}

// note is what a form with a message and a file says.
type note struct {
	fields   map[string]string
	version  int
	fileName string
	file     []byte
	idem     payment.Idem
}

// readNote reads such a form. A browser that sends a form twice takes another boundary, so what makes two forms one is their fields and
// not their bytes.
func readNote(r *request, actor string, names ...string) (note, error) {
	form, called, err := readFiles(r, append(names, "key", "version", "comment", "file")...)
	if err != nil {
		return note{}, err
	}
	n := note{fields: map[string]string{}, file: form["file"]}
	if len(n.file) > 0 {
		if n.fileName = strings.TrimSpace(called["file"]); n.fileName == "" || !text(n.fileName) {
			return note{}, refuse(codeForm).of("file")
		}
	}
	same := url.Values{"file": {string(n.file)}, "file_name": {n.fileName}}
	for name, value := range form {
		if name == "file" {
			continue
		}
		if !text(string(value)) {
			return note{}, refuse(codeForm).of(name)
		}
		n.fields[name] = strings.TrimSpace(strings.ReplaceAll(string(value), "\r\n", "\n"))
		same.Set(name, n.fields[name])
	}
	key := n.fields["key"]
	if len(key) < 8 || len(key) > 64 || !plain(key) {
		return note{}, refuse(codeForm).of("key")
	}
	if n.version, err = strconv.Atoi(n.fields["version"]); err != nil || n.version < 1 || n.version > 1<<30 {
		return note{}, refuse(codeForm).of("version")
	}
	n.idem = payment.Idem{Caller: actor, Key: key, Hash: fingerprint(r.method, r.path, []byte(same.Encode()))}
	return n, nil
}

// answerOnPage takes a bank's answer. The domain refuses what this bank was not asked about as if it did not exist.
func (s *Server) answerOnPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		n, err := readNote(r, who.Actor(), "question")
		if err != nil {
			return nil, err
		}
		answer := payment.BankAnswer{Version: n.version, Comment: n.fields["comment"], FileName: n.fileName, File: n.file}
		if _, _, err := s.cfg.Payments.Answer(ctx, n.idem, m.Subject, n.fields["question"], answer); err != nil {
			return s.showQuestions(ctx, r, who, m, sent{note: n, refused: err})
		}
		return seeOther("/console/bank/" + m.Subject + "/questions?done=answered"), nil
	})(ctx, r)
}

func (s *Server) bankNoteFile(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, _ auth.Session, m auth.Member) (*response, error) {
		return noteFile(r, func(version int) ([]byte, error) {
			return s.cfg.Payments.QuestionFile(ctx, m.Subject, r.param("exception"), version)
		})
	})(ctx, r)
}

func (s *Server) operatorNoteFile(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Operator, func(ctx context.Context, r *request, _ auth.Session, _ auth.Member) (*response, error) {
		return noteFile(r, func(version int) ([]byte, error) {
			_, file, err := s.cfg.Payments.ExceptionFile(ctx, r.param("exception"), version)
			return file, err
		})
	})(ctx, r)
}

// noteFile hands out the file of a message as bytes under a name of ours: what its sender called it may hold anything.
func noteFile(r *request, read func(version int) ([]byte, error)) (*response, error) {
	version, err := strconv.Atoi(r.param("version"))
	if err != nil || version < 1 || version > 1<<30 {
		return nil, refuse(codeNotOwn)
	}
	file, err := read(version)
	if err != nil {
		return nil, err
	}
	return download(typeBytes, r.param("exception")+"-"+strconv.Itoa(version), file), nil
}
