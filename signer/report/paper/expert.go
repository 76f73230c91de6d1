package paper

import (
	"strconv"
	"strings"

	"qaqpa/signer/report"
)

// expert is all that a verdict says, in the order in which it was decided.
func (w words) expert(v report.Verdict, shown []report.Signature) []Section {
	out := []Section{{Title: w.t("x.verdict"), Level: 2, Rows: filled(
		Row{Name: w.t("x.indication"), Value: outcomeOf(v.Indication, v.Sub)},
		Row{Name: w.t("x.format"), Value: v.Format},
		Row{Name: w.t("x.coverage"), Value: v.Coverage},
		Row{Name: w.t("x.at"), Value: exact(v.At)},
		Row{Name: w.t("x.evidence.at"), Value: exact(v.EvidenceAt)},
		Row{Name: w.t("x.policy"), Value: joined(v.Policy, v.PolicySHA256), Code: true},
		Row{Name: w.t("x.trust"), Value: joined(v.TrustMode, v.TrustSHA256), Code: true},
		Row{Name: w.t("x.document"), Value: v.DocumentSHA256, Code: true},
		Row{Name: w.t("x.content"), Value: v.ContentSHA256, Code: true},
		Row{Name: w.t("number"), Value: v.ID, Code: true},
	)}}
	out = append(out, w.rules("x.reasons", v.Reasons)...)
	out = append(out, w.rules("x.remarks", v.Remarks)...)
	for i := range shown {
		out = append(out, w.signature(shown[i], strconv.Itoa(i+1), 0)...)
	}
	for i := range v.TimeStamps[:min(len(v.TimeStamps), signaturesMax)] {
		out = append(out, w.stampDetail(v.TimeStamps[i], strconv.Itoa(i+1))...)
	}
	return append(out, w.evidence(v.Evidence)...)
}

// depthMax is how deep counter-signatures are shown; each may be countersigned in turn.
const depthMax = 2

func (w words) signature(s report.Signature, number string, depth int) []Section {
	best := w.t("x.unproven")
	if s.TimeProven {
		best = w.t("x.proven")
	}
	rows := filled(
		Row{Name: w.t("x.indication"), Value: outcomeOf(s.Indication, s.Sub)},
		Row{Name: w.t("x.level"), Value: s.Level},
		Row{Name: w.t("x.process"), Value: s.Process},
		Row{Name: w.t("x.algorithm"), Value: s.Algorithm},
		Row{Name: w.t("x.value"), Value: s.SHA256, Code: true},
		Row{Name: w.t("x.claimed"), Value: exactOr(s.ClaimedAt)},
		Row{Name: w.t("x.best"), Value: joined(exact(s.BestAt), best)},
		Row{Name: w.t("x.after"), Value: exactOr(s.AfterAt)},
		Row{Name: w.t("x.covers"), Value: s.Covers},
		Row{Name: w.t("x.mathematics"), Value: w.integrity(s.Integrity.Value, s.Integrity.Key)},
		Row{Name: w.t("x.references"), Value: w.integrity(s.Integrity.References, "")},
		Row{Name: w.t("x.manifests"), Value: w.integrity(s.Integrity.Manifests, "")},
	)
	if p := s.SignaturePolicy; p != nil {
		rows = append(rows, Row{Name: w.t("x.sigpolicy"), Value: clean(joined(p.OID, p.URI, p.Hash, p.Digest)), Code: true})
	}
	out := []Section{{Title: w.t("x.signature", number), Level: 2, Rows: rows}}
	if s.Signer != nil {
		out = append(out, w.certificate(*s.Signer))
	}
	out = append(out, w.rules("x.reasons", s.Reasons)...)
	out = append(out, w.rules("x.remarks", s.Remarks)...)
	out = append(out, w.scopes(s.Scopes)...)
	out = append(out, w.later(s.Changes)...)
	out = append(out, w.blocks(s.Blocks)...)
	out = append(out, w.constraints(s.Constraints)...)
	out = append(out, w.chain(s.Chain)...)
	out = append(out, w.revocation(s.Revocation)...)
	out = append(out, w.stamps(s.TimeStamps)...)
	out = append(out, w.attributes(s)...)
	if depth >= depthMax {
		return out
	}
	for i := range s.CounterSignatures[:min(len(s.CounterSignatures), signaturesMax)] {
		out = append(out, w.signature(s.CounterSignatures[i], number+"."+strconv.Itoa(i+1), depth+1)...)
	}
	return out
}

func (w words) certificate(s report.Signer) Section {
	return Section{Title: w.t("x.signer"), Level: 3, Rows: filled(
		Row{Name: w.t("h.subject"), Value: clean(joined(s.Name, s.Organisation))},
		Row{Name: w.t("h.issuer"), Value: clean(s.Issuer)},
		Row{Name: w.t("h.serial"), Value: clean(s.Serial), Code: true},
		Row{Name: w.t("h.validity"), Value: w.t("period", exact(s.NotBefore), exact(s.NotAfter))},
		Row{Name: w.t("h.use"), Value: clean(joined(s.KeyUse, s.Storage))},
		Row{Name: w.t("h.third"), Value: thirdParty(s.ThirdParty)},
		Row{Name: "SHA-256", Value: s.CertificateSHA256, Code: true},
	)}
}

// thirdParty names an authority of another state; empty without one.
func thirdParty(t *report.ThirdParty) string {
	if t == nil {
		return ""
	}
	return clean(joined(t.Name, t.Territory))
}

func (w words) rules(title string, list []report.Reason) []Section {
	var rows [][]string
	for _, r := range list {
		rows = append(rows, []string{string(r.Code), clean(r.Clause), r.Text.In(w.lang), clean(joined(r.Detail, r.Level, r.CertificateSHA256))})
	}
	return w.table(title, []string{"h.code", "h.clause", "why", "h.detail"}, []int{4, 4, 6, 6}, rows)
}

func (w words) blocks(list []report.Block) []Section {
	var rows [][]string
	for _, b := range list {
		rows = append(rows, []string{b.Name, "EN 319 102-1 " + b.Clause, joined(b.Indication, string(b.Sub))})
	}
	return w.table("x.blocks", []string{"h.block", "h.clause", "h.outcome"}, []int{6, 4, 5}, rows)
}

func (w words) constraints(list []report.Constraint) []Section {
	var rows [][]string
	for _, c := range list {
		outcome := w.t("kept")
		switch {
		case c.Level == "IGNORE":
			outcome = w.t("ignored")
		case !c.Kept:
			outcome = w.t("broken")
		}
		rows = append(rows, []string{w.known("c.", c.Name), clauseOf(c.Name), c.Level, outcome})
	}
	return w.table("x.constraints", []string{"h.constraint", "h.clause", "h.level", "h.outcome"}, []int{7, 4, 2, 3}, rows)
}

func (w words) chain(list []report.Certificate) []Section {
	var rows [][]string
	for i, c := range list {
		anchor := ""
		if c.Anchor {
			anchor = w.t("anchor")
		}
		rows = append(rows, []string{
			joined(strconv.Itoa(i+1), anchor), clean(c.Subject), clean(joined(c.Serial, c.Algorithm)),
			span(!c.NotBefore.IsZero(), exact(c.NotBefore), exact(c.NotAfter)), c.SHA256,
		})
	}
	return w.table("x.chain", []string{"h.name", "h.subject", "h.serial", "h.validity", "SHA-256"}, []int{2, 6, 5, 4, 5}, rows)
}

func (w words) revocation(list []report.Revocation) []Section {
	var rows [][]string
	for _, r := range list {
		times := span(r.ThisUpdate != nil, exactOr(r.ThisUpdate), exactOr(r.NextUpdate))
		if r.RevokedAt != nil {
			times = joined(times, w.t("status.revoked")+" "+exact(*r.RevokedAt)+" "+r.RevocationReason)
		}
		rows = append(rows, []string{r.CertificateSHA256, w.known("status.", r.Status), r.Source, times, r.EvidenceSHA256})
	}
	return w.table("x.revocation", []string{"x.signer", "h.status", "h.source", "h.times", "x.evidence"}, []int{5, 3, 2, 5, 5}, rows)
}

func (w words) stamps(list []report.TimeStamp) []Section {
	var out []Section
	for i := range list[:min(len(list), signaturesMax)] {
		out = append(out, w.stampDetail(list[i], strconv.Itoa(i+1))...)
	}
	for i := range out {
		out[i].Level = 3
	}
	return out
}

func (w words) stampDetail(s report.TimeStamp, number string) []Section {
	out := []Section{{Title: w.t("x.stamp", number), Level: 2, Rows: filled(
		Row{Name: w.t("x.indication"), Value: outcomeOf(s.Indication, s.Sub)},
		Row{Name: w.t("h.kind"), Value: s.Kind},
		Row{Name: w.t("h.times"), Value: exact(s.GenTime)},
		Row{Name: w.t("stamp.by"), Value: clean(s.TSA)},
		Row{Name: w.t("h.serial"), Value: clean(s.Serial), Code: true},
		Row{Name: w.t("x.policy"), Value: clean(s.Policy), Code: true},
		Row{Name: w.t("x.algorithm"), Value: joined(s.Algorithm, s.Imprint)},
		Row{Name: w.t("x.process"), Value: s.Process},
		Row{Name: "SHA-256", Value: s.SHA256, Code: true},
	)}}
	out = append(out, w.rules("x.reasons", s.Reasons)...)
	out = append(out, w.chain(s.Chain)...)
	return append(out, w.revocation(s.Revocation)...)
}

func (w words) scopes(list []report.Scope) []Section {
	var rows [][]string
	for _, s := range list {
		uri, outcome := "", w.t("differs")
		if s.URI != nil {
			uri = clean(*s.URI)
		}
		if s.Agrees {
			outcome = w.t("agrees")
		}
		for _, n := range s.Parts {
			rows = append(rows, []string{clean(joined(n.Path, n.ID)), uri, s.Coverage, outcome})
		}
		for _, n := range s.Holes {
			rows = append(rows, []string{clean(joined(n.Path, n.ID)), uri, s.Coverage, w.t("hole")})
		}
		if len(s.Parts) == 0 {
			rows = append(rows, []string{"—", uri, joined(s.Coverage, clean(s.Detail)), outcome})
		}
	}
	return w.table("x.scopes", []string{"h.node", "URI", "x.covers", "h.outcome"}, []int{6, 4, 3, 3}, rows)
}

func (w words) later(list []report.Change) []Section {
	var rows [][]string
	for _, c := range list {
		forbidden := ""
		if c.Forbidden {
			forbidden = w.t("forbidden")
		}
		rows = append(rows, []string{strconv.Itoa(c.Revision), joined(w.known("change.", c.Kind), forbidden), clean(joined(c.Field, c.Detail))})
	}
	return w.table("x.changes", []string{"h.revision", "h.kind", "h.detail"}, []int{2, 5, 7}, rows)
}

func (w words) attributes(s report.Signature) []Section {
	var rows [][]string
	for _, a := range s.Attributes {
		signed := w.t("no")
		if a.Signed {
			signed = w.t("yes")
		}
		rows = append(rows, []string{clean(joined(a.Name, a.OID)), signed, clean(a.Value)})
	}
	out := w.table("x.attributes", []string{"h.name", "h.signed", "h.value"}, []int{6, 2, 6}, rows)
	rows = nil
	for _, a := range s.AttributeCertificates {
		rows = append(rows, []string{clean(a.Issuer), clean(a.Serial), w.t("period", exact(a.NotBefore), exact(a.NotAfter)), clean(strings.Join(a.Attributes, ", ")), a.SHA256})
	}
	return append(out, w.table("x.attribute", []string{"h.issuer", "h.serial", "h.validity", "x.attributes", "SHA-256"}, []int{5, 3, 4, 4, 5}, rows)...)
}

func (w words) evidence(list []report.Evidence) []Section {
	var rows [][]string
	for _, e := range list {
		size, digest := "", e.SHA256
		if e.SizeBytes > 0 {
			size = strconv.Itoa(e.SizeBytes)
		}
		if e.Failure != "" {
			digest = e.Failure
		}
		rows = append(rows, []string{e.Kind, clean(e.Source), joined(size, exactOr(e.ObtainedAt)), digest})
	}
	out := w.table("x.evidence", []string{"h.kind", "h.source", "h.size", "SHA-256"}, []int{2, 6, 4, 6}, rows)
	for i := range out {
		out[i].Level = 2
	}
	return out
}

// table is a section with a table; none without rows. The head names words, or is itself where there is no such word.
func (w words) table(title string, head []string, widths []int, rows [][]string) []Section {
	if len(rows) == 0 {
		return nil
	}
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = w.t(h)
	}
	return []Section{{Title: w.t(title), Level: 3, Table: &Table{Head: names, Widths: widths, Rows: bounded(rows)}}}
}

// filled leaves out rows without a value.
func filled(rows ...Row) []Row {
	out := rows[:0]
	for _, r := range rows {
		if r.Value = clean(r.Value); r.Value != "" {
			out = append(out, r)
		}
	}
	return out
}

func outcomeOf(i report.Indication, sub report.SubIndication) string {
	return joined(string(i), string(sub))
}

// joined writes what is there with a dot between.
func joined(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}

func span(known bool, from, to string) string {
	switch {
	case !known:
		return ""
	case to == "":
		return from
	}
	return from + " — " + to
}

// integrity says one word of report.Integrity in the reader's language; empty where there is none.
func (w words) integrity(word, key string) string {
	switch word {
	case report.ValueCorrect, report.ValueWrong, report.ReferencesIntact, report.ReferencesChanged, report.ReferencesMissing, report.Undecided:
		word = w.t("integrity." + word)
	}
	if key == report.KeyOfDocument {
		word = joined(word, w.t("integrity.bare"))
	}
	return word
}
