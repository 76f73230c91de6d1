package portal

import "strings"

// People names actors: those that are not in it are programs, the gateway itself, and citizens.
type People map[string]string

// who is an actor for people to read. Numbers of citizens stay masked.
func (w words) who(known People, actor string) string {
	if name, ok := known[actor]; ok {
		return name
	}
	kind, subject, found := strings.Cut(actor, ":")
	switch {
	case actor == "":
		return ""
	case kind == "gateway" || kind == "system":
		return w.P("actor.gateway")
	case found && kind == "operator":
		name, id, person := strings.Cut(subject, "/")
		if person {
			return name + " …" + id[max(len(id)-4, 0):]
		}
		return w.texts.Text(w.lang, "page.actor.operator", map[string]string{"Name": name})
	}
	return masked(actor)
}
