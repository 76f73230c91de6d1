package engine

import "qaqpa/signer/path"

// budget bounds the work that one document may cause over all its signatures and all rounds of gathering. Each path has
// bounds of its own (package path), but a document may have hundreds of signatures, each with a path.
type budget struct {
	signatures, steps, names, paths int
}

// Ample for a document with 256 honest signatures.
func newBudget() budget { return budget{signatures: 2048, steps: 1 << 17, names: 1 << 20, paths: 1024} }

// spend takes one signature verification; false when there is none left.
func (b *budget) spend() bool {
	b.signatures--
	return b.signatures >= 0
}

// forPath is what one path may use: its own bounds, or what is left. It is never zero, which would mean the default.
func (b *budget) forPath() path.Budget {
	d := path.DefaultBudget()
	return path.Budget{
		Depth: d.Depth, Steps: left(d.Steps, b.steps), Signatures: left(d.Signatures/4, b.signatures),
		Names: left(d.Names, b.names), Paths: left(d.Paths, b.paths),
	}
}

func left(most, remaining int) int { return max(1, min(most, remaining)) }

func (b *budget) used(w path.Work) {
	b.signatures -= w.Signatures
	b.steps -= w.Steps
	b.names -= w.Names
	b.paths -= w.Paths
}
