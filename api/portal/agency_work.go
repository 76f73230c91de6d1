package portal

import (
	"net/url"
	"strconv"
	"strings"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/signer"
	"qaqpa/signer/report"
)

// AgencyServices is the page of an agency's services and of the changes that were asked for.
type AgencyServices struct {
	Frame
	Agency    string
	Services  []catalog.Service
	Proposals []payment.Proposal
	// More says that further services follow; First that this is the first page, which alone has the proposals.
	More, First bool
	// MoreProposals says that older changes follow; Earlier that the page has changes alone, those after the first ones.
	MoreProposals, Earlier bool
	// Actor is who looks: he publishes nothing that he asked for.
	Actor, Done, Key string
	MayAct           bool
	Message          *Message
}

type proposalRow struct {
	ID, Code, Name, State, Tone, By, At, Decided string
	Number, Base                                 int
	Lines                                        []string
	Publish, Reject                              bool
}

// RenderAgencyServices makes that page.
func (p *Pages) RenderAgencyServices(v AgencyServices) ([]byte, error) {
	m := struct {
		frame
		ID, Done, Key, Next    string
		NextChanges            string
		MayAct, First, Earlier bool
		Proposals              []proposalRow
		Services               []agencyService
		Message                *Message
	}{frame: p.frame(v.Frame, "services"), ID: v.Agency, Key: v.Key, MayAct: v.MayAct, First: v.First, Earlier: v.Earlier, Message: v.Message}
	m.Tabs = agencyTabs(m.words, v.Agency, "/services")
	if v.MoreProposals && len(v.Proposals) > 0 {
		m.NextChanges = "/console/agency/" + v.Agency + "/services?changes_after=" + v.Proposals[len(v.Proposals)-1].ID
	}
	if v.More && len(v.Services) > 0 {
		m.Next = "/console/agency/" + v.Agency + "/services?starting_after=" + v.Services[len(v.Services)-1].ID
	}
	if v.Done == "asked" || v.Done == "publish" || v.Done == "reject" {
		m.Done = m.T("done." + v.Done)
	}
	for i, x := range v.Proposals {
		row := proposalRow{
			ID: x.ID, Number: i, Code: x.Code, Name: m.Name(x.Spec.Names), State: m.T("state." + x.State), Tone: "unclear", By: x.AskedName, At: m.Date(x.AskedAt),
			Base: x.Base, Lines: specLines(m.words, x.Spec),
		}
		open := x.State == "open" && v.MayAct
		row.Publish, row.Reject = open && x.AskedBy != v.Actor, open
		switch x.State {
		case "published":
			row.Tone = "passed"
		case "rejected":
			row.Tone = "failed"
		}
		if x.DecidedAt != nil {
			row.Decided = x.DecidedName + ", " + m.Date(*x.DecidedAt)
		}
		m.Proposals = append(m.Proposals, row)
	}
	for _, s := range v.Services {
		m.Services = append(m.Services, serviceRow(m.words, s))
	}
	return p.render("services", m)
}

// serviceRow is a service as pages list it.
func serviceRow(w words, s catalog.Service) agencyService {
	row := agencyService{Name: w.Name(s.Names), Code: s.Code, KBK: s.KBK, KNP: s.KNP, KBE: s.KBE, Beneficiary: s.Beneficiary.Name, Version: s.Version}
	for _, t := range s.Tariffs {
		row.Tariffs = append(row.Tariffs, tariffText(w, t))
	}
	return row
}

// specLines say all that money depends on, for whoever agrees to it.
func specLines(w words, s catalog.ServiceSpec) []string {
	b := s.Beneficiary
	out := []string{
		s.Names.KK + " · " + s.Names.RU + " · " + s.Names.EN,
		w.T("codes") + ": " + s.KBK + " · " + s.KNP + " · " + s.KBE,
		w.T("beneficiary") + ": " + b.Name + ", " + b.BIN + ", " + b.Account + ", " + b.BIC,
	}
	for _, t := range s.Tariffs {
		out = append(out, w.T("tariff")+": "+tariffText(w, t))
	}
	return out
}

// ServiceFields are the names of the form of a service, apart from its key.
func ServiceFields() []string {
	return []string{
		"code", "name_kk", "name_ru", "name_en", "kbk", "knp", "kbe", "b_name", "b_bin", "b_account", "b_bic",
		"tariff", "tariff_from", "tariff_amount", "tariff_rate", "tariff_rounding", "tariff_floor", "tariff_cap",
	}
}

// FieldsOf fills the form with a service as it is; the tariff is left as it is.
func FieldsOf(s catalog.ServiceSpec) map[string]string {
	return map[string]string{
		"code": s.Code, "name_kk": s.Names.KK, "name_ru": s.Names.RU, "name_en": s.Names.EN, "kbk": s.KBK, "knp": s.KNP, "kbe": s.KBE,
		"b_name": s.Beneficiary.Name, "b_bin": s.Beneficiary.BIN, "b_account": s.Beneficiary.Account, "b_bic": s.Beneficiary.BIC,
	}
}

// ServiceForm is the page on which a service is changed, or made.
type ServiceForm struct {
	Frame
	Agency string
	// History has the versions, the newest first; none for a new service.
	History []catalog.Service
	Fields  map[string]string
	// Field is the one that is wrong, as the domain names it.
	Field   string
	Key     string
	Today   catalog.Date
	MayAct  bool
	Message *Message
}

type versionRow struct {
	Version int
	At      string
	Lines   []string
}

type formField struct {
	Name, Label, Value, Mode string
	Max                      int
	Wrong                    bool
}

// RenderServiceForm makes that page.
func (p *Pages) RenderServiceForm(v ServiceForm) ([]byte, error) {
	m := struct {
		frame
		ID, Key, Name, Code, Today string
		New, MayAct                bool
		Fields, Money              []formField
		Kinds, Roundings           []option
		Versions                   []versionRow
		Message                    *Message
	}{frame: p.frame(v.Frame, "services"), ID: v.Agency, Key: v.Key, New: len(v.History) == 0, MayAct: v.MayAct, Today: string(v.Today), Message: v.Message}
	m.Tabs = agencyTabs(m.words, v.Agency, "/services")
	m.Name, m.Code = m.T("new"), v.Fields["code"]
	if !m.New {
		m.Name = m.words.Name(v.History[0].Names)
	}
	names := map[string]string{ // what the domain calls a field
		"names.kk": "name_kk", "names.ru": "name_ru", "names.en": "name_en", "beneficiary.name": "b_name", "beneficiary.bin": "b_bin",
		"beneficiary.account": "b_account", "beneficiary.bic": "b_bic",
	}
	wrong := strings.ReplaceAll(strings.TrimPrefix(v.Field, "/"), "/", ".")
	if known, ok := names[wrong]; ok {
		wrong = known
	}
	field := func(name, mode string, most int) formField {
		return formField{Name: name, Label: m.T("field." + name), Value: v.Fields[name], Mode: mode, Max: most, Wrong: name == wrong}
	}
	const longest, account, person, short = 200, 20, 12, 8
	m.Fields = []formField{
		field("name_kk", "text", longest), field("name_ru", "text", longest), field("name_en", "text", longest), field("kbk", "numeric", short), field("knp", "numeric", short),
		field("kbe", "numeric", short), field("b_name", "text", longest), field("b_bin", "numeric", person), field("b_account", "text", account), field("b_bic", "text", short),
	}
	m.Money = []formField{field("tariff_amount", "decimal", account), field("tariff_rate", "decimal", account), field("tariff_floor", "decimal", account), field("tariff_cap", "decimal", account)}
	kinds := []catalog.TariffKind{catalog.Fixed, catalog.MRPRate, catalog.Percent, catalog.Stated}
	if !m.New {
		kinds = append([]catalog.TariffKind{""}, kinds...)
	}
	for _, k := range kinds {
		text := m.T("kind.keep")
		if k != "" {
			text = m.T("kind." + string(k))
		}
		m.Kinds = append(m.Kinds, option{Value: string(k), Text: text, Chosen: string(k) == v.Fields["tariff"]})
	}
	for _, r := range []money.Rounding{money.HalfUpTenge, money.DownTenge, money.UpTenge, money.HalfUpTiyn} {
		m.Roundings = append(m.Roundings, option{Value: string(r), Text: m.T("rounding." + string(r)), Chosen: string(r) == v.Fields["tariff_rounding"]})
	}
	if from := v.Fields["tariff_from"]; catalog.Date(from).Valid() {
		m.Today = from
	}
	for _, s := range v.History {
		m.Versions = append(m.Versions, versionRow{s.Version, m.Date(s.PublishedAt), specLines(m.words, s.ServiceSpec)})
	}
	return p.render("service", m)
}

// AgencyDebts is the page on which an agency hands a file of debts in.
type AgencyDebts struct {
	Frame
	Agency   string
	MayAct   bool
	Columns  []string
	MaxBytes int
	// Report is what became of a file; Refused are its bad lines, at most some.
	Report  *payment.FeedReport
	Refused []payment.FeedResult
	// MoreErrors says that further bad lines follow those.
	MoreErrors bool
	// Feeds came last, one page of them; MoreFeeds says that older ones follow.
	Feeds     []payment.FeedSummary
	MoreFeeds bool
	Message   *Message
}

type feedRow struct {
	Address, Name, At, Lines, Accepted, Refused, State, Tone string
}

// feedModel is a feed of a list in words. Names that are digests of files are shortened.
func feedModel(w words, base string, f payment.FeedSummary) feedRow {
	const long, short = 40, 12
	row := feedRow{
		Address: base + "?" + url.Values{"feed": {f.Name}}.Encode(), Name: f.Name, At: w.Date(f.LoadedAt), Lines: strconv.Itoa(f.Lines), Accepted: strconv.Itoa(f.Accepted), Refused: strconv.Itoa(f.Refused),
		State: w.T("feed.whole"), Tone: "passed",
	}
	if len(row.Name) > long {
		row.Name = row.Name[:short] + "…"
	}
	switch {
	case !f.Complete:
		row.State, row.Tone = w.T("feed.cut"), "failed"
	case f.Refused > 0:
		row.State, row.Tone = w.T("feed.partly"), "unclear"
	}
	return row
}

type refusedRow struct{ Line, Reference, Why, Field string }

// refusedReason says in words which of the things that a code stands for is the matter, with its amounts and days as the language writes
// them. Lines that were refused before there were reasons have the
// words of their code.
func refusedReason(w words, x payment.FeedResult) string {
	if x.Reason == "" {
		return w.texts.Text(w.lang, "problem."+x.Code+".title", nil)
	}
	facts := map[string]string{
		"Tiyn": w.Money(x.Facts.Tiyn, "KZT"), "LeastTiyn": w.Money(x.Facts.LeastTiyn, "KZT"), "MostTiyn": w.Money(x.Facts.MostTiyn, "KZT"),
		"Least": strconv.Itoa(x.Facts.Least), "Most": strconv.Itoa(x.Facts.Most), "Byte": strconv.Itoa(x.Facts.Byte),
		"On": w.Day(x.Facts.On), "Of": x.Facts.Of,
	}
	if x.Facts.Want != "" {
		facts["Want"] = w.T("want." + x.Facts.Want)
	}
	return w.texts.Text(w.lang, "why."+string(x.Reason), facts)
}

// RenderAgencyDebts makes that page.
func (p *Pages) RenderAgencyDebts(v AgencyDebts) ([]byte, error) {
	m := struct {
		frame
		ID, Columns, Limit, Next, Older, Feed string
		MayAct, Taken, Cut                    bool
		Lines, Accepted, RefusedCount         int
		Rows                                  []refusedRow
		Feeds                                 []feedRow
		Message                               *Message
	}{
		frame: p.frame(v.Frame, "debts"), ID: v.Agency, MayAct: v.MayAct, Columns: strings.Join(v.Columns, ";"), Limit: strconv.Itoa(v.MaxBytes >> 20), Message: v.Message,
	}
	if v.Report != nil {
		m.Taken, m.Lines, m.Accepted, m.RefusedCount = true, v.Report.Lines, v.Report.Accepted, v.Report.Refused
		m.Cut, m.Feed = !v.Report.Complete, v.Report.Feed
	}
	base := "/console/agency/" + v.Agency + "/debts"
	m.Tabs = agencyTabs(m.words, v.Agency, "/debts")
	if v.MoreErrors && len(v.Refused) > 0 {
		m.Next = base + "?" + url.Values{"feed": {v.Report.Feed}, "line": {strconv.Itoa(v.Refused[len(v.Refused)-1].Line)}}.Encode()
	}
	for _, f := range v.Feeds {
		m.Feeds = append(m.Feeds, feedModel(m.words, base, f))
	}
	if v.MoreFeeds && len(v.Feeds) > 0 {
		m.Older = base + "?" + url.Values{"starting_after": {v.Feeds[len(v.Feeds)-1].Name}}.Encode()
	}
	for _, x := range v.Refused {
		m.Rows = append(m.Rows, refusedRow{strconv.Itoa(x.Line), x.Reference, refusedReason(m.words, x), x.Field})
	}
	return p.render("debts", m)
}

// BulkVerdict is what became of one of many documents.
type BulkVerdict struct {
	File    string
	Verdict *signer.Verdict
	// Problem says why it could not be judged.
	Problem string
}

// Bulk is the page that judges many documents.
type Bulk struct {
	Frame
	Agency         string
	Verdicts       []BulkVerdict
	Most, MaxBytes int
	Message        *Message
}

type bulkRow struct{ File, Verdict, Tone, Signers, At, Why string }

// RenderBulk makes that page.
func (p *Pages) RenderBulk(v Bulk) ([]byte, error) {
	m := struct {
		frame
		ID, Most, Limit string
		Rows            []bulkRow
		Message         *Message
	}{frame: p.frame(v.Frame, "bulk"), ID: v.Agency, Most: strconv.Itoa(v.Most), Limit: strconv.Itoa(v.MaxBytes >> 20), Message: v.Message}
	m.Tabs = agencyTabs(m.words, v.Agency, "/verify")
	for i, cells := range BulkRows(v.Verdicts, report.Lang(v.Lang)) {
		if i == 0 {
			continue // the head
		}
		row := bulkRow{File: cells[0], Verdict: m.T("problem"), Tone: "unclear", Signers: cells[3], At: cells[4], Why: cells[5]}
		if verdict := v.Verdicts[i-1].Verdict; verdict != nil {
			row.Verdict, row.Tone = m.T("verdict."+cells[1]), "unclear"
			switch {
			case verdict.Passed():
				row.Tone = "passed"
			case verdict.Indication == report.TotalFailed:
				row.Tone = "failed"
			}
		}
		m.Rows = append(m.Rows, row)
	}
	return p.render("bulk", m)
}

// BulkRows are the verdicts as a table with its head: file, verdict (passed, failed, unclear, unsigned, problem), format, who signed, since
// when that is proven, why.
func BulkRows(list []BulkVerdict, lang report.Lang) [][]string {
	out := [][]string{{"file", "verdict", "format", "signers", "signed_at", "reasons"}}
	for _, b := range list {
		if b.Verdict == nil {
			out = append(out, []string{b.File, "problem", "", "", "", b.Problem})
			continue
		}
		v, word := b.Verdict, "unclear"
		switch {
		case v.Passed():
			word = "passed"
		case len(v.Signatures) == 0:
			word = "unsigned"
		case v.Indication == report.TotalFailed:
			word = "failed"
		}
		var signers, times, reasons []string
		for _, r := range v.Reasons {
			reasons = append(reasons, r.Text.In(lang))
		}
		for _, s := range v.Signatures {
			if s.Signer != nil {
				signers = append(signers, strings.TrimSpace(s.Signer.Name+" "+s.Signer.Organisation))
			}
			if s.TimeProven {
				times = append(times, s.BestAt.In(astana()).Format("2006-01-02 15:04:05"))
			}
			for _, r := range s.Reasons {
				reasons = append(reasons, r.Text.In(lang))
			}
		}
		out = append(out, []string{b.File, word, v.Format, strings.Join(signers, "; "), strings.Join(times, "; "), strings.Join(reasons, "; ")})
	}
	return out
}
