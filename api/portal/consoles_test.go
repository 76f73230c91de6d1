package portal

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"qaqpa/api/language"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/signer/audit"
)

func slots() []watch.Slot {
	r := watch.NewRecorder("pay", "judge", "other")
	for i := range 100 {
		r.Observe("pay", time.Duration(i+1)*time.Millisecond)
		r.Observe("judge", 40*time.Second)
	}
	var out []watch.Slot
	for class, counts := range r.Take() {
		s := watch.Slot{At: at().Truncate(LatencySlot), Class: class}
		s.Counts.Add(counts)
		out = append(out, s, watch.Slot{At: at().Add(-9 * time.Hour), Class: class, Counts: s.Counts})
	}
	return out
}

func fullOperator(f Frame) Operator {
	v, since, limit := operatorOf(f), at(), int64(100)
	v.Banks = append(v.Banks, catalog.Bank{BIC: "SILENTKZ", Name: "<b>", SilentSince: &since})
	v.Wrong = []watch.Condition{
		{Kind: "attempt", Subject: "KOPRKZKA", Detail: "3", Since: since},
		{Kind: "token", Subject: "<b>", Detail: "<i>", Grave: true},
		{Kind: "token", Subject: "second", Detail: watch.Technical("pin", "token refused the PIN: <i>")},
		{Kind: "health", Subject: "database", Grave: true},
		{Kind: "clock", Subject: "clock"},
		{Kind: "anchor", Subject: "CN=x", Detail: "2027-01-01"},
		{Kind: "dead", Subject: "agc_1", Detail: "2"},
		{Kind: "gone", Subject: "agc_1"},
		{Kind: "list", Subject: "x"},
		{Kind: "paused", Subject: "BASQKZKA"},
		{Kind: "silent", Subject: "SILENTKZ"},
		{Kind: "guarantee", Subject: "KOPRKZKA"},
	}
	v.Names = map[string]string{"agc_1": "<b>agency"}
	v.Exposures = []payment.Exposure{{Bank: "KOPRKZKA", Guarantee: &limit, Committed: 95, Free: 5}}
	v.Tokens = []TokenHealth{{"main", 2, 2}, {"second", 2, 1}, {"third", 2, 0}}
	v.Agencies = []AgencyHealth{
		{Agency: catalog.Agency{Names: names3("a"), WebhookURL: "https://x"}},
		{Agency: catalog.Agency{Names: names3("b")}},
		{Agency: catalog.Agency{Names: names3("c"), WebhookURL: "x"}, Dead: 3},
		{Agency: catalog.Agency{Names: names3("<b>"), WebhookURL: "x", WebhookDisabledAt: &since}},
	}
	v.Latency, v.FiguresAt = slots(), since
	v.Rates = []payment.MatchDay{{Bank: "KOPRKZKA", Day: "2026-10-17", Lines: 1000, Matched: 999}, {Bank: "KOPRKZKA", Day: "2026-10-18", Lines: 10, Matched: 10}, {Bank: "BASQKZKA", Day: "2026-10-18"}}
	v.Owed = []BankOwes{{catalog.Bank{BIC: "KOPRKZKA", Name: "<b>"}, 540_600, true}, {catalog.Bank{BIC: "BASQKZKA"}, -5, true}, {catalog.Bank{BIC: "X"}, 0, false}}
	return v
}

func TestConsolePagesInEachLanguage(t *testing.T) {
	p := pages(t)
	over := at().Add(26 * time.Hour)
	incident := watch.Incident{ID: "inc_1", Kind: "dead", Subject: "agc_1", Detail: "3", OpenedAt: at(), SeenAt: at(), Notes: 1}
	ended := watch.Incident{ID: "inc_2", Kind: "failover", Subject: "database", Detail: "1 → 2", Grave: true, OpenedAt: at(), SeenAt: at(), ClosedAt: &over}
	for _, l := range language.All() {
		f := Frame{Lang: l, Address: "/console/operator/ops", Person: "ӘЛІ <i>", Works: true}
		services := servicesOf()
		services[0].Agency, services[0].Version = "agc_1", 2
		old := services[0]
		old.Version = 1
		renders := map[string]func() ([]byte, error){
			"operator": func() ([]byte, error) { return p.RenderOperator(fullOperator(f)) },
			"catalogue": func() ([]byte, error) {
				return p.RenderCatalogue(Catalogue{
					Frame: f, Subject: "ops", Agencies: []catalog.Agency{agencyOf(f).Agency, {ID: "agc_2", Names: names3("<b>")}}, Services: services, More: true, Today: "2026-10-18",
					MRP: []catalog.MRP{{ValidFrom: "2026-01-01", ValidTo: "2026-12-31", Tiyn: 432_500, Source: "<b>"}, {ValidFrom: "2027-01-01", Tiyn: 1}},
				})
			},
			"one agency": func() ([]byte, error) {
				return p.RenderCatalogue(Catalogue{Frame: f, Subject: "ops", Agencies: []catalog.Agency{agencyOf(f).Agency, {ID: "agc_2", Names: names3("x")}}, Of: "agc_2"})
			},
			"service": func() ([]byte, error) {
				return p.RenderCatalogueService(CatalogueService{
					Frame: f, Subject: "ops", Agency: agencyOf(f).Agency, History: append(services, old, catalog.Service{ServiceSpec: old.ServiceSpec}), Today: "2026-10-18",
					Agreed:   map[int]payment.Proposal{2: {AskedName: "<b>", DecidedName: "Б", AskedAt: at()}},
					Programs: map[int]Published{1: {Actor: "agency:agc_1", Chain: 3, Seq: 4}}, People: People{"agency:agc_1": "<i>"},
				})
			},
			"incidents": func() ([]byte, error) {
				return p.RenderIncidents(Incidents{Frame: f, Subject: "ops", Incidents: []watch.Incident{incident, ended}, More: true, Names: map[string]string{"agc_1": "<b>"}})
			},
			"commissions": func() ([]byte, error) {
				paid := payment.CommissionPaid{Agency: "agc_1", Bank: "KOPRKZKA", Tiyn: 540_600, PaidOn: "2026-10-18", Reference: "<b>"}
				good := paid
				good.MadeGood = true
				over, actor := over, "operator:ops/mbr_1"
				return p.RenderCommissionsPaid(CommissionsPaid{
					Frame: f, Subject: "ops", MayAct: true, Agencies: []catalog.Agency{{ID: "agc_1", Names: names3("<b>")}}, Banks: []catalog.Bank{{BIC: "KOPRKZKA", Name: "<b>"}},
					Payments: []payment.CommissionPayment{
						{ID: "cmp_1", CommissionPaid: paid, State: CommissionOpen, AskedBy: actor, AskedAt: at()},
						{ID: "cmp_2", CommissionPaid: good, State: CommissionOpen, AskedBy: "operator:x", AskedAt: at()},
						{ID: "cmp_3", CommissionPaid: good, State: commissionBooked, AskedBy: actor, AskedAt: at(), DecidedBy: "operator:x", DecidedAt: &over},
						{ID: "cmp_4", CommissionPaid: paid, State: "rejected", AskedBy: actor, AskedAt: at(), DecidedBy: actor, DecidedAt: &over},
					},
					Owed: map[ledger.Account]int64{paid.Owing(): 540_600, good.Owing(): 77}, Own: map[string]bool{"cmp_1": true},
					People: People{actor: "<i>"}, Today: "2026-10-18", Key: "k", Field: "paid_on", Draft: url.Values{"reference": {"<i>"}}, Message: &Message{Title: "t"},
				})
			},
			"commissions booked": func() ([]byte, error) {
				return p.RenderCommissionsPaid(CommissionsPaid{Frame: f, Subject: "ops", MayAct: true, Done: "booked"})
			},
			"no commissions": func() ([]byte, error) {
				return p.RenderCommissionsPaid(CommissionsPaid{Frame: f, Subject: "ops", Done: "<b>"})
			},
			"no incidents": func() ([]byte, error) { return p.RenderIncidents(Incidents{Frame: f, Subject: "ops"}) },
			"audit": func() ([]byte, error) {
				return p.RenderAudit(Audit{Frame: f, Subject: "ops", People: People{"operator:ops/mbr_1": "<b>"}, Entries: []audit.Record{
					{Entry: audit.Entry{Actor: "operator:ops/mbr_1"}}, {Entry: audit.Entry{Actor: "gateway:payments"}}, {Entry: audit.Entry{Actor: "operator:x/mbr_unknown"}}, {Entry: audit.Entry{Actor: "operator:x"}}, {Entry: audit.Entry{Actor: "citizen:850101300019"}},
				}})
			},
		}
		for kind := range incidentKinds() {
			renders["incident "+kind] = func() ([]byte, error) {
				i := incident
				i.Kind = kind
				return p.RenderIncident(Incident{
					Frame: f, Subject: "ops", Incident: i, Notes: []watch.Note{{No: 1, Kind: watch.Measure, Text: "<b>", Actor: "operator:ops/mbr_1", At: at()}, {No: 2, Kind: watch.Comment, Text: "x", Actor: "operator:x", At: at()}},
					People: People{"operator:ops/mbr_1": "<i>"}, MayAct: true, Done: true, Draft: "<b>", Message: &Message{Title: "t"},
				})
			}
		}
		for name, render := range renders {
			page, err := render()
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			checkPage(t, name+" "+string(l), string(page), l)
			if id := regexp.MustCompile(`[>" ](incidents|catalogue|audit|operator|commissions|page)\.[a-z_0-9.]+[<" ]`).FindString(string(page)); id != "" {
				t.Errorf("%s %s: no text for %s", name, l, id)
			}
			if strings.Contains(string(page), "850101300019") && name == "audit" {
				t.Error("the log shows the number of a person")
			}
		}
	}
}

// incidentKinds are all kinds that the gateway knows.
func incidentKinds() map[string]bool {
	out := map[string]bool{watch.KindFailover: true}
	for _, c := range fullOperator(Frame{}).Wrong {
		out[c.Kind] = true
	}
	return out
}

// The chart of times says what was measured: the middle below the tail, slow above fast, and what is too long ago not drawn.
func TestLatencyChart(t *testing.T) {
	w := pages(t).frame(Frame{Lang: language.RU}, "operator").words
	if latencyModel(w, nil, at()) != nil {
		t.Error("a chart of nothing")
	}
	c := latencyModel(w, slots(), at())
	if len(c.Curves) != 3 || len(c.Rows) != 2 || c.Rows[0].Count != "200" {
		t.Fatalf("%+v", c)
	}
	if c.Rows[1].P99 != "38,9\u00a0с" && c.Rows[1].P99 != "42,5\u00a0с" && !strings.HasSuffix(c.Rows[1].P99, "\u00a0с") {
		t.Errorf("p99 is %q", c.Rows[1].P99)
	}
	heights := map[string]float64{}
	for _, curve := range c.Curves {
		if strings.Count(curve.Points, ",") != 1 || len(curve.Dots) != 1 {
			t.Errorf("%s has points %q: one slot is in the chart", curve.Name, curve.Points)
		}
		_, y, _ := strings.Cut(strings.Fields(curve.Points)[0], ",")
		heights[curve.Name], _ = strconv.ParseFloat(y, 64)
	}
	if heights["p50"] <= heights["p99"] || heights["p99"] != linesTop { // half of all took 40 s, beyond the scale
		t.Errorf("heights %v", heights)
	}
	for d, want := range map[time.Duration]string{500 * time.Microsecond: "0,5\u00a0мс", 1189 * time.Microsecond: "1,1\u00a0мс", 52 * time.Millisecond: "52\u00a0мс", time.Second: "1\u00a0с", 2435 * time.Millisecond: "2,4\u00a0с", 0: "0\u00a0мс"} {
		if got := w.span(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}

func TestRates(t *testing.T) {
	w := pages(t).frame(Frame{Lang: language.EN}, "operator").words
	c := rateModel(w, fullOperator(Frame{}).Rates, nil)
	const whole = chartBase - chartTop
	if len(c.Bars) != 4 || c.Bars[3].H != whole || c.Bars[2].H != whole || c.Bars[1].H >= whole || c.Bars[3].X+c.Bars[3].W > int64(c.Width) || c.Bars[3].X-c.Bars[1].X != c.Bars[1].W+8 ||
		c.From != "5 October 2026" || c.To != "18 October 2026" || c.Share != "99.9\u00a0%" || len(c.Rows) != 2 || c.Rows[0].Share != "—" {
		t.Errorf("%+v", c)
	}
	d := debtsModel(w, fullOperator(Frame{}).Owed, at())
	if d.Rows[0].Share != 100 || d.Rows[1].Share != 0 || d.Rows[2].Owed != "—" || d.Sum != "5,405.95\u00a0₸" {
		t.Errorf("%+v", d)
	}
	for d, want := range map[time.Duration]string{0: "", 5 * time.Second: "5\u00a0s", 65 * time.Minute: "1\u00a0h 5\u00a0min", 50 * time.Hour: "2\u00a0d 2\u00a0h"} {
		if got := w.duration(d); got != want {
			t.Errorf("%v is %q", d, got)
		}
	}
}

// What a token says of itself stands folded away beneath words of the reader's language; what an earlier version noted is there alone.
func TestTroubleOfTokens(t *testing.T) {
	p := pages(t)
	for lang, want := range map[language.Lang]string{language.KK: "токен PIN-кодты қабылдамады", language.RU: "токен не принял PIN-код", language.EN: "the token refused the PIN"} {
		v := fullOperator(Frame{Lang: lang})
		v.Wrong = []watch.Condition{{Kind: "token", Subject: "main", Detail: watch.Technical("pin", "CKR_PIN_INCORRECT")}, {Kind: "clock", Subject: "clock", Detail: "older: than kinds"}}
		page, err := p.RenderOperator(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{want, `<code lang="en">CKR_PIN_INCORRECT</code>`, `<code lang="en">older: than kinds</code>`} {
			if !strings.Contains(string(page), s) {
				t.Errorf("%s: the page lacks %q", lang, s)
			}
		}
	}
}

// What keeps a payment open is told in words, with the refusal behind a code, and never in the English that is noted of it.
func TestTroubleOfPayments(t *testing.T) {
	p := pages(t)
	for lang, want := range map[language.Lang][]string{
		language.KK: {"банктің хабары қабылданбады: ", "банк нәтиже туралы сұрауға жауап бермеді: уақыт бітті", "HTTP күйі: 502", "белгісіз кедергі", "банк төлемді өңдеп жатыр"},
		language.RU: {"сообщение банка не принято: ", "банк не ответил на вопрос об исходе: истекло время ожидания", "статус HTTP: 502", "неизвестная помеха", "банк обрабатывает платёж"},
	} {
		v := fullOperator(Frame{Lang: lang})
		v.Open = nil
		for _, noted := range []string{"message of the bank: confirmation_amount_differs", "no reply to a lookup: time-out", "reply with status 502", "of an older version", "pending at the bank"} {
			v.Open = append(v.Open, payment.OpenAttempt{ID: "att_1", State: "unknown", LastProblem: noted})
		}
		page, err := p.RenderOperator(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range append(want, `<code lang="en">of an older version</code>`) {
			if !strings.Contains(string(page), s) {
				t.Errorf("%s: the page lacks %q", lang, s)
			}
		}
		for _, s := range []string{"time-out", "pending at", "reply with", "message of the bank"} {
			if strings.Contains(string(page), s) {
				t.Errorf("%s: the page has %q", lang, s)
			}
		}
	}
}
