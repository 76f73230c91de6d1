package portal

import "strconv"

// HandbookRoles are those for whom there is a handbook.
func HandbookRoles() []string { return []string{"citizen", "agency", "bank", "operator"} }

// RenderHandbook makes the handbook of a role; the empty role lists them. Its sections are the texts handbook.<role>.<n>.title and .text,
// counted from 1.
func (p *Pages) RenderHandbook(f Frame, role string) ([]byte, error) {
	type section struct{ ID, Title, Text string }
	m := struct {
		frame
		Role     string
		Roles    []string
		Sections []section
	}{frame: p.frame(f, "handbook"), Role: role, Roles: HandbookRoles()}
	for n := 1; role != ""; n++ {
		id := role + "." + strconv.Itoa(n)
		if !p.texts.Has(f.Lang, "handbook."+id+".title") {
			break
		}
		m.Sections = append(m.Sections, section{"s" + strconv.Itoa(n), m.T(id + ".title"), m.T(id + ".text")})
	}
	return p.render("handbook", m)
}
