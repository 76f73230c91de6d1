package portal

import (
	"strconv"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// Catalogue is the operator's view of agencies, services and tariffs.
type Catalogue struct {
	Frame
	Subject  string
	Agencies []catalog.Agency
	Services []catalog.Service
	// More says that there are further services.
	More bool
	// Of narrows to an agency; empty means all.
	Of  string
	MRP []catalog.MRP
	// Terms are what banks take, and prohibitions.
	Terms []payment.CommissionTerms
	Today catalog.Date
}

type tariffView struct{ Text, When, Tone string }

type catalogueRow struct {
	Name, Code, Address, Version, At, Beneficiary string
	Tariffs                                       []tariffView
}

type catalogueAgency struct {
	ID, Name, BIN, At, Webhook, Tone, History string
	Services                                  []catalogueRow
}

type mrpRow struct{ Amount, From, Until, Source, State, Tone string }

// RenderCatalogue makes that page.
func (p *Pages) RenderCatalogue(v Catalogue) ([]byte, error) {
	m := struct {
		frame
		Subject  string
		Choices  []option
		Agencies []catalogueAgency
		MRP      []mrpRow
		Terms    []termsRow
		More     bool
	}{frame: p.frame(v.Frame, "catalogue"), Subject: v.Subject, More: v.More}
	m.Choices = []option{{"", m.T("all"), v.Of == ""}}
	byAgency := map[string][]catalogueRow{}
	for _, s := range v.Services {
		row := catalogueRow{
			Name: m.Name(s.Names), Code: s.Code, Address: "/console/operator/" + v.Subject + "/catalogue/" + s.Agency + "/" + s.Code,
			Version: strconv.Itoa(s.Version), At: m.Date(s.PublishedAt), Beneficiary: s.Beneficiary.Name,
		}
		for _, t := range s.Tariffs {
			row.Tariffs = append(row.Tariffs, tariffModel(m.words, t, v.Today))
		}
		byAgency[s.Agency] = append(byAgency[s.Agency], row)
	}
	for _, a := range v.Agencies {
		name := m.Name(a.Names)
		m.Choices = append(m.Choices, option{a.ID, name, v.Of == a.ID})
		if v.Of != "" && v.Of != a.ID {
			continue
		}
		row := catalogueAgency{
			ID: a.ID, Name: name, BIN: a.BIN, At: m.Date(a.CreatedAt), Webhook: m.T("webhook.on"), Tone: "passed", Services: byAgency[a.ID],
			History: "/console/operator/" + v.Subject + "/audit?subject=" + a.ID,
		}
		switch {
		case a.WebhookURL == "":
			row.Webhook, row.Tone = m.T("webhook.none"), "unclear"
		case a.WebhookDisabledAt != nil:
			row.Webhook, row.Tone = m.T("webhook.off"), "failed"
		}
		m.Agencies = append(m.Agencies, row)
	}
	for _, x := range v.MRP {
		when, tone := periodState(x.ValidFrom, x.ValidTo, v.Today)
		m.MRP = append(m.MRP, mrpRow{m.Money(x.Tiyn, "KZT"), m.Day(x.ValidFrom), m.Day(x.ValidTo), x.Source, m.T("when." + when), tone})
	}
	names := map[string]catalog.Names{}
	for _, a := range v.Agencies {
		names[a.ID] = a.Names
	}
	for _, s := range v.Services {
		names[s.ID] = s.Names
	}
	m.Terms = termsRows(m.words, v.Terms, names, v.Today)
	return p.render("catalogue", m)
}

// periodState says whether a period holds today, and how that is coloured.
func periodState(from, to, today catalog.Date) (when, tone string) {
	switch {
	case from > today:
		return "later", "unclear"
	case to != "" && to < today:
		return "over", "failed"
	}
	return "now", "passed"
}

// tariffModel says what a tariff is and whether it holds today. One that is over is no fault, and is not coloured as one.
func tariffModel(w words, t catalog.Tariff, today catalog.Date) tariffView {
	when, tone := periodState(t.ValidFrom, t.ValidTo, today)
	if when == "over" {
		tone = ""
	}
	return tariffView{tariffText(w, t), w.T("when." + when), tone}
}

// Published is the entry of the audit log that says which program published a version.
type Published struct {
	Actor string
	Chain int
	Seq   int64
}

// CatalogueService is the page of one service with all its versions.
type CatalogueService struct {
	Frame
	Subject string
	Agency  catalog.Agency
	// History has the versions, the newest first, at least one.
	History []catalog.Service
	// Agreed are the changes that two people agreed on, and Programs those that a program published, by version.
	Agreed   map[int]payment.Proposal
	Programs map[int]Published
	People   People
	Today    catalog.Date
}

type agreedRow struct {
	Version, At, Asked, AskedAt, Decided, Program, Proof string
	Current                                              bool
	Lines                                                []string
	Tariffs                                              []tariffView
}

// RenderCatalogueService makes that page.
func (p *Pages) RenderCatalogueService(v CatalogueService) ([]byte, error) {
	m := struct {
		frame
		Subject, Name, Code, Agency string
		Versions                    []agreedRow
	}{frame: p.frame(v.Frame, "catalogue"), Subject: v.Subject, Code: v.History[0].Code}
	m.Name, m.Agency = m.words.Name(v.History[0].Names), m.words.Name(v.Agency.Names)
	for i, s := range v.History {
		b := s.Beneficiary
		row := agreedRow{
			Version: strconv.Itoa(s.Version), At: m.Date(s.PublishedAt), Current: i == 0,
			Lines: []string{s.Names.KK, s.Names.RU, s.Names.EN, s.KBK + " · " + s.KNP + " · " + s.KBE, b.Name + ", " + b.BIN + ", " + b.Account + ", " + b.BIC},
		}
		for _, t := range s.Tariffs {
			row.Tariffs = append(row.Tariffs, tariffModel(m.words, t, v.Today))
		}
		if a, ok := v.Agreed[s.Version]; ok {
			row.Asked, row.AskedAt, row.Decided = a.AskedName, m.Date(a.AskedAt), a.DecidedName
		} else if e, ok := v.Programs[s.Version]; ok {
			row.Program = m.who(v.People, e.Actor)
			row.Proof = "/console/operator/" + v.Subject + "/audit/" + strconv.Itoa(e.Chain) + "/" + strconv.FormatInt(e.Seq, 10)
		}
		m.Versions = append(m.Versions, row)
	}
	return p.render("catalogueservice", m)
}
