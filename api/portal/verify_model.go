package portal

import (
	"html/template"

	"qaqpa/signer/report"
	"qaqpa/signer/report/paper"
)

// verifyModel is what the template sees: finished words only.
type verifyModel struct {
	frame
	Code    string
	Size    map[string]int
	Bytes   int
	File    bool
	Verdict *verdict
	Receipt *receiptView
	Notice  string
	TraceID string
}

// verdict is the result for a document, in the words that its report has as well.
type verdict struct {
	Title                       string
	Outcome, Signatures, Expert template.HTML
}

func verdictModel(w words, v report.Verdict) (*verdict, error) {
	p := paper.Of(v, report.Lang(w.lang))
	out := &verdict{Title: p.Title}
	var err error
	out.Outcome, out.Signatures, out.Expert, err = p.Parts()
	return out, err
}
