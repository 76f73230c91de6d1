package portal

import (
	"slices"
	"strconv"
	"time"

	"qaqpa/api/watch"
	"qaqpa/payment/catalog"
)

type incidentView struct {
	Text, What, Tone, Time, Address, Detail string
	Expert                                  Expert
}

// Expert is what a program said, in English, for those who know it: folded away beneath words of the reader's language.
type Expert struct{ Title, Text string }

// incidentModels puts what is wrong now into words, the gravest first. Names say what ids are of.
func incidentModels(w words, list []watch.Condition, names map[string]string) []incidentView {
	var out []incidentView
	for _, i := range list {
		row := incidentView{Text: w.P("incident." + i.Kind), What: about(w, names, i.Subject), Tone: "unclear"}
		row.Detail, row.Expert = incidentDetail(w, i.Kind, i.Detail)
		if i.Grave {
			row.Tone = "failed"
		}
		if !i.Since.IsZero() {
			row.Time = w.P("incident.since") + " " + w.Date(i.Since)
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b incidentView) int {
		if a.Tone == b.Tone {
			return 0
		}
		if a.Tone == "failed" {
			return -1
		}
		return 1
	})
	return out
}

// about is the subject of an incident for people: an agency, a bank, a part of the gateway.
func about(w words, names map[string]string, subject string) string {
	if subject == "clock" {
		return w.P("check.clock")
	}
	return w.check(named(names, subject))
}

func named(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return id
}

// incidentDetail puts the detail of a condition into words. What tokens and clocks say of themselves is beneath them for experts; incidents
// of before there were kinds of trouble have that alone.
func incidentDetail(w words, kind, detail string) (string, Expert) {
	switch {
	case detail == "":
		return "", Expert{}
	case kind == "anchor":
		return w.P("incident.until") + " " + w.Day(catalog.Date(detail)), Expert{}
	case kind == "attempt" || kind == "dead":
		return w.P("incident.count") + " " + detail, Expert{}
	case kind == "token" || kind == "clock":
		trouble, technical := watch.Parts(detail)
		if id := "page.trouble." + kind + "." + trouble; w.texts.Has(w.lang, id) {
			return w.texts.Text(w.lang, id, nil), w.expert(technical)
		}
		return "", w.expert(detail)
	}
	return detail, Expert{}
}

func (w words) expert(text string) Expert { return Expert{Title: w.P("expert"), Text: text} }

// Incidents is the page of what went wrong lately.
type Incidents struct {
	Frame
	Subject   string
	Incidents []watch.Incident
	// More says that there are older ones, Later that this is not the first page.
	More, Later bool
	// Names are of agencies and banks, by id and BIC.
	Names map[string]string
}

type incidentRow struct {
	Text, What, Detail, Tone, Address, Began, Ended, Lasted, Notes string
	Expert                                                         Expert
	Open                                                           bool
}

// RenderIncidents makes that page.
func (p *Pages) RenderIncidents(v Incidents) ([]byte, error) {
	m := struct {
		frame
		Subject, Next string
		Later         bool
		Rows          []incidentRow
	}{frame: p.frame(v.Frame, "incidents"), Subject: v.Subject, Later: v.Later}
	for _, i := range v.Incidents {
		m.Rows = append(m.Rows, incidentModel(m.words, v.Subject, i, v.Names))
	}
	if v.More {
		m.Next = "/console/operator/" + v.Subject + "/incidents?starting_after=" + v.Incidents[len(v.Incidents)-1].ID
	}
	return p.render("incidents", m)
}

func incidentModel(w words, subject string, i watch.Incident, names map[string]string) incidentRow {
	row := incidentRow{
		Text: w.P("incident." + i.Kind), What: about(w, names, i.Subject), Tone: "unclear",
		Address: "/console/operator/" + subject + "/incidents/" + i.ID, Began: w.Date(i.OpenedAt), Notes: strconv.Itoa(i.Notes), Open: i.ClosedAt == nil,
	}
	row.Detail, row.Expert = incidentDetail(w, i.Kind, i.Detail)
	if i.Grave {
		row.Tone = "failed"
	}
	if i.ClosedAt != nil {
		row.Ended, row.Lasted = w.Date(*i.ClosedAt), w.duration(i.ClosedAt.Sub(i.OpenedAt))
		if row.Tone == "unclear" {
			row.Tone = ""
		}
	}
	return row
}

// duration is a span of time in the two units that matter; nothing for what took no time.
func (w words) duration(d time.Duration) string {
	if d < time.Second {
		return ""
	}
	unit := func(n time.Duration, name string) string {
		return strconv.FormatInt(int64(n), 10) + "\u00a0" + w.P("unit."+name)
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return unit(d/time.Second, "s")
	case d < time.Hour:
		return unit(d/time.Minute, "min")
	case d < day:
		return unit(d/time.Hour, "h") + " " + unit(d%time.Hour/time.Minute, "min")
	}
	return unit(d/day, "d") + " " + unit(d%day/time.Hour, "h")
}

// Incident is the page of one.
type Incident struct {
	Frame
	Subject  string
	Incident watch.Incident
	Notes    []watch.Note
	People   People
	Names    map[string]string
	// MayAct opens the form.
	MayAct, Done bool
	// Draft is what a refused form said.
	Draft   string
	Message *Message
}

type noteView struct{ Kind, Text, Who, At string }

// RenderIncident makes that page.
func (p *Pages) RenderIncident(v Incident) ([]byte, error) {
	m := struct {
		frame
		incidentRow
		Subject, ID, Itself, Draft, No string
		MayAct, Done                   bool
		Said                           []noteView
		Message                        *Message
	}{frame: p.frame(v.Frame, "incidents"), Subject: v.Subject, ID: v.Incident.ID, MayAct: v.MayAct, Done: v.Done, Draft: v.Draft, Message: v.Message, No: strconv.Itoa(len(v.Notes) + 1)}
	m.incidentRow = incidentModel(m.words, v.Subject, v.Incident, v.Names)
	m.Itself = m.T("itself." + v.Incident.Kind)
	for _, n := range v.Notes {
		m.Said = append(m.Said, noteView{m.T("note." + string(n.Kind)), n.Text, m.who(v.People, n.Actor), m.Date(n.At)})
	}
	return p.render("incident", m)
}
