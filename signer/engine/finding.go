package engine

import (
	"slices"

	"qaqpa/signer/report"
)

// finding is one thing that keeps a signature from passing.
type finding struct {
	indication report.Indication
	sub        report.SubIndication
	reason     report.Reason
	block      block
}

// findings are in the order in which the standard's blocks find them: document, cryptography, chain, use.
type findings []finding

func (f *findings) fail(sub report.SubIndication, r report.Reason) {
	*f = append(*f, finding{indication: report.TotalFailed, sub: sub, reason: r})
}

func (f *findings) open(sub report.SubIndication, r report.Reason) {
	*f = append(*f, finding{indication: report.Indeterminate, sub: sub, reason: r})
}

// conclude gives the gravest finding's pair and all reasons, gravest first. What is proven wrong outweighs what cannot be
// known; of equals the first found counts.
func (f findings) conclude() (report.Indication, report.SubIndication, []report.Reason) {
	if len(f) == 0 {
		return report.TotalPassed, "", []report.Reason{}
	}
	ordered := slices.Clone(f)
	slices.SortStableFunc(ordered, func(a, b finding) int {
		switch {
		case a.indication.Worse(b.indication):
			return -1
		case b.indication.Worse(a.indication):
			return 1
		default:
			return 0
		}
	})
	reasons := make([]report.Reason, 0, len(ordered))
	for _, o := range ordered {
		if !slices.Contains(reasons, o.reason) {
			reasons = append(reasons, o.reason)
		}
	}
	return ordered[0].indication, ordered[0].sub, reasons
}

// of is the result of one block: the gravest of its findings.
func (f findings) of(b block) (indication string, sub report.SubIndication) {
	indication = "PASSED"
	for i := range f {
		switch {
		case f[i].block != b:
		case f[i].indication == report.TotalFailed:
			return "FAILED", f[i].sub
		case indication == "PASSED":
			indication, sub = "INDETERMINATE", f[i].sub
		}
	}
	return indication, sub
}
