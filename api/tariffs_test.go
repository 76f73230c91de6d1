package api

import (
	"net/http"
	"testing"

	"qaqpa/payment/catalog"
)

// checkCourtFee publishes a percent with bounds and a window, and asks what is to be paid; fixedID is a service whose tariff takes no claim.
func (w *whole) checkCourtFee(t *testing.T, fixedID string) {
	t.Helper()
	spec := licence("court-duty")
	spec.Tariffs = []catalog.Tariff{{
		ValidFrom: "2026-01-01", Kind: catalog.Percent, Rate: "3", Rounding: "half-up-tenge",
		Floor: &catalog.Bound{Tiyn: 100_000}, Cap: &catalog.Bound{MRP: "20000"},
		Discounts: []catalog.Discount{{Percent: "50", Rounding: "up-tenge", Days: 7}},
	}}
	s := in[catalog.Service](t, w.send(w.otherAgencyKey, "/v1/services", spec), 201)
	base := "/v1/services/" + s.ID + "/quote?on=2026-03-01"
	for query, want := range map[string][2]int64{
		"&claim=10001700":                    {300_100, 150_100},
		"&claim=10001700&paid_on=2026-03-08": {300_100, 150_100},
		"&claim=10001700&paid_on=2026-03-09": {300_100, 300_100},
		"&claim=1&paid_on=2027-01-01":        {100_000, 100_000},
		"&claim=100000000000000000":          {86_500_000_00, 43_250_000_00},
	} {
		if q := in[catalog.Quote](t, w.get(w.portalKey, base+query), 200); q.Tiyn != want[0] || q.Payable != want[1] {
			t.Errorf("%s: %+v", query, q)
		}
	}
	for query, want := range map[string]struct {
		status int
		code   code
	}{
		"":                            {422, "invalid_request"},
		"&claim=100000000000000001":   {422, "invalid_request"},
		"&claim=5&paid_on=2026-02-28": {422, "invalid_request"},
		"&claim=5&amount=5":           {422, "invalid_request"},
		"&claim=0":                    {400, codeQuery},
		"&claim=-5":                   {400, codeQuery},
		"&claim=%2B5":                 {400, codeQuery},
		"&claim=05":                   {400, codeQuery},
		"&claim=1e3":                  {400, codeQuery},
		"&claim=9223372036854775808":  {400, codeQuery},
		"&paid_on=2026-2-1":           {400, codeQuery},
	} {
		w.do(call{method: http.MethodGet, path: base + query, key: w.portalKey, bad: true}).want(t, want.status, want.code)
	}
	w.get(w.portalKey, "/v1/services/"+fixedID+"/quote?claim=5").want(t, 422, "invalid_request")
	w.get("", base+"&claim=5").want(t, 401, codeUnauthorised)
	spec.Tariffs[0].Discounts[0].Percent = "100"
	w.send(w.otherAgencyKey, "/v1/services", spec).want(t, 422, "invalid_request")
}
