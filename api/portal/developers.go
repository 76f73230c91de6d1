package portal

import (
	"slices"
	"strings"

	"qaqpa/api/reference"
)

// Developers is the page that explains the interface for programs.
type Developers struct {
	Frame
	// Base is the public address of the gateway, for the commands that can be pasted.
	Base     string
	Contract reference.Contract
}

type developersModel struct {
	frame
	Base     string
	Contract reference.Contract
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
	return p.render("developers", developersModel{p.frame(v.Frame, "developers"), v.Base, v.Contract})
}
