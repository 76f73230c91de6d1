package paper

import (
	"slices"
	"strconv"
	"strings"

	"qaqpa/signer/report"
)

// Bounds of a page: a document may hold more than anybody reads, and drawing costs memory.
const (
	signaturesMax = 50
	rowsMax       = 300
)

// Page is a verdict in the words of one language.
type Page struct {
	Lang report.Lang
	// Tone is "passed", "failed" or "unclear".
	Tone string
	// Title and Text say what came out.
	Title, Text string
	// At is the time of validation; Number that of a stored verdict.
	At, Number string
	// Reasons and Remarks speak of the document as a whole.
	Reasons, Remarks []Reason
	// Signers in the order of the document.
	Signers []Signer
	// More says that there are signatures beyond those shown; empty when there are none.
	More string
	// Expert is the part for experts.
	Expert []Section

	words words
}

// T is a word of the page; the template calls it.
func (p *Page) T(id string) string { return p.words.t(id) }

// Reason is what failed and what to do.
type Reason struct{ Text, Advice string }

// Signer is one signature, or time stamp that stands alone, in plain words.
type Signer struct {
	Heading, Tone, Word string
	Rows                []Row
	// Unconfirmed says that the name is a claim; empty where it is proven.
	Unconfirmed      string
	Reasons, Remarks []Reason
}

// Row is a name and its value. Code is set for digests and the like.
type Row struct {
	Name, Value string
	Code        bool
}

// Section is a part of the expert's report.
type Section struct {
	Title string
	// Level is 2 for a part, 3 for what belongs to it.
	Level int
	Rows  []Row
	Table *Table
}

// Table has rows of as many cells as Head. Widths are relative.
type Table struct {
	Head   []string
	Widths []int
	Rows   [][]string
}

// Of puts a verdict into words. An unknown language is English.
func Of(v report.Verdict, l report.Lang) *Page {
	switch l {
	case report.KK, report.RU, report.EN:
	default:
		l = report.EN
	}
	w := words{l}
	p := &Page{
		Lang: l, words: w, At: w.date(v.At), Number: v.ID, Reasons: w.reasons(v.Reasons), Remarks: w.reasons(v.Remarks),
	}
	p.Tone, p.Title, p.Text = w.outcome(v)
	if v.TrustMode == "custom" {
		p.Remarks = append(p.Remarks, Reason{Text: w.t("custom")})
	}
	shown := v.Signatures[:min(len(v.Signatures), signaturesMax)]
	for i := range shown {
		p.Signers = append(p.Signers, w.signer(shown[i], i+1, len(v.Signatures)))
	}
	for i := range v.TimeStamps[:min(len(v.TimeStamps), signaturesMax)] {
		p.Signers = append(p.Signers, w.stamp(v.TimeStamps[i]))
	}
	if n := len(v.Signatures) - len(shown); n > 0 {
		p.More = w.t("more", n)
	}
	p.Expert = w.expert(v, shown)
	return p
}

// Tone is how an indication is shown. What is not known is a failure.
func Tone(i report.Indication) string {
	switch i {
	case report.TotalPassed:
		return "passed"
	case report.Indeterminate:
		return "unclear"
	case report.TotalFailed:
		return "failed"
	}
	return "failed"
}

// outcome is the headline. It never says that a document holds of which a part alone is signed, or nothing, whatever the verdict
// claims: what is not signed may have been added by anybody (signature wrapping).
func (w words) outcome(v report.Verdict) (tone, title, text string) {
	tone = Tone(v.Indication)
	id := tone
	switch {
	case len(v.Signatures) == 0 && len(v.TimeStamps) > 0:
		id = "stamp." + tone
	case len(v.Signatures) == 0:
		tone, id = "failed", "absent"
	case tone == "passed" && !v.Passed():
		tone, id = "unclear", "partial"
	}
	return tone, w.t(id), w.t(id + ".text")
}

func (w words) word(tone string) string {
	return w.t(map[string]string{"passed": "holds", "unclear": "undecided", "failed": "holds.not"}[tone])
}

func (w words) signer(s report.Signature, number, total int) Signer {
	out := Signer{Heading: w.t("signature"), Tone: Tone(s.Indication), Reasons: w.reasons(s.Reasons), Remarks: w.reasons(s.Remarks)}
	if out.Word = w.word(out.Tone); total > 1 {
		out.Heading = w.t("signature.of", number, total)
	}
	if s.Signer == nil {
		out.Rows = append(out.Rows, Row{Name: w.t("who"), Value: w.t("who.unknown")})
	} else {
		out.Rows = w.who(*s.Signer)
		if out.Tone != "passed" {
			out.Unconfirmed = w.t("who.unconfirmed")
		}
	}
	out.Rows = append(out.Rows, Row{Name: w.t("when"), Value: w.when(s)}, Row{Name: w.t("covers"), Value: w.covers(s)})
	if changes := w.changes(s.Changes); changes != "" {
		out.Rows = append(out.Rows, Row{Name: w.t("changes"), Value: changes})
	}
	return out
}

func (w words) who(s report.Signer) []Row {
	name := clean(s.Name)
	switch s.Kind {
	case "person", "organisation", "information_system":
		name += " · " + w.t("kind."+s.Kind)
	}
	rows := []Row{{Name: w.t("who"), Value: name}}
	for _, r := range []Row{{Name: w.t("organisation"), Value: s.Organisation}, {Name: w.t("iin"), Value: s.IIN}, {Name: w.t("bin"), Value: s.BIN}} {
		if r.Value = clean(r.Value); r.Value != "" {
			rows = append(rows, r)
		}
	}
	roles := make([]string, 0, len(s.Roles))
	for _, r := range s.Roles {
		roles = append(roles, r.Name.In(w.lang))
	}
	if len(roles) == 0 {
		roles = append(roles, w.t("authority.none"))
	}
	return append(rows, Row{Name: w.t("authority"), Value: strings.Join(roles, "; ")})
}

// when says what is known of the signing time, and how well.
func (w words) when(s report.Signature) string {
	switch {
	case s.TimeProven:
		return w.t("when.proven", w.date(s.BestAt))
	case s.ClaimedAt != nil:
		return w.t("when.claimed", w.date(*s.ClaimedAt))
	}
	return w.t("when.unknown")
}

// covers says what is signed, and for parts of a document which.
func (w words) covers(s report.Signature) string {
	switch s.Covers {
	case "content", "detached", "signature":
		return w.t("covers." + s.Covers)
	case "part":
		if s.Revisions > 0 {
			return w.t("covers.revision", s.Revision, s.Revisions)
		}
		return w.t("covers.part", strings.Join(agreeing(s.Scopes), ", "))
	}
	return w.t("covers.none")
}

// agreeing are the nodes whose digests agree; others are what was meant to be signed.
func agreeing(scopes []report.Scope) []string {
	var parts []string
	for _, scope := range scopes {
		for _, node := range scope.Parts {
			if scope.Agrees && len(parts) < rowsMax {
				parts = append(parts, clean(node.Path))
			}
		}
	}
	return parts
}

// changes names the kinds of later changes, each once.
func (w words) changes(list []report.Change) string {
	var kinds []string
	for _, c := range list {
		if word := w.known("change.", c.Kind); !slices.Contains(kinds, word) {
			kinds = append(kinds, word)
		}
	}
	return strings.Join(kinds, "; ")
}

func (w words) stamp(s report.TimeStamp) Signer {
	out := Signer{Heading: w.t("stamp"), Tone: Tone(s.Indication), Reasons: w.reasons(s.Reasons)}
	out.Word = w.word(out.Tone)
	at := w.t("when")
	if out.Tone == "passed" {
		at = w.t("stamp.proof")
	} else {
		out.Unconfirmed = w.t("stamp.failed.text")
	}
	out.Rows = []Row{{Name: at, Value: w.date(s.GenTime)}, {Name: w.t("stamp.by"), Value: clean(s.TSA)}}
	return out
}

func (w words) reasons(list []report.Reason) []Reason {
	out := make([]Reason, 0, len(list))
	for _, r := range list {
		if one := (Reason{r.Text.In(w.lang), r.Advice.In(w.lang)}); !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// bounded cuts a list of rows, and says so in its last one.
func bounded(rows [][]string) [][]string {
	if len(rows) <= rowsMax {
		return rows
	}
	last := make([]string, len(rows[0]))
	last[0] = "… +" + strconv.Itoa(len(rows)-rowsMax)
	return append(rows[:rowsMax:rowsMax], last)
}
