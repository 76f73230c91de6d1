package portal

import (
	"fmt"
	"strconv"
	"strings"

	"qaqpa/payment/canon"
	"qaqpa/payment/inquiry"
)

// HandbookRoles are those for whom there is a handbook.
func HandbookRoles() []string { return []string{"citizen", "agency", "bank", "operator"} }

// handbookSection is one of a handbook; lines of its text are paragraphs.
type handbookSection struct {
	ID, Title  string
	Paragraphs []string
	Samples    []handbookSample
}

// handbookSample is a message as it goes over the wire, inside its signature.
type handbookSample struct{ Name, Text string }

// numberSection is the section about questions that carry a debt's number.
const numberSection = "agency.8"

// RenderHandbook makes the handbook of a role; the empty role lists them. Its sections are the texts handbook.<role>.<n>.title and .text,
// counted from 1.
func (p *Pages) RenderHandbook(f Frame, role string) ([]byte, error) {
	m := struct {
		frame
		Role     string
		Roles    []string
		Sections []handbookSection
	}{frame: p.frame(f, "handbook"), Role: role, Roles: HandbookRoles()}
	for n := 1; role != ""; n++ {
		id := role + "." + strconv.Itoa(n)
		if !p.texts.Has(f.Lang, "handbook."+id+".title") {
			break
		}
		s := handbookSection{ID: "s" + strconv.Itoa(n), Title: m.T(id + ".title"), Paragraphs: strings.Split(m.T(id+".text"), "\n")}
		if id == numberSection {
			var err error
			if s.Samples, err = numberSamples(m.words); err != nil {
				return nil, err
			}
		}
		m.Sections = append(m.Sections, s)
	}
	return p.render("handbook", m)
}

// numberSamples are a question about a debt's number and an answer to it.
func numberSamples(w words) ([]handbookSample, error) {
	const id, agency, number = "qst_…", "990140000017", "N-100"
	tiyn := int64(500_000)
	var out []handbookSample
	for _, x := range []struct {
		name    string
		message any
	}{
		{"sample.question", inquiry.Question{Type: inquiry.QuestionType, ID: id, Agency: agency, Reference: number, At: "2026-03-02T06:00:00Z"}},
		{"sample.answer", inquiry.Answer{
			Type: inquiry.AnswerType, ID: id, Agency: agency, Reference: number, AsOf: "2026-03-02T11:00:00+05:00",
			Debts: []inquiry.Owing{{Reference: number, Payer: "900101300017", Service: "svc_…", Tiyn: &tiyn, DueOn: "2026-03-31"}},
		}},
	} {
		text, err := canon.Indent(x.message)
		if err != nil {
			return nil, fmt.Errorf("couldn't write %s of the handbook: %w", x.name, err)
		}
		out = append(out, handbookSample{w.T(x.name), string(text)})
	}
	return out, nil
}
