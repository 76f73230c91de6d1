package payment

import (
	"slices"
	"strings"
)

// sameActor tells whether two actors are one where two people are needed. Behind a slash stands which person acted under a name; of an operator
// the name alone counts, of a bank two people are two, and its program is nobody's second person.
// The attack: somebody who has an operator's or a bank's API key proposes with it, and approves on the page, or the other way round.
func sameActor(a, b string) bool {
	a, first, _ := strings.Cut(a, "/")
	b, second, _ := strings.Cut(b, "/")
	if a != b {
		return false
	}
	return first == second || first == "" || second == "" || !strings.HasPrefix(a, "bank:")
}

// anySame tells whether an actor is one of those names.
func anySame(actor string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return sameActor(name, actor) })
}
