package portal

import (
	"regexp"
	"testing"

	"qaqpa/api/language"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/refund"
)

func TestAgencyWorkInEachLanguage(t *testing.T) {
	p := pages(t)
	refused := &Message{Title: "title", Detail: "detail"}
	for _, l := range language.All() {
		f := Frame{Lang: l, Address: "/console/agency/agc_1/services", Person: "ӘЛІ <i>", Works: true}
		services := servicesOf()
		decided := at()
		proposals := []payment.Proposal{
			{ID: "prp_1", Code: "a", Spec: services[0].ServiceSpec, State: "open", AskedBy: "citizen:1", AskedName: "<b>", AskedAt: at()},
			{ID: "prp_2", Code: "b", Spec: services[0].ServiceSpec, State: "published", AskedName: "Ә", AskedAt: at(), DecidedName: "Б", DecidedAt: &decided},
			{ID: "prp_3", Code: "c", Spec: services[0].ServiceSpec, State: "rejected", AskedName: "Ә", AskedAt: at(), DecidedName: "Б", DecidedAt: &decided},
		}
		fields := FieldsOf(services[0].ServiceSpec)
		fields["tariff"], fields["tariff_from"] = "percent", "2026-05-01"
		for name, render := range map[string]func() ([]byte, error){
			"services": func() ([]byte, error) {
				return p.RenderAgencyServices(AgencyServices{Frame: f, Agency: "agc_1", Services: services, Proposals: proposals, Actor: "citizen:2", Done: "asked", Key: "k", MayAct: true, Message: refused})
			},
			"viewer": func() ([]byte, error) {
				return p.RenderAgencyServices(AgencyServices{Frame: f, Agency: "agc_1", Proposals: proposals})
			},
			"earlier changes": func() ([]byte, error) {
				return p.RenderAgencyServices(AgencyServices{Frame: f, Agency: "agc_1", Proposals: proposals, MoreProposals: true, First: true, Earlier: true})
			},
			"form": func() ([]byte, error) {
				return p.RenderServiceForm(ServiceForm{Frame: f, Agency: "agc_1", History: services, Fields: fields, Field: "/beneficiary/account", Key: "k", Today: "2026-04-01", MayAct: true, Message: refused})
			},
			"new": func() ([]byte, error) {
				return p.RenderServiceForm(ServiceForm{Frame: f, Agency: "agc_1", Fields: map[string]string{"code": "<b>"}, Key: "k", Today: catalog.Date("2026-04-01"), MayAct: true})
			},
			"debts": func() ([]byte, error) {
				return p.RenderAgencyDebts(AgencyDebts{
					Frame: f, Agency: "agc_1", MayAct: true, Columns: []string{"reference", "payer"}, MaxBytes: 8 << 20,
					Report: &payment.FeedReport{Lines: 3, Accepted: 1, Refused: 2}, Refused: []payment.FeedResult{{Line: 2, Reference: "<b>", Code: string(debt.CodeInvalid), Field: "payer", Detail: "x"}}, Message: refused,
				})
			},
			"empty": func() ([]byte, error) { return p.RenderAgencyDebts(AgencyDebts{Frame: f, Agency: "agc_1"}) },
			"bulk": func() ([]byte, error) {
				return p.RenderBulk(Bulk{
					Frame: f, Agency: "agc_1", Most: 50, MaxBytes: 16 << 20, Message: refused,
					Verdicts: []BulkVerdict{{File: "<b>", Problem: "problem"}, {File: "a", Verdict: sample("TOTAL-PASSED")}, {File: "b", Verdict: sample("TOTAL-FAILED")}, {File: "c", Verdict: sample("INDETERMINATE")}},
				})
			},
			"give back": func() ([]byte, error) {
				return p.RenderGiveBack(GiveBack{
					Frame: f, Agency: "agc_1", Payment: "<b>", Order: "ord_1", Services: services, Actor: "citizen:1", Key: "key-12345", Done: true, Message: refused,
					Shares: []payment.Refundable{
						{Debt: "dbt_1", Reference: "<b>", Amount: money.FromTiyn(200), Left: 100, Unreturned: 200, ExecutedAt: at()},
						{Debt: "dbt_1", Transfer: "trf_1", Reference: "x", Amount: money.FromTiyn(200), ExecutedAt: at()},
					},
					Requests: []refund.Refund{
						{ID: "rfd_1", Version: 1, Kind: refund.PayBack, State: refund.Requested, Reason: "other", Comment: "<b>", AskedBy: "citizen:1", AskedAt: at(), Amount: money.FromTiyn(100)},
						{ID: "rfd_2", Version: 2, Kind: refund.WrongKBK, State: refund.Rejected, Reason: "wrong-kbk", AskedBy: "citizen:2", DecidedBy: "citizen:1", AskedAt: at(), Amount: money.FromTiyn(100)},
					},
					Draft: map[string]string{"debt": "dbt_1", "kind": "wrong-payer", "reason": "other", "comment": "<b>", "payer": "<i>", "then": "closed"},
				})
			},
			"give back, viewer": func() ([]byte, error) {
				return p.RenderGiveBack(GiveBack{Frame: f, Agency: "agc_1", Shares: []payment.Refundable{{Debt: "dbt_1", Left: 1, ExecutedAt: at()}}})
			},
		} {
			page, err := render()
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			checkPage(t, name+" "+string(l), string(page), l)
			if id := regexp.MustCompile(`[>"](services|debts|bulk|giveback|problem)\.[a-z_.]+[<"]`).FindString(string(page)); id != "" {
				t.Errorf("%s %s: no text for %s", name, l, id)
			}
		}
	}
}
