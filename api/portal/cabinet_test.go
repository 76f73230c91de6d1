package portal

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"qaqpa/api/language"
	"qaqpa/api/reference"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

func names3(s string) catalog.Names {
	return catalog.Names{KK: s + " kk", RU: s + " ru", EN: s + " en"}
}

func cabinet(f Frame) Cabinet {
	loaded := at()
	return Cabinet{
		Frame: f, Payer: "850101300019", Payers: []string{"850101300019", "060140000017"}, LoadedAt: &loaded, MoreDebts: true, Key: "key-1", MoreOrders: "/cabinet?before=x",
		Agencies: map[string]catalog.Names{"agc": names3("agency")}, Services: map[string]catalog.Names{"svc": names3("service")},
		Debts: []debt.Debt{
			{ID: "dbt_1", Agency: "agc", Service: "svc", Reference: "AD-1", Purpose: "<b>", DueOn: "2026-11-30", Amount: money.FromTiyn(540_600), LoadedAt: loaded},
			{ID: "dbt_2", Agency: "agc", Service: "svc", Reference: "AD-2", Amount: money.FromTiyn(1), LoadedAt: loaded, Order: "ord_1"},
		},
		Registers: []payment.RegisterAnswer{
			{Agency: "agc", Names: names3("register"), Outcome: payment.RegisterAnswered, AsOf: &loaded},
			{Agency: "agd", Names: names3("silent"), Outcome: payment.RegisterSilent, Problem: "no_answer"},
		},
		Chosen: map[string]bool{"dbt_1": true}, ChosenBank: "KOPRKZKA",
		Banks:  []catalog.Bank{{BIC: "KOPRKZKA", Name: "Көпір"}, {BIC: "BASQKZKA", Name: "Басқа"}, {BIC: "PAUSEDKZ", Name: "Paused", Paused: true}},
		Orders: []order.Order{{ID: "ord_1", State: order.Executed, Amount: money.FromTiyn(540_600), CreatedAt: loaded}},
	}
}

func orderOf(f Frame, state order.State) Order {
	when := at()
	o := Order{Frame: f, IIN: "850101300019", Key: "key-1", Order: order.Order{
		ID: "ord_1", Payer: "850101300019", State: state, Amount: money.FromTiyn(540_600), ExpiresAt: when, Reason: "<script>",
	}}
	o.Document.Bank.Name = "Көпір"
	o.Document.Items = []order.DocumentItem{{ServiceName: names3("service"), AgencyName: names3("agency"), Reference: "AD-1", KBK: "108125"}}
	if state == order.Executed {
		o.Order.ExecutedAt, o.Order.Receipt, o.Code = &when, "rcp_1", "ABCD-1234"
	}
	return o
}

func partOf(f Frame) Part {
	return Part{Frame: f, Agency: names3("agency"), Service: names3("service"), Banks: []catalog.Bank{{BIC: "KOPRKZKA", Name: "<b>"}}, Key: "key-1", Sum: "<i>", Message: &Message{Title: "t"}, Debt: debt.Debt{
		ID: "dbt_1", Reference: "<b>", Purpose: "<i>", DueOn: "2026-11-30", Amount: money.FromTiyn(540_600), Paid: 100, Held: 200, Payable: 300, InstalmentMin: 100,
		Discount: &catalog.OpenDiscount{Percent: "50", Until: "2026-11-30"},
	}}
}

func feesOf(f Frame) Fees {
	return Fees{
		Frame: f, Find: "<b>", More: true, Agencies: map[string]catalog.Names{"agc": names3("agency")},
		Services: []catalog.Service{{ID: "svc_1", Agency: "agc", ServiceSpec: catalog.ServiceSpec{Names: names3("service")}}},
	}
}

func feeOf(f Frame) Fee {
	return Fee{
		Frame: f, ID: "svc_1", Service: names3("service"), Agency: names3("agency"), Payer: "1", Payers: []string{"1", "2"}, Name: "<b>", Purpose: "<i>",
		NeedsClaim: true, Claim: "<b>", Basis: catalog.Basis{Rate: "3", Floor: 100, Cap: 200}, Message: &Message{Title: "t"}, Banks: []catalog.Bank{{BIC: "KOPRKZKA", Name: "<b>"}},
		Quote: &catalog.Quote{Amount: money.FromTiyn(600), Payable: 300, Discount: &catalog.OpenDiscount{Percent: "50", Until: "2026-11-30"}},
	}
}

func contract(t *testing.T) reference.Contract {
	t.Helper()
	c, err := reference.Read([]byte("tags: [{name: a}]\npaths: {/x: {get: {operationId: x, tags: [a], description: 'the `b` of', responses: {'200': {description: <b>," +
		" content: {a/b: {schema: {$ref: '#/x/X'}}}}}}}}\ncomponents: {schemas: {X: {type: object, properties: {k: {type: array, items: {$ref: '#/x/X'}}}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func traffic() []payment.Traffic {
	return []payment.Traffic{
		{At: at().Truncate(time.Minute), Executed: 40, Refused: 2, Open: 1, Tiyn: 540_600},
		{At: at().Add(-time.Hour), Executed: 1},
		{At: at().Add(-5 * time.Hour), Executed: 7}, // too long ago for the picture
	}
}

func attempts() []payment.OpenAttempt {
	return []payment.OpenAttempt{{ID: "att_1", State: order.AttemptUnknown, Amount: money.FromTiyn(1), Bank: "KOPRKZKA", LastProblem: "<b>", CreatedAt: at(), DueAt: at()}}
}

func servicesOf() []catalog.Service {
	return []catalog.Service{{ServiceSpec: catalog.ServiceSpec{
		Names: names3("service"), Code: "x", Tariffs: []catalog.Tariff{
			{Kind: catalog.MRPRate, Rate: "1.25", ValidFrom: "2024-01-01", ValidTo: "2026-12-31"},
			{Kind: catalog.Fixed, Fixed: 100, ValidFrom: "2024-01-01"},
			{Kind: catalog.Stated, ValidFrom: "2024-01-01"},
			{
				Kind: catalog.Percent, Rate: "3", ValidFrom: "2024-01-01", Floor: &catalog.Bound{Tiyn: 100}, Cap: &catalog.Bound{MRP: "20000"},
				Discounts: []catalog.Discount{{Percent: "50", Days: 7}, {Percent: "10", Until: "2026-12-31"}},
			},
		},
	}}}
}

func agencyOf(f Frame) Agency {
	off := at()
	return Agency{Frame: f, Agency: catalog.Agency{ID: "agc_1", Names: names3("agency"), WebhookURL: "https://<b>", WebhookDisabledAt: &off}, Dead: 3, First: true, Live: true, More: true, Payments: hooksOf()}
}

// hooksOf has a webhook in each state.
func hooksOf() (out []payment.AgencyPayment) {
	off := at()
	for i, state := range []string{"waiting", "pending", "delivered", "dead", "unwanted"} {
		out = append(out, payment.AgencyPayment{
			Webhook: "msg_1", State: state, Reference: "<b>", Amount: money.FromTiyn(1), ExecutedAt: off, CreatedAt: off, DueAt: off, Failures: 1, Status: []int{0, 500, 200, 410, 302}[i], Problem: []string{"<i>", ""}[i%2],
		})
	}
	return out
}

func operatorOf(f Frame) Operator {
	return Operator{
		Frame: f, Subject: "ops", Health: []Health{{"database", true}, {"token", false}}, Banks: []catalog.Bank{{BIC: "KOPRKZKA"}, {BIC: "BASQKZKA", Paused: true}},
		Traffic: traffic(), Open: attempts(), Now: at(), MaySearch: true, Searched: true, Query: OperatorQuery{Payer: `"><b>`},
		Found: []payment.Found{{ID: "ord_1", Payer: "850101300019", Name: "<b>", State: order.Refused, Amount: money.FromTiyn(1), CreatedAt: at(), Reason: "<i>"}},
	}
}

// The chart holds what it says: heights are in proportion, and what is too long ago is left out of the picture.
func TestTrafficChart(t *testing.T) {
	c := trafficChart(pages(t).frame(Frame{Lang: language.EN}, "bank").words, traffic(), at())
	if c == nil || c.Executed != "48" || c.Rate != "96 %" || len(c.Bars) != 4 {
		t.Fatalf("got %+v", c)
	}
	for _, b := range c.Bars {
		if b.X < 0 || b.X+b.W > int64(c.Width) || b.Y < chartTop-2 || b.Y+b.H > chartBase {
			t.Errorf("a bar is outside: %+v", b)
		}
	}
	if c.Bars[0].H <= c.Bars[1].H*10 {
		t.Errorf("not in proportion: %+v", c.Bars)
	}
	if trafficChart(words{}, nil, at()) != nil {
		t.Error("a chart of nothing")
	}
}

// Every page in every language and state is well-formed and complete, and nothing that came from outside is markup.
func TestCabinetPagesInEachLanguage(t *testing.T) {
	p := pages(t)
	refused := &Message{Title: "title", Detail: "detail", Reasons: []string{"reason"}}
	for _, l := range language.All() {
		f := Frame{Lang: l, Address: "/cabinet?payer=1", Person: "ӘЛІ <i>"}
		full := cabinet(f)
		full.Message = refused
		renders := map[string]func() ([]byte, error){
			"home": func() ([]byte, error) { return p.RenderHome(Home{f}) },
			"problem": func() ([]byte, error) {
				return p.RenderProblem(Problem{Frame: f, Message: *refused, TraceID: "t", Back: "/"})
			},
			"sign-in": func() ([]byte, error) {
				return p.RenderSignIn(SignIn{Frame: Frame{Lang: l, Address: "/sign-in"}, Message: refused})
			},
			"cabinet":   func() ([]byte, error) { return p.RenderCabinet(full) },
			"part":      func() ([]byte, error) { return p.RenderPart(partOf(f)) },
			"part none": func() ([]byte, error) { return p.RenderPart(Part{Frame: f}) },
			"fees":      func() ([]byte, error) { return p.RenderFees(feesOf(f)) },
			"no fees":   func() ([]byte, error) { return p.RenderFees(Fees{Frame: f, Find: "<b>"}) },
			"fee":       func() ([]byte, error) { return p.RenderFee(feeOf(f)) },
			"fee asks":  func() ([]byte, error) { return p.RenderFee(Fee{Frame: f, Payers: []string{"1"}, NeedsClaim: true}) },
			"developers": func() ([]byte, error) {
				return p.RenderDevelopers(Developers{Frame: f, Base: "https://pay.example.kz", Contract: contract(t)})
			},
			"console": func() ([]byte, error) { return p.RenderConsole(f, []Hat{{Address: "/x", Name: "<b>", Role: "viewer"}}) },
			"no hat":  func() ([]byte, error) { return p.RenderConsole(f, nil) },
			"agency":  func() ([]byte, error) { return p.RenderAgency(agencyOf(f)) },
			"bank": func() ([]byte, error) {
				return p.RenderBank(Bank{Frame: f, Bank: catalog.Bank{BIC: "KOPRKZKA", Name: "<b>", Paused: true}, Traffic: traffic(), Open: attempts(), Now: at()})
			},
			"idle":     func() ([]byte, error) { return p.RenderBank(Bank{Frame: f, Now: at()}) },
			"operator": func() ([]byte, error) { return p.RenderOperator(operatorOf(f)) },
			"data": func() ([]byte, error) {
				return p.RenderPersonalData(PersonalData{Frame: f, Name: "ӘЛІ", IIN: "850101300019", Organisation: "<b>", Since: at(), Looks: []Look{{at(), "<i>", "ұйым", "call"}}})
			},
			"nothing": func() ([]byte, error) { return p.RenderCabinet(Cabinet{Frame: f, Payers: []string{"1"}}) },
		}
		for _, s := range []order.State{
			order.Created, order.Authorised, order.Executing, order.Unknown, order.Executed, order.Refused, order.Expired, order.Cancelled,
		} {
			renders["order "+string(s)] = func() ([]byte, error) { return p.RenderOrder(orderOf(f, s)) }
		}
		for name, render := range renders {
			page, err := render()
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			checkPage(t, name+" "+string(l), string(page), l)
		}
	}
}

func checkPage(t *testing.T, name, text string, l language.Lang) {
	t.Helper()
	wellFormed(t, name, regexp.MustCompile(` (checked|selected|hidden|defer)\b`).ReplaceAllString(text, ` $1=""`))
	for _, sign := range []string{"<no value>", "%!", "{{", "<script>", " style=", " onclick=", "<b>", "<i>"} {
		if strings.Contains(strings.Replace(text, "<b>qaqpa</b>", "", 1), sign) {
			t.Errorf("%s: the page has %q", name, sign)
		}
	}
	// A message that is missing shows its id: page.state.x, cabinet.debts.y.
	if id := regexp.MustCompile(`[>"](page|home|signin|cabinet|part|fees|fee|order|console|agency|bank|operator|data|developers)\.[a-z_.]+[<"]`).FindString(text); id != "" {
		t.Errorf("%s: no text for %s", name, id)
	}
	for _, need := range []string{`<html lang="` + string(l) + `">`, "<h1", `<main id="main">`, "?lang=kk"} {
		if !strings.Contains(text, need) && !strings.Contains(text, "lang=kk") {
			t.Errorf("%s: the page lacks %s", name, need)
		}
	}
	for _, id := range regexp.MustCompile(`<(?:input|select)[^>]*id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if id[1] != "cms" && !strings.Contains(text, `<label for="`+id[1]+`">`) {
			t.Errorf("%s: field %s has no label", name, id[1])
		}
	}
}

// A page waits by itself only while something can still change.
func TestOrderPageWaitsOnlyForTheBank(t *testing.T) {
	p := pages(t)
	for state, want := range map[order.State][3]bool{ // reloads, can be signed, has a receipt
		order.Created: {false, true, false}, order.Authorised: {true, false, false}, order.Executing: {true, false, false}, order.Unknown: {true, false, false},
		order.Executed: {false, false, true}, order.Refused: {}, order.Expired: {}, order.Cancelled: {},
	} {
		page, err := p.RenderOrder(orderOf(Frame{Lang: language.EN, Address: "/x"}, state))
		if err != nil {
			t.Fatal(err)
		}
		text := string(page)
		got := [3]bool{strings.Contains(text, `http-equiv="refresh"`), strings.Contains(text, `id="signing"`), strings.Contains(text, "receipt.pdf")}
		if got != want {
			t.Errorf("%s: got %v, want %v", state, got, want)
		}
	}
}

// The attack: an address that leads away is put into the language switch.
func TestLanguageSwitchStaysHere(t *testing.T) {
	for in, want := range map[string]string{
		"/cabinet?payer=1&lang=ru": "/cabinet?lang=kk&payer=1", "//evil.example/x": "/?lang=kk", "https://evil.example": "/?lang=kk", "": "/?lang=kk",
		"javascript:alert(1)": "/?lang=kk", "/%zz": "/?lang=kk",
	} {
		if got := inLanguage(in, language.KK); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestDay(t *testing.T) {
	p := pages(t)
	for l, want := range map[language.Lang]string{language.KK: "2026 ж. 30 қараша", language.RU: "30 ноября 2026 г.", language.EN: "30 November 2026"} {
		if got := p.frame(Frame{Lang: l}, "cabinet").Day("2026-11-30"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := p.frame(Frame{Lang: language.EN}, "cabinet").Day("soon"); got != "" {
		t.Errorf("got %q", got)
	}
}
