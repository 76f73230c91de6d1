package report

import (
	"maps"
	"slices"
)

// entry is what the catalogue says of a reason in three languages: what failed, and what to do about it.
type entry struct{ text, advice Text }

// Codes lists all codes of the catalogue, sorted.
func Codes() []Code {
	all := make([]Code, 0, len(documentTexts)+len(xmlTexts)+len(pdfTexts)+len(chainTexts)+len(evidenceTexts))
	for _, part := range catalogue() {
		all = slices.AppendSeq(all, maps.Keys(part))
	}
	slices.Sort(all)
	return all
}

// Known tells whether the catalogue has texts for a code.
func Known(c Code) bool {
	_, ok := lookup(c)
	return ok
}

// New makes a reason with the texts of its code. A code without texts gets those of ReasonOther, so that no report is
// without words.
func New(c Code, clause, detail string) Reason {
	e, ok := lookup(c)
	if !ok {
		e, _ = lookup(ReasonOther)
	}
	return Reason{Code: c, Clause: clause, Text: e.text, Advice: e.advice, Detail: detail}
}

func catalogue() []map[Code]entry {
	return []map[Code]entry{documentTexts, xmlTexts, pdfTexts, chainTexts, evidenceTexts}
}

func lookup(c Code) (entry, bool) {
	for _, part := range catalogue() {
		if e, ok := part[c]; ok {
			return e, true
		}
	}
	return entry{}, false
}
