package portal

import (
	"regexp"
	"slices"
	"strings"

	"qaqpa/api/reference"
	"qaqpa/api/sandbox"
)

// Developers is the page that explains the interface for programs.
type Developers struct {
	Frame
	// Base is the public address of the gateway, for the commands that can be pasted.
	Base     string
	Contract reference.Contract
	// Sandbox is what may be tried here; nil where the gateway is none.
	Sandbox *sandbox.Sandbox
}

type developersModel struct {
	frame
	Base     string
	Contract reference.Contract
	Sandbox  *sandbox.Sandbox
}

// unknown is a place of a sample that only the caller can fill.
var unknown = regexp.MustCompile(`«([^»]*)»`)

// Sample is a body to try an operation with: what the sandbox knows stands in it.
func (m developersModel) Sample(op reference.Operation) string {
	known := m.Sandbox.Known()
	return unknown.ReplaceAllStringFunc(op.Sample, func(place string) string { return known[strings.Trim(place, "«»")] })
}

// Address is the path of an operation with what the sandbox knows.
func (m developersModel) Address(op reference.Operation) string {
	path := op.Path
	for name, value := range m.Sandbox.Known() {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

// Types are the media types that an operation takes, with blanks between them.
func (m developersModel) Types(op reference.Operation) string {
	types := make([]string, len(op.Bodies))
	for i, body := range op.Bodies {
		types[i] = body.MediaType
	}
	return strings.Join(types, " ")
}

// typed is a type with the page that can link it.
type typed struct {
	Page developersModel
	Type string
}

// Typed lets the template link a type.
func (m developersModel) Typed(name string) typed { return typed{m, name} }

// Anchor is the schema that a type names, alone or as a list; empty for anything else.
func (m developersModel) Anchor(name string) string {
	name = strings.TrimSuffix(name, "[]")
	if slices.ContainsFunc(m.Contract.Schemas, func(s reference.Schema) bool { return s.Name == name }) {
		return name
	}
	return ""
}

type span struct {
	Text string
	Code bool
}

// Prose takes a text of the contract apart at its backticks.
func (m developersModel) Prose(s string) []span {
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 {
		return []span{{Text: s}} // one is left open: no code at all
	}
	out := make([]span, 0, len(parts))
	for i, part := range parts {
		if part != "" {
			out = append(out, span{part, i%2 == 1})
		}
	}
	return out
}

// RenderDevelopers makes that page.
func (p *Pages) RenderDevelopers(v Developers) ([]byte, error) {
	m := developersModel{frame: p.frame(v.Frame, "developers"), Base: v.Base, Contract: v.Contract, Sandbox: v.Sandbox}
	if v.Sandbox != nil {
		m.Module = "/developers/try.js"
	}
	return p.render("developers", m)
}

// change is what became new or different in the interface.
type change struct {
	// ID of the text, changes.<id>.
	ID string
	// Operations that it concerns.
	Operations []string
}

// changes lists what became of the interface, the newest first.
func changes() []change {
	return []change{
		{"mandates", []string{"createMandate", "getMandateDocument", "signMandate", "authoriseByMandate", "listMandateEvents", "searchMandates", "revokeMandate"}},
		{"bank_queries", []string{"askBank", "getBankQuery"}},
		{"court", []string{"makeCourtCopy", "listRefundable"}},
		{"sandbox", nil},
		{"yaml", []string{"validateDocument"}},
		{"fees", []string{"createFee", "fillFee"}},
		{"withdrawal", []string{"withdrawStatement"}},
		{"sealed_pdf", []string{"getReceiptPdf", "getReceiptByCode"}},
		{"limits", []string{"listBanks", "getExposure"}},
		{"bank_files", []string{"takeBankReport"}},
		{"jws", []string{"validateDocument", "sealDocuments"}},
		{"originals", []string{"validateDocument"}},
		{"instalments", []string{"createOrder", "getDebt", "quoteService"}},
		{"codes", []string{"sendCode", "authoriseByCode"}},
		{"proofs", []string{"getBalance", "getConsistency", "listMRP"}},
		{"questions", []string{"listQuestions", "answerQuestion"}},
		{"events", []string{"listEvents", "listWebhookKeys"}},
		{"registers", []string{"listRegisters", "getSealedRegister", "getDailyReportPdf"}},
		{"refunds", []string{"requestRefunds", "decideRefund", "listOrderRefunds"}},
		{"signed", []string{"getClient"}},
		{"counter", []string{"checkForBank", "payForBank"}},
		{"seals", []string{"sealDocuments", "raiseSignatures"}},
		{"feeds", []string{"feedDebts", "getFeedResults"}},
		{"statements", []string{"sendStatement", "listExceptions", "closePeriod"}},
		{"batches", []string{"validateBatch", "validateCertificate", "timeStamp", "getReport"}},
		{"first", []string{"createOrder", "authoriseOrder", "getReceiptByCode"}},
	}
}

// RenderChanges makes the page of what changed in the interface. Version is that of the contract.
func (p *Pages) RenderChanges(f Frame, version string) ([]byte, error) {
	m := struct {
		frame
		Version string
		Changes []change
	}{p.frame(f, "changes"), version, changes()}
	return p.render("changes", m)
}
