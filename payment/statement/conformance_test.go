package statement

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// refusals are the samples that no statement can be read from, and the fault for which each is refused.
var refusals = map[string]struct {
	err  error
	path string
	why  string
}{
	"mt940/wolph-betterplace-currency_in_25.sta":         {ErrStructure, ":60F:", "one field, no balances"},
	"mt940/wolph-betterplace-empty_entry_date.sta":       {ErrStructure, ":61:", "one field: nothing tells the currency"},
	"mt940/wolph-betterplace-empty_line.sta":             {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-betterplace-missing_crlf_at_end.sta":    {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-betterplace-sepa_snippet_broken.sta":    {ErrStructure, ":25:", "the information of an entry stands in a second :25:"},
	"mt940/wolph-cmxl-account_balance_credit.sta":        {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-cmxl-account_balance_debit.sta":         {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-cmxl-account_identification_legacy.sta": {ErrStructure, ":60F:", "one field, no balances"},
	"mt940/wolph-cmxl-available_balance.sta":             {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-cmxl-reference.sta":                     {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-cmxl-statement_line.sta":                {ErrStructure, ":61:", "one field: nothing tells the currency"},
	"mt940/wolph-cmxl-statement_number.sta":              {ErrStructure, ":25:", "one field, no account"},
	"mt940/wolph-self-provided-empty_non_swift.sta":      {ErrUnknown, "", "an empty field of German banks alone"},
	"mt940/wolph-self-provided-sparkassen.sta":           {ErrStructure, ":61:", "one entry: nothing tells the currency"},
	"pacs/prowide-camt.003.001.04.xml":                   {ErrUnknown, "", "a request for an account, in a namespace of SWIFT"},
	"pacs/prowide-header-with-signature.xml":             {ErrUnknown, "", "a header without a document"},
	"pacs/prowide-mx_sample_bah.xml":                     {ErrUnknown, "", "a header without a document"},
	"pacs/prowide-mx_sample_header.xml":                  {ErrUnknown, "", "a header without a document"},
}

// failures are the checks that fail in the samples that are read: many are cut or are not meant to balance.
var failures = map[string][]CheckName{
	"1c/synthetic-kz-variant-noend-cp1251.txt":          {CheckBalance, CheckTotals, CheckComplete},
	"camt/genkgo-camt052.v6.Amt-zero.xml":               {CheckCopy},
	"camt/genkgo-camt052.v8.xml":                        {CheckCopy},
	"camt/genkgo-camt053.v2.five.decimals.xml":          {CheckBalance, CheckCopy},
	"camt/genkgo-camt053.v2.minimal.ultimate.xml":       {CheckBalance, CheckCopy},
	"camt/genkgo-camt054.v2.xml":                        {CheckCopy},
	"mt940/wolph-jejik-abnamro.sta":                     {CheckBalance},
	"mt940/wolph-jejik-ing.sta":                         {CheckBalance},
	"mt940/wolph-jejik-knab.sta":                        {CheckBalance},
	"mt940/wolph-jejik-postfinance.sta":                 {CheckBalance},
	"mt940/wolph-jejik-rabobank.sta":                    {CheckBalance},
	"mt940/wolph-jejik-triodos.sta":                     {CheckBalance},
	"mt940/wolph-mBank-with_newline_in_tnr.sta":         {CheckBalance},
	"mt940/wolph-self-provided-details_60-63.sta":       {CheckBalance},
	"mt940/wolph-self-provided-malformed_details.sta":   {CheckBalance},
	"mt940/wolph-self-provided-mt942.sta":               {CheckTotals},
	"mt940/wolph-self-provided-overly_long_details.sta": {CheckBalance},
	"mt940/wolph-self-provided-raphaelm.sta":            {CheckRepeated},
	"mt940/wolph-self-provided-whitespace.sta":          {CheckBalance},
	"pain/rousseau-pain.001.001.09.xml":                 {CheckTotals},
}

// ordersTable reads the sample of a table of orders.
func ordersTable() *Mapping {
	return &Mapping{
		Columns: map[Column]string{
			ColumnDate: "requested_execution_date", ColumnAmount: "payment_amount", ColumnCurrency: "currency", ColumnEndToEnd: "payment_id",
			ColumnPayerName: "debtor_name", ColumnPayerAcct: "debtor_account_IBAN", ColumnPayerBIC: "debtor_agent_BIC", ColumnPurpose: "remittance_information",
			ColumnPayeeName: "creditor_name", ColumnPayeeAcct: "creditor_account_IBAN", ColumnPayeeBIC: "creditor_agent_BIC", ColumnRef: "reference_number",
		},
		Account: "DE75512108001245126162", Currency: "EUR",
	}
}

// TestConformanceStatements reads every sample: all of it, or none for a reason that is stated here.
func TestConformanceStatements(t *testing.T) {
	top := corpora(t)
	rep := struct {
		Suite           string              `json:"suite"`
		Agreed          int                 `json:"agreed"`
		Total           int                 `json:"total"`
		OutOfScope      int                 `json:"out_of_scope"`
		WronglyAccepted int                 `json:"wrongly_accepted"`
		Deviations      []map[string]string `json:"deviations"`
	}{Suite: "bank statements", Deviations: []map[string]string{}}
	for _, dir := range []string{"1c", "camt", "mt100", "mt940", "pacs", "pain"} {
		entries, err := os.ReadDir(filepath.Join(top, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := dir + "/" + e.Name()
			rep.Total++
			if judgeSample(t, name) {
				rep.Agreed++
			}
		}
	}
	t.Logf("bank statements: %d of %d agree", rep.Agreed, rep.Total)
	if path := os.Getenv("QAQPA_CONFORMANCE"); path != "" {
		line, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
}

func judgeSample(t *testing.T, name string) bool {
	t.Helper()
	o := Options{}
	if strings.HasSuffix(name, ".csv") {
		o.Mapping = ordersTable()
	}
	p := &payments{}
	s, err := Read(strings.NewReader(string(sample(t, name))), p, o)
	if want, ok := refusals[name]; ok {
		fault := &Error{}
		_ = errors.As(err, &fault)
		if !errors.Is(err, want.err) || fault.Path != want.path {
			t.Errorf("%s: got %v, want it refused: %s", name, err, want.why)
			return false
		}
		t.Logf("%-55s refused: %v (%s)", name, err, want.why)
		return true
	}
	var failed []CheckName
	for _, c := range CheckNames() {
		if slices.ContainsFunc(p.checks, func(k Check) bool { return k.Name == c && k.Result == Failed }) {
			failed = append(failed, c)
		}
	}
	if err != nil || !slices.Equal(failed, failures[name]) {
		t.Errorf("%s: %v, failed checks %v, want %v", name, err, failed, failures[name])
		return false
	}
	t.Logf("%-55s %s %s: %d statements, %d entries, %d transactions, failed checks %v", name, s.Format, s.Version, s.Statements, s.Entries, s.Details, failed)
	return true
}
