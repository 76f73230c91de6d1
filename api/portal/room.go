package portal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"qaqpa/signer/audit"
	"qaqpa/signer/dual"
	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"
)

// HeldKey is a key that the gateway signs with.
type HeldKey struct {
	// Purpose is "seal", "checkpoint", "webhook" or another word of the catalogue keys.purpose.
	Purpose string
	// Token and Label name it there; ID is CKA_ID in hexadecimal.
	Token, Label, ID, Algorithm string
	// Certificate in DER; nil for none.
	Certificate []byte
}

// KeyRequest is a request of one operator.
type KeyRequest struct {
	dual.Request

	// Own says that the reader asked for it.
	Own bool
}

// Keys is the page of keys and of what two operators agree on.
type Keys struct {
	Frame
	Subject  string
	Keys     []HeldKey
	Requests []KeyRequest
	People   People
	// MayAct opens the forms.
	MayAct bool
	// Done is "asked" or "approved" after it.
	Done    string
	Message *Message
}

type heldKey struct{ Purpose, Token, Label, ID, Algorithm, Holder, Until string }

type keyRequest struct {
	ID, What, Key, KeyID, Asked, At, Approved, Until string
	MayApprove, Own                                  bool
}

// RenderKeys makes that page.
func (p *Pages) RenderKeys(v Keys) ([]byte, error) {
	m := struct {
		frame
		Subject  string
		Keys     []heldKey
		Requests []keyRequest
		Kinds    []string
		MayAct   bool
		Done     string
		Message  *Message
	}{frame: p.frame(v.Frame, "keys"), Subject: v.Subject, MayAct: v.MayAct, Message: v.Message, Kinds: []string{"retire", "rotate", "destroy"}}
	if v.Done == "asked" || v.Done == "approved" {
		m.Done = "done." + v.Done
	}
	for _, k := range v.Keys {
		row := heldKey{Purpose: m.T("purpose." + k.Purpose), Token: k.Token, Label: k.Label, ID: k.ID, Algorithm: k.Algorithm}
		if c, err := pkix.ParseCertificate(k.Certificate); err == nil {
			row.Holder, row.Until = c.Subject.String(), m.Date(c.NotAfter)
		}
		m.Keys = append(m.Keys, row)
	}
	for _, q := range v.Requests {
		row := keyRequest{
			ID: q.ID, What: m.T("what." + q.Kind), Key: q.Key + " · " + q.Token, KeyID: q.KeyID, Asked: m.who(v.People, q.Asked), At: m.Date(q.AskedAt),
			Until: m.Date(q.AskedAt.Add(dual.Life)), Own: q.Own, MayApprove: v.MayAct && !q.Own && q.Approved == nil,
		}
		if q.Approved != nil {
			row.Approved = m.who(v.People, *q.Approved)
		}
		m.Requests = append(m.Requests, row)
	}
	return p.render("keys", m)
}

// Trust is the page of anchors and revocation lists.
type Trust struct {
	Frame
	Subject, Mode, Digest string
	Authorities           []trust.Authority
	Lists                 []revoked.Status
	Now                   time.Time
}

type authority struct{ Name, Role, SHA256, From, Until, State, Tone string }

type listView struct{ Name, Address, Size, Issued, Next, Checked, State, Tone string }

// TrustSoon is how long before its end an anchor is marked.
const TrustSoon = 90 * 24 * time.Hour

// RenderTrust makes that page.
func (p *Pages) RenderTrust(v Trust) ([]byte, error) {
	m := struct {
		frame
		Subject, Mode, Digest string
		Authorities           []authority
		Lists                 []listView
	}{frame: p.frame(v.Frame, "trust"), Subject: v.Subject, Digest: v.Digest}
	m.Mode = m.T("mode." + v.Mode)
	for _, a := range v.Authorities {
		print := a.Certificate.Fingerprint()
		row := authority{
			Name: a.Certificate.Subject.String(), Role: m.T("role." + string(a.Role)), SHA256: hex.EncodeToString(print[:]),
			From: m.Date(a.TrustedFrom), Until: m.Date(a.TrustedUntil), State: m.T("state.valid"), Tone: "passed",
		}
		switch {
		case v.Now.After(a.TrustedUntil):
			row.State, row.Tone = m.T("state.over"), "failed"
		case v.Now.Add(TrustSoon).After(a.TrustedUntil):
			row.State, row.Tone = m.T("state.soon"), "unclear"
		case v.Now.Before(a.TrustedFrom):
			row.State, row.Tone = m.T("state.early"), "unclear"
		}
		m.Authorities = append(m.Authorities, row)
	}
	for _, l := range v.Lists {
		m.Lists = append(m.Lists, listModel(m.words, l))
	}
	return p.render("trust", m)
}

func listModel(w words, l revoked.Status) listView {
	row := listView{Name: l.Name, State: w.T("list.fresh"), Tone: "passed"}
	if len(l.URLs) > 0 {
		row.Address = l.URLs[0]
	}
	if l.List != nil {
		row.Size, row.Issued, row.Next = strconv.Itoa(l.List.Len()), w.Date(l.List.ThisUpdate()), w.Date(l.List.NextUpdate())
	}
	if !l.CheckedAt.IsZero() {
		row.Checked = w.Date(l.CheckedAt)
	}
	switch {
	case l.List == nil:
		row.State, row.Tone = w.T("list.absent"), "failed"
	case l.OutOfDate:
		row.State, row.Tone = w.T("list.stale"), "failed"
	case l.Failures > 0:
		row.State, row.Tone = w.T("list.failing")+" ("+l.Failure+")", "unclear"
	}
	return row
}

// Audit is the page of the audit log.
type Audit struct {
	Frame
	Subject string
	Query   audit.Query
	Entries []audit.Record
	People  People
}

type auditEntry struct {
	At, Actor, ActorID, Did, Action, Subject, Detail, Proof string
}

// RenderAudit makes that page.
func (p *Pages) RenderAudit(v Audit) ([]byte, error) {
	m := struct {
		frame
		Subject string
		Query   audit.Query
		Entries []auditEntry
	}{frame: p.frame(v.Frame, "audit"), Subject: v.Subject, Query: v.Query}
	for _, e := range v.Entries {
		m.Entries = append(m.Entries, entryModel(m.words, v.Subject, e, v.People))
	}
	return p.render("audit", m)
}

// entryModel is an entry with the name of its action, by which one looks for it, and what that means where the catalogue says it.
func entryModel(w words, subject string, e audit.Record, known People) auditEntry {
	did := ""
	if id := "audit.did." + e.Action; w.texts.Has(w.lang, id) {
		did = w.texts.Text(w.lang, id, nil)
	}
	return auditEntry{
		Did: did,
		At:  w.Date(e.At), Actor: w.who(known, e.Actor), ActorID: masked(e.Actor), Action: e.Action, Subject: masked(e.Subject), Detail: masked(detailText(e.Detail)),
		Proof: "/console/operator/" + subject + "/audit/" + strconv.Itoa(e.Chain) + "/" + strconv.FormatInt(e.Seq, 10),
	}
}

// masked hides the numbers of persons and organisations, of which entries speak: looking at a person takes a reason, and is written down,
// in the search of the contact centre.
func masked(text string) string {
	out, run := []byte(text), 0
	for i := 0; i <= len(out); i++ {
		if i < len(out) && out[i] >= '0' && out[i] <= '9' {
			run++
			continue
		}
		if run == 12 {
			copy(out[i-12:i-4], "********")
		}
		run = 0
	}
	return string(out)
}

// NamesPerson tells whether a text has the number of a person or an organisation in it.
func NamesPerson(text string) bool { return masked(text) != text }

// detailText shows a detail that is text, cut to what a table bears.
func detailText(detail []byte) string {
	const most = 400
	var out bytes.Buffer
	if json.Compact(&out, detail) != nil {
		out.Reset()
		out.Write(detail)
	}
	text := out.String()
	if !utf8.ValidString(text) {
		text = hex.EncodeToString(detail)
	}
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// AuditProof is the page of one entry and what holds it in its place.
type AuditProof struct {
	Frame
	Subject string
	Proof   audit.Proof
	People  People
	// More leads to the entries of the same subject.
	More string
}

// RenderProof makes that page.
func (p *Pages) RenderProof(v AuditProof) ([]byte, error) {
	m := struct {
		frame
		Subject, More, Tone, Title, Problem string
		Entry                               auditEntry
		Chain, Seq, Hash, Before            string
		Through, Seal, SealAt               string
		Expert                              Expert
	}{
		frame: p.frame(v.Frame, "proof"), Subject: v.Subject, More: v.More, Tone: "passed",
		Chain: strconv.Itoa(v.Proof.Chain), Seq: strconv.FormatInt(v.Proof.Seq, 10), Through: strconv.FormatInt(v.Proof.Through, 10),
		Hash: hex.EncodeToString(v.Proof.Hash[:]), Before: hex.EncodeToString(v.Proof.PrevHash[:]), Seal: v.Proof.Seal,
	}
	m.Entry = entryModel(m.words, v.Subject, v.Proof.Record, v.People)
	if m.Seal != "" {
		m.SealAt = m.Date(v.Proof.SealAt)
	}
	switch {
	case v.Proof.Problem != "":
		m.Tone = "failed"
		m.Problem, m.Expert = m.T("fault."+string(v.Proof.Fault)), m.expert(v.Proof.Problem)
	case m.Seal == "":
		m.Tone = "unclear"
	}
	m.Title = m.T("outcome." + m.Tone)
	return p.render("proof", m)
}
