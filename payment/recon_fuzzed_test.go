package payment

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"qaqpa/payment/ledger"
)

// spoil changes a file as broken programs and forgers do: bytes, pieces left out or doubled, amounts, directions, currencies, numbers.
func spoil(r *rapid.T, file []byte) []byte {
	at := func(name string) (from, to int) {
		from = rapid.IntRange(0, len(file)-1).Draw(r, name)
		return from, min(from+rapid.IntRange(1, 400).Draw(r, name+" length"), len(file))
	}
	for range rapid.IntRange(1, 4).Draw(r, "changes") {
		switch from, to := at("place"); rapid.IntRange(0, 5).Draw(r, "change") {
		case 0:
			file[from] = rapid.Byte().Draw(r, "byte")
		case 1:
			file = append(bytes.Clone(file[:from]), file[to:]...)
		case 2:
			file = append(bytes.Clone(file[:to]), file[from:]...)
		case 3:
			if i := bytes.IndexAny(file[from:], "0123456789"); i >= 0 {
				file[from+i] = "0123456789.-"[rapid.IntRange(0, 11).Draw(r, "digit")]
			}
		case 4:
			old := rapid.SampledFrom([]string{"CRDT", "KZT", "BOOK", "OPBD", "CLBD", "<RvslInd>true", "NOTPROVIDED"}).Draw(r, "word")
			file = append(bytes.Clone(file[:from]), bytes.Replace(file[from:], []byte(old), []byte(rapid.SampledFrom([]string{"DBIT", "USD", "PDNG", "ITBD", ""}).Draw(r, "by")), 1)...)
		case 5: // a whole entry again, or one less
			begin, end := bytes.Index(file, []byte("<Ntry>")), bytes.Index(file, []byte("</Ntry>"))
			if begin >= 0 && end > begin {
				entry := bytes.Clone(file[begin : end+len("</Ntry>")])
				file = bytes.Replace(file, entry, bytes.Repeat(entry, rapid.SampledFrom([]int{0, 2}).Draw(r, "times")), 1)
			}
		}
		if len(file) == 0 {
			return []byte("<")
		}
	}
	return file
}

// cashAndListed computes, from the rows alone, what stands on the account in the ledger, what is listed, and the closing balance.
func (b *bundle) cashAndListed() (cash, listed, closing int64) {
	b.t.Helper()
	account := string(ledger.BankCash(testBIC, monthAccount))
	b.must(b.db.Get(&cash, `SELECT coalesce(sum(amount) FILTER (WHERE debit_account = $1), 0)::bigint - coalesce(sum(amount) FILTER (WHERE credit_account = $1), 0)::bigint FROM transfers`, account))
	b.must(b.db.Get(&listed, `SELECT coalesce(sum(amount), 0)::bigint FROM recon_exceptions WHERE account = $1 AND state NOT IN ('resolved', 'void')`, monthAccount))
	b.must(b.db.Get(&closing, `SELECT coalesce((SELECT closing FROM statements WHERE account = $1 AND state = 'booked' ORDER BY closed_on DESC, opened_on DESC, number DESC, page DESC, id DESC LIMIT 1), 0)`, monthAccount))
	return cash, listed, closing
}

// Whatever is in a file, it is refused whole for a reason that is told, or afterwards the ledger and what is listed are the closing balance.
func TestSpoiledFilesBalance(t *testing.T) {
	b := setup(t)
	b.account()
	first, tiyn := b.paid(citizenIIN)
	second, _ := b.paid(neighborIIN)
	number, booked, refused := 0, 0, 0
	const filesMax = 120
	rapid.Check(t, func(r *rapid.T) {
		if number++; number > filesMax {
			return
		}
		s := sheet{number: number, day: b.today(), opening: rapid.Int64Range(0, 5000).Draw(r, "opening")}
		for i := range rapid.IntRange(1, 4).Draw(r, "lines") {
			s.lines = append(s.lines, line{
				tiyn: rapid.SampledFrom([]int64{tiyn, tiyn / 2, -tiyn, 77}).Draw(r, "tiyn"), ref: rapid.OneOf(rapid.SampledFrom([]string{first, second, "ATT_" + first}), rapid.StringMatching(`[^\x00-\x1f<>&]{0,60}`)).Draw(r, "ref"),
				payer: rapid.SampledFrom([]string{citizenIIN, neighborIIN, "", "0"}).Draw(r, "payer"), kbk: "108125", bank: fmt.Sprint("B", i),
			})
		}
		body := s.camt()
		if rapid.Bool().Draw(r, "spoilt") {
			body = spoil(r, body)
		}
		_, repeated, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "bank:x"})
		var told *Error
		switch {
		case err == nil && !repeated:
			booked++
		case err != nil && (!errors.As(err, &told) || told.Kind == KindUnavailable):
			r.Fatalf("neither taken nor refused: %v\n%s", err, body)
		case err != nil:
			refused++
		}
		if cash, listed, closing := b.cashAndListed(); cash+listed != closing {
			r.Fatalf("ledger %d + listed %d for a closing balance of %d\n%s", cash, listed, closing, body)
		}
		var files int
		b.must(b.db.Get(&files, `SELECT count(*) FROM statement_files`))
		if files != booked {
			r.Fatalf("%d files are there of %d that were taken in", files, booked)
		}
	})
	t.Logf("%d files were taken in, %d refused", booked, refused)
	if booked == 0 || refused == 0 {
		t.Error("all were taken in, or all refused: nothing was tried")
	}
	b.settle()
	b.check()
}

// The numbers that an operator watches: share of lines that rules matched, age of what is open, money at risk.
func TestReconMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := setup(t, func(c *Config) { c.Registerer = registry })
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	body := sheet{number: 1, day: b.today(), opening: 0, lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 700, ref: "X"}, {tiyn: -200, ref: "Y"}, {tiyn: 100, ref: "Z"}}}.camt()
	b.reconcile(body)
	if _, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "bank:x"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Reconcile(t.Context(), StatementFile{Body: strings.NewReader("?"), Source: SourceAPI, Actor: "bank:x"}); err == nil {
		t.Fatal("garbage was taken in")
	}
	b.clock.at = b.clock.at.AddDate(0, 0, 5)
	b.must(b.workRecon(t.Context()))
	families, err := registry.Gather()
	b.must(err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "qaqpa_recon_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			if strings.HasPrefix(f.GetName(), "qaqpa_recon_") && m.GetHistogram() == nil {
				got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	want := map[string]float64{
		"auto_match_ratio " + testBIC: 0.25, "files_total booked": 1, "files_total refused": 1, "files_total repeated": 1,
		"lines_total " + testBIC + " none": 3, "lines_total " + testBIC + " reference": 1, "money_at_risk_tiyn " + testBIC: 1000,
		"open_exceptions 4-7 " + testBIC: 3, "exceptions_total " + testBIC + " surplus": 2, "exceptions_total " + testBIC + " withdrawal": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A year whose holidays nobody has loaded is told, until they are.
func TestCalendarOfAnotherYear(t *testing.T) {
	b := setup(t)
	b.account()
	told := func(number int, day string) bool {
		return slices.ContainsFunc(b.reconcile(sheet{number: number, day: day}.camt()).Statements[0].Warnings, func(w string) bool { return strings.Contains(w, "2027") })
	}
	if told(1, "2026-12-31") || !told(2, "2027-01-05") {
		t.Error("2026 is loaded, 2027 is not")
	}
	b.must(b.SetBankDays(t.Context(), "operator:test", []BankDay{{Day: "2027-01-01", Name: "New Year", Source: "Law on holidays, Art. 3"}}))
	if told(3, "2027-01-06") {
		t.Error("2027 is loaded now")
	}
}
