package payment

import (
	"slices"
	"strings"
)

// sameActor tells whether two actors are one where two people are needed. Behind a slash stands which person acted under a name; the name
// alone counts.
// The attack: somebody who has an operator's API key proposes with it, and approves on the page under the same name.
func sameActor(a, b string) bool {
	a, _, _ = strings.Cut(a, "/")
	b, _, _ = strings.Cut(b, "/")
	return a == b
}

// anySame tells whether an actor is one of those names.
func anySame(actor string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return sameActor(name, actor) })
}
