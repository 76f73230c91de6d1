package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/feedcsv"
	"qaqpa/api/feedlines"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/register"
	"qaqpa/signer"
	"qaqpa/signer/report"
)

// debtsFileMax bounds a table of debts that is uploaded on the page; programs stream what is longer.
const debtsFileMax = 8 << 20

func (s *Server) debtsPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showDebts(ctx, r, who, m, nil)
	})(ctx, r)
}

// debtErrorsShown is how many refused rows one page lists.
const debtErrorsShown = 200

// showDebts shows what became of the file whose feed the address names, or why the file that was sent is refused.
func (s *Server) showDebts(ctx context.Context, r *request, who auth.Session, m auth.Member, refused error) (*response, error) {
	v := portal.AgencyDebts{Frame: s.frame(r, who), Agency: m.Subject, MayAct: m.Role == auth.Editor, Columns: feedcsv.Columns(), MaxBytes: debtsFileMax}
	v.Address = "/console/agency/" + m.Subject + "/debts"
	if feed := r.arg("feed"); feed != "" && refused == nil {
		report, err := s.cfg.Payments.FeedProgress(ctx, m.Subject, feed)
		if err != nil {
			return nil, err
		}
		v.Report = &report
		line, err := r.number("line")
		if err != nil {
			return nil, err
		}
		if v.Refused, err = s.refusedLines(ctx, m.Subject, feed, line); err != nil {
			return nil, err
		}
		if len(v.Refused) > debtErrorsShown {
			v.Refused, v.MoreErrors = v.Refused[:debtErrorsShown], true
		}
	} else {
		feeds, err := s.cfg.Payments.RecentFeeds(ctx, m.Subject, r.arg("starting_after"))
		if err != nil {
			return nil, err
		}
		v.Feeds, v.MoreFeeds = feeds.Items, feeds.HasMore
	}
	status := http.StatusOK
	if refused != nil {
		message, st := s.message(r, refused)
		v.Message, status = &message, st
	}
	body, err := s.pages.RenderAgencyDebts(v)
	return s.refusedPage(r, status, body, err, refused)
}

// errEnough ends a reading of results.
var errEnough = errors.New("enough results")

// refusedLines are the bad lines of a feed behind a line, and one more than a page shows when there are more.
func (s *Server) refusedLines(ctx context.Context, agency, feed string, behind int) ([]payment.FeedResult, error) {
	var out []payment.FeedResult
	err := s.cfg.Payments.FeedResultsFrom(ctx, agency, feed, behind+1, func(results []byte) error {
		lines := json.NewDecoder(bytes.NewReader(results))
		for {
			var line payment.FeedResult
			if err := lines.Decode(&line); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("couldn't read the results of a feed: %w", err)
			}
			if line.Outcome != debt.Refused || line.Line <= behind {
				continue
			}
			if out = append(out, line); len(out) > debtErrorsShown {
				return errEnough
			}
		}
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// uploadDebts takes a table or the lines of a program. The digest of the file is the name of its feed, so that sending it twice is
// the same as once.
func (s *Server) uploadDebts(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readForm(r, "file")
		if err != nil {
			return nil, err
		}
		feed, err := s.takeDebts(ctx, who, m.Subject, form["file"])
		if err != nil {
			return s.showDebts(ctx, r, who, m, err)
		}
		return seeOther("/console/agency/" + m.Subject + "/debts?feed=" + feed), nil
	})(ctx, r)
}

func (s *Server) takeDebts(ctx context.Context, who auth.Session, agency string, file []byte) (string, error) {
	if len(bytes.TrimSpace(file)) == 0 {
		return "", refuse(codeTable)
	}
	next, err := s.debtLines(ctx, agency, file)
	if err != nil {
		return "", err
	}
	if _, busy := s.feeders.LoadOrStore(agency, true); busy {
		return "", refuse(codeBusy)
	}
	defer s.feeders.Delete(agency)
	sum := sha256.Sum256(file)
	feed := payment.Feed{Caller: who.Actor(), Agency: agency, Name: hex.EncodeToString(sum[:])}
	_, _, err = s.cfg.Payments.FeedDebts(ctx, feed, next)
	return feed.Name, err
}

// debtLines reads a file as what it is: lines of JSON begin with a brace, an array with a bracket, a table with its head.
func (s *Server) debtLines(ctx context.Context, agency string, file []byte) (func() (payment.FeedLine, error), error) {
	if begins := bytes.TrimSpace(file)[0]; begins == '{' || begins == '[' {
		lines, err := feedlines.New()
		if err != nil {
			return nil, err
		}
		if begins == '[' {
			return lines.ReadArray(bytes.NewReader(file), debtsFileMax).Next, nil
		}
		return lines.Read(bytes.NewReader(file), debtsFileMax).Next, nil
	}
	codes := map[string]string{}
	for after := ""; ; {
		services, err := s.cfg.Payments.Services(ctx, payment.ServiceQuery{Agency: agency, After: after, Limit: 100})
		if err != nil {
			return nil, err
		}
		for _, v := range services.Items {
			codes[v.Code], codes[v.ID], after = v.ID, v.ID, v.ID
		}
		if !services.HasMore {
			break
		}
	}
	table, err := feedcsv.Read(file, func(code string) (string, bool) { id, ok := codes[code]; return id, ok })
	if errors.Is(err, feedcsv.ErrHead) {
		err = refuse(codeTable).because(err)
	}
	if err != nil {
		return nil, err
	}
	return table.Next, nil
}

// agencyFile gives an agency its part of a bank's register of a day.
func (s *Server) agencyFile(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, _ auth.Session, m auth.Member) (*response, error) {
		q := payment.RegisterQuery{Bank: r.arg("bank"), Day: catalog.Date(r.arg("day")), Agency: m.Subject, Format: register.XLSX}
		write := s.cfg.Payments.RegisterFile
		switch r.arg("form") {
		case "xlsx":
		case "csv":
			q.Format = register.CSV
		case "sealed":
			q.Format, write = register.CSV, s.cfg.Payments.SealedRegister
		default:
			return nil, refuse(codeQuery).of("form")
		}
		f, err := write(ctx, q)
		if err != nil {
			return nil, err
		}
		return download(typeBytes, f.Name, f.Body), nil
	})(ctx, r)
}

// bulkMax is how many documents one form brings.
const bulkMax = 50

func (s *Server) bulkPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(_ context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showBulk(r, who, m, nil, nil)
	})(ctx, r)
}

func (s *Server) showBulk(r *request, who auth.Session, m auth.Member, verdicts []portal.BulkVerdict, refused error) (*response, error) {
	v := portal.Bulk{Frame: s.frame(r, who), Agency: m.Subject, Verdicts: verdicts, Most: bulkMax, MaxBytes: s.cfg.Limits.DocumentBytes}
	v.Address = "/console/agency/" + m.Subject + "/verify"
	status := http.StatusOK
	if refused != nil {
		message, st := s.message(r, refused)
		v.Message, status = &message, st
	}
	body, err := s.pages.RenderBulk(v)
	return s.refusedPage(r, status, body, err, refused)
}

// bulkVerify judges several documents, each by itself, one after the other: a form is no reason to keep others waiting. Nothing is kept.
func (s *Server) bulkVerify(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		files, table, err := readDocuments(r)
		if err != nil {
			return s.showBulk(r, who, m, nil, err)
		}
		verdicts := make([]portal.BulkVerdict, len(files))
		for i, f := range files {
			verdicts[i].File = f.name
			verdict, err := s.judge(ctx, signer.ValidateRequest{Document: f.body})
			switch {
			case err == nil:
				verdicts[i].Verdict = &verdict
			case ctx.Err() != nil:
				return nil, err
			default:
				message, _ := s.message(r, err)
				verdicts[i].Problem = message.Title
			}
		}
		if table {
			body, err := s.bulkTable(r, verdicts)
			return download(typeBytes, "verdicts.csv", body), err
		}
		return s.showBulk(r, who, m, verdicts, nil)
	})(ctx, r)
}

type namedFile struct {
	name string
	body []byte
}

// readDocuments takes the files of a form that has several of one name, and whether a table is wanted.
func readDocuments(r *request) (files []namedFile, table bool, err error) {
	err = eachPart(r, bulkMax+1, func(name, called string, content []byte) error {
		switch {
		case name == "form" && string(content) == "csv":
			table = true
		case name == "form" && string(content) == "page":
		case name == "document" && called != "":
			files = append(files, namedFile{shortName(called), content})
		case name == "document" && len(content) == 0:
		default:
			return refuse(codeForm).of(clip(name))
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = refuse(codeDocument)
	}
	return files, table, err
}

// shortName is what the sender calls a file, without folders, and never long.
func shortName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	const most = 120
	letters := []rune(strings.ToValidUTF8(name, "?"))
	return string(letters[:min(len(letters), most)])
}

// bulkTable is the table as a file that spreadsheets open: UTF-8 with its mark, and no cell that one would take for a formula.
func (s *Server) bulkTable(r *request, verdicts []portal.BulkVerdict) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("\xef\xbb\xbf")
	w := csv.NewWriter(&out)
	w.Comma = ';'
	lang := report.Lang(s.pageLanguage(r, r.arg("lang")))
	for _, row := range portal.BulkRows(verdicts, lang) {
		for i, cell := range row {
			// The attack: a file named =HYPERLINK(…) runs in the spreadsheet of whoever opens the table.
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				row[i] = "'" + cell
			}
		}
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("couldn't write a table of verdicts: %w", err)
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}
