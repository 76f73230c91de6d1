package api

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/inquiry"
	"qaqpa/signer"
	"qaqpa/testenv/agency"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/postgres"
)

// An agency's own register is asked by everybody's look-up, with real signatures both ways: its debts are listed beside fed ones, and an
// answer that another one signed, an unsigned one and silence are named and take nothing away.
func TestRegisterOverHTTP(t *testing.T) {
	w := startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), false)
	spec := licence("registered")
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", spec), 201)
	set := inquiry.Settings{URL: w.agencyURL + "/register", Wait: 10 * time.Second}
	if _, err := w.cfg.Payments.SetRegister(t.Context(), payment.Idem{Caller: "operator:test", Key: "r1", Hash: [32]byte{1}}, w.agencyID, set); err != nil {
		t.Fatal(err)
	}
	w.agency.Keep(agency.Owing{Payer: w.citizen.IIN(), Reference: "R-1", Service: service.ID}, agency.Owing{Payer: w.neighbour.IIN(), Reference: "R-2", Service: service.ID})
	search := map[string]any{"payer": w.citizen.IIN(), "reason": "the caller asked what he owes"}
	page := in[payment.DebtPage](t, w.send(w.portalKey, "/v1/debts/search", search), 200)
	if len(page.Items) != 1 || page.Items[0].Reference != "R-1" || len(page.Registers) != 1 || page.Registers[0].Outcome != payment.RegisterAnswered {
		t.Fatalf("page %+v", page)
	}
	for kind, problem := range map[string]string{
		agency.FaultOtherSigner: "signed_by_another", agency.FaultUnsignedAnswer: "signature_invalid", agency.FaultBadSignature: "signature_invalid",
		agency.FaultOtherQuestion: "answer_invalid", agency.FaultOtherPayer: "answer_invalid", agency.FaultOldData: "answer_old",
		agency.FaultHugeAnswer: "no_answer", agency.FaultDrop: "no_answer", agency.FaultRedirect: "no_answer",
	} {
		w.agency.Keep()
		if err := w.agency.AddFault(fault.Fault{Kind: kind, On: "register"}); err != nil {
			t.Fatal(err)
		}
		page := in[payment.DebtPage](t, w.send(w.portalKey, "/v1/debts/search", search), 200)
		if len(page.Items) != 1 || len(page.Registers) != 1 || page.Registers[0].Problem != problem {
			t.Errorf("%s: %+v", kind, page)
		}
		w.agency.Keep(agency.Owing{Payer: w.citizen.IIN(), Reference: "R-1", Service: service.ID})
		in[payment.DebtPage](t, w.send(w.portalKey, "/v1/debts/search", search), 200)
	}
	b := w.browser()
	b.enter(w.citizen)
	if page := b.get("/cabinet"); page.status != http.StatusOK || !strings.Contains(page.text, "R-1") || !strings.Contains(page.text, "Register asked: Police") {
		t.Errorf("the cabinet answers %d:\n%s", page.status, page.text)
	}
}

// Who knows only the number of a debt finds his own by the page and by the API, and nobody else's: what another one owes and what nobody
// knows have the same answer.
func TestRegisterIsAskedForANumber(t *testing.T) {
	w := startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), false)
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("numbered")), 201)
	set := inquiry.Settings{URL: w.agencyURL + "/register", Wait: 10 * time.Second, ByReference: true}
	if _, err := w.cfg.Payments.SetRegister(t.Context(), payment.Idem{Caller: "operator:test", Key: "r1", Hash: [32]byte{1}}, w.agencyID, set); err != nil {
		t.Fatal(err)
	}
	w.agency.Keep(agency.Owing{Payer: w.citizen.IIN(), Reference: "ШТ-100200", Service: service.ID, Unlinked: true},
		agency.Owing{Payer: w.neighbour.IIN(), Reference: "ШТ-100201", Service: service.ID, Unlinked: true})
	search := func(number string) payment.DebtPage {
		page := in[payment.DebtPage](t, w.send(w.portalKey, "/v1/debts/search", map[string]any{"payer": w.citizen.IIN(), "reference": number, "reason": "the caller has a notice"}), 200)
		for i := range page.Registers {
			page.Registers[i].AsOf = nil
		}
		return page
	}
	if page := search("ШТ-100200"); len(page.Items) != 1 || page.Items[0].Payer.ID != w.citizen.IIN() || len(page.Registers) != 1 || page.Registers[0].Outcome != payment.RegisterAnswered {
		t.Errorf("own: %+v", page)
	}
	if others, unknown := search("ШТ-100201"), search("ШТ-100202"); len(others.Items) != 0 || !reflect.DeepEqual(others, unknown) {
		t.Errorf("another one's %+v, nobody's %+v", others, unknown)
	}
	b := w.browser()
	b.enter(w.neighbour)
	if page := b.get("/cabinet"); page.status != http.StatusOK || !strings.Contains(page.text, `id="find"`) {
		t.Errorf("who owes nothing has no field for a number: %d", page.status)
	}
	if page := b.get("/cabinet?find=" + url.QueryEscape(" ШТ-100200 ")); page.status != http.StatusOK || strings.Contains(page.text, "5,406") || strings.Contains(page.text, "name=\"debt\"") {
		t.Errorf("the neighbour's page: %d\n%s", page.status, page.text)
	}
	if page := b.get("/cabinet?find=" + url.QueryEscape("ШТ-100201")); page.status != http.StatusOK || !strings.Contains(page.text, "name=\"debt\"") {
		t.Errorf("his own: %d\n%s", page.status, page.text)
	}
}
