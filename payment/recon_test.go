package payment

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qaqpa/payment/money"
	"qaqpa/payment/recon"
)

// line is one entry of a statement that a test writes.
type line struct {
	tiyn                  int64
	ref, payer, kbk, bank string
	batch, to             string // for money that goes to a beneficiary
	reverses              bool
	currency              string
}

// sheet is a statement that a test writes.
type sheet struct {
	account         string
	number          int
	day             string
	opening         int64
	closing         *int64 // nil: what the lines add up to
	lines           []line
	copy, balances  string
	signature       string
	before, trailer string
}

func (s sheet) sum() int64 {
	sum := s.opening
	for _, l := range s.lines {
		if l.currency == "" {
			sum += l.tiyn
		}
	}
	return sum
}

func camtAmount(tag, currency string, tiyn int64) string {
	side := "CRDT"
	if tiyn < 0 {
		side, tiyn = "DBIT", -tiyn
	}
	return fmt.Sprintf(`<%[1]s Ccy="%[2]s">%[3]s</%[1]s><CdtDbtInd>%[4]s</CdtDbtInd>`, tag, currency, money.FromTiyn(tiyn).Decimal(), side)
}

// within is an element, nothing without a text.
func within(tag, text string) string {
	if text == "" {
		return ""
	}
	return "<" + tag + ">" + text + "</" + tag + ">"
}

// camt renders the statement as camt.053.001.08.
func (s sheet) camt() []byte {
	var b strings.Builder
	if s.account == "" {
		s.account = monthAccount
	}
	closing := s.sum()
	if s.closing != nil {
		closing = *s.closing
	}
	fmt.Fprintf(&b, `%s<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T18:00:00+05:00</CreDtTm></GrpHdr><Stmt><Id>S%d</Id>`, s.before, s.number)
	if s.number > 0 {
		fmt.Fprintf(&b, `<ElctrncSeqNb>%d</ElctrncSeqNb>`, s.number)
	}
	fmt.Fprintf(&b, `<CreDtTm>%sT18:00:00+05:00</CreDtTm>`, s.day)
	if s.copy != "" {
		fmt.Fprintf(&b, `<CpyDplctInd>%s</CpyDplctInd>`, s.copy)
	}
	fmt.Fprintf(&b, `<Acct><Id><IBAN>%s</IBAN></Id><Ccy>KZT</Ccy></Acct>`, s.account)
	if s.balances != "none" {
		for kind, tiyn := range map[string]int64{"OPBD": s.opening, "CLBD": closing} {
			fmt.Fprintf(&b, `<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp>%s<Dt><Dt>%s</Dt></Dt></Bal>`, kind, camtAmount("Amt", "KZT", tiyn), s.day)
		}
	}
	for i, l := range s.lines {
		currency := "KZT"
		if l.currency != "" {
			currency = l.currency
		}
		fmt.Fprintf(&b, `<Ntry><NtryRef>N%d</NtryRef>%s`, i, camtAmount("Amt", currency, l.tiyn))
		if l.reverses {
			b.WriteString(`<RvslInd>true</RvslInd>`)
		}
		ref := l.ref
		if ref == "" {
			ref = "NOTPROVIDED"
		}
		fmt.Fprintf(&b, `<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>%s</Dt></BookgDt><AcctSvcrRef>%s</AcctSvcrRef><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs>%s<EndToEndId>%s</EndToEndId></Refs>%s`,
			s.day, l.bank, within("PmtInfId", l.batch), ref, camtAmount("Amt", currency, l.tiyn))
		if l.to != "" {
			fmt.Fprintf(&b, `<RltdPties><Cdtr><Pty><Nm>X</Nm><Id><OrgId><Othr><Id>%s</Id></Othr></OrgId></Id></Pty></Cdtr></RltdPties>`, l.to)
		}
		if l.payer != "" {
			fmt.Fprintf(&b, `<RltdPties><Dbtr><Pty><Nm>X</Nm><Id><PrvtId><Othr><Id>%s</Id></Othr></PrvtId></Id></Pty></Dbtr></RltdPties>`, l.payer)
		}
		if l.kbk != "" {
			fmt.Fprintf(&b, `<Tax><Rcrd><CtgyDtls>%s</CtgyDtls></Rcrd></Tax>`, l.kbk)
		}
		b.WriteString(`</TxDtls></NtryDtls></Ntry>`)
	}
	b.WriteString(s.trailer + `</Stmt></BkToCstmrStmt></Document>` + s.signature)
	return []byte(b.String())
}

// paid makes an executed payment and returns its reference and amount.
func (b *bundle) paid(payer string) (ref string, tiyn int64) {
	b.t.Helper()
	o := b.authorised(payer)
	b.settle()
	if got := b.state(o.ID); got != "executed" {
		b.t.Fatalf("order is %s", got)
	}
	return string(recon.Reference([]byte(o.Attempt))), o.Tiyn
}

func (b *bundle) today() string { return recon.DayOf(b.clock.now()).Format(time.DateOnly) }

// exceptions counts what is not resolved, by kind.
func (b *bundle) openKinds() map[recon.Kind]int64 {
	b.t.Helper()
	var rows []KindCount
	found := map[recon.Kind]int64{}
	b.must(b.db.Select(&rows, `SELECT kind AS "kind", count(*) AS "count", 0 AS "amount" FROM recon_exceptions WHERE state NOT IN ('resolved', 'void') GROUP BY kind`))
	for _, r := range rows {
		found[r.Kind] = r.Count
	}
	return found
}

// An executed payment is expected of its bank, found in the statement by our reference, and booked: the bank owes it no more.
func TestReconcilePayment(t *testing.T) {
	b := setup(t)
	b.account()
	_, _, err := b.SetGuarantee(t.Context(), b.idem("guarantee"), testBIC, money.FromTiyn(10_000_000))
	b.must(err)
	ref, tiyn := b.paid(citizenIIN)
	if e, err := b.Exposure(t.Context(), testBIC); err != nil || e.Committed != tiyn {
		t.Fatalf("exposure before the statement %+v %v", e, err)
	}
	body := sheet{number: 1, day: b.today(), opening: 1000, lines: []line{{tiyn: tiyn, ref: "att_" + strings.ToUpper(ref), payer: citizenIIN, kbk: "108125"}, {tiyn: 700, ref: "X"}}}.camt()
	report := b.reconcile(body)
	s := report.Statements[0]
	if s.Matched != 1 || s.Lines != 2 || len(s.Rules) != 1 || s.Rules[0].Rule != "reference" || s.MatchRate() != 500 || s.LedgerBalance != 1000+tiyn || s.Listed != 700 {
		t.Errorf("report %+v", s)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Surplus: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	b.settle()
	ledger := b.check()
	if due := ledger.Balances["bank:"+testBIC+":due"]; due != 0 {
		t.Errorf("the bank owes %d", due)
	}
	if e, err := b.Exposure(t.Context(), testBIC); err != nil || e.Committed != 0 {
		t.Errorf("what a statement has shown still counts against the guarantee: %+v %v", e, err)
	}
	again, repeated, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "bank:x"})
	if err != nil || !repeated {
		t.Fatalf("the same file again: %v, repeated %v", err, repeated)
	}
	if diff := cmp.Diff(report, again); diff != "" {
		t.Error(diff)
	}
	if after := b.check(); after.Leaves != ledger.Leaves {
		t.Errorf("%d leaves became %d", ledger.Leaves, after.Leaves)
	}
}

func TestReconcileRefuses(t *testing.T) {
	b := setup(t)
	b.account()
	wrong := int64(5)
	good := sheet{number: 1, day: "2026-03-02", lines: []line{{tiyn: 100, ref: "A"}}}
	unbalanced, unknown, dollars, bare := good, good, good, good
	unbalanced.closing = &wrong
	unknown.account = "KZ000000000000000000"
	bare.balances = "none"
	for name, c := range map[string]struct {
		body []byte
		want *Error
	}{
		"empty":                  {nil, ErrStatementUnreadable},
		"no format":              {[]byte("hello"), ErrStatementUnreadable},
		"cut off":                {good.camt()[:900], ErrStatementUnreadable},
		"balances do not agree":  {unbalanced.camt(), ErrStatementCheck},
		"no balances":            {bare.camt(), ErrStatementCheck},
		"account of others":      {unknown.camt(), ErrStatementAccount},
		"account in dollars":     {bytes.ReplaceAll(dollars.camt(), []byte("KZT"), []byte("USD")), ErrStatementCheck},
		"quotes in the account":  {bytes.ReplaceAll(good.camt(), []byte(monthAccount), []byte("x' OR '1'='1")), ErrStatementAccount},
		"signature in the clear": {append(good.camt(), []byte(`<!-- http://www.w3.org/2000/09/xmldsig# -->`)...), ErrSignatureInvalid},
		"broken CMS":             {[]byte{0x30, 0x82, 0x01}, ErrSignatureInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(c.body), Source: SourceAPI, Actor: "bank:x"})
			wants(t, err, c.want)
		})
	}
	_, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(good.camt()), Source: SourceAPI, Actor: "bank:x", Bank: otherBIC})
	wants(t, err, ErrStatementAccount)
	var left int
	b.must(b.db.Get(&left, `SELECT (SELECT count(*) FROM statement_lines) + (SELECT count(*) FROM statements) + (SELECT count(*) FROM statement_files)`))
	if left != 0 {
		t.Errorf("%d rows of refused files remained", left)
	}
	b.reconcile(good.camt()) // and the right one is taken
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount, Signed: true}))
	next := sheet{number: 2, day: "2026-03-03", opening: 100}
	_, _, err = b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(next.camt()), Source: SourceAPI, Actor: "bank:x"})
	wants(t, err, ErrStatementUnsigned)
}

// A signed file is read as it was signed; a stranger's signature, or one over a part, is worth nothing.
func TestReconcileSigned(t *testing.T) {
	b := setup(t)
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount}))
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: testBIC, Account: monthAccount, Signed: true}))
	body := sheet{number: 1, day: "2026-03-02", lines: []line{{tiyn: 100, ref: "A"}}}.camt()
	seal := func(bin string) []byte {
		return append([]byte("-----BEGIN CMS-----"), b.notary.sign(Signer{BIN: bin, Name: "BANK", Kind: "information_system"}, body, false)...)
	}
	b.notary.prefix = "-----BEGIN CMS-----"
	_, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(seal(otherBIN)), Source: SourceAPI, Actor: "bank:x"})
	wants(t, err, ErrStatementSigner)
	b.notary.fail("verify", 1)
	_, _, err = b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(seal(bankBIN)), Source: SourceAPI, Actor: "bank:x"})
	wants(t, err, ErrVerifierUnavailable)
	report := b.reconcile(seal(bankBIN))
	if report.Signer != "BANK" || report.VerdictID != "vrd_good" || report.Statements[0].Lines != 1 {
		t.Errorf("report %+v", report)
	}
}

// The transaction fails at its last step: nothing of the file remains, and the next try takes it whole.
func TestReconcileNotApplied(t *testing.T) {
	b := setup(t)
	b.account()
	body := sheet{number: 1, day: "2026-03-02", opening: 5, lines: []line{{tiyn: 100, ref: "A"}}}.camt()
	b.diary.failNext(1)
	if _, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceAPI, Actor: "bank:x"}); !errors.Is(err, errDown) {
		t.Fatalf("got %v", err)
	}
	var left int
	b.must(b.db.Get(&left, `SELECT (SELECT count(*) FROM statement_lines) + (SELECT count(*) FROM statements) + (SELECT count(*) FROM recon_exceptions) + (SELECT count(*) FROM postings)`))
	if left != 0 {
		t.Errorf("%d rows remained", left)
	}
	b.reconcile(body)
}

// Numbers: a second file under a booked number is refused, replaces it when asked to, and not once a person has decided.
func TestReconcileReplaces(t *testing.T) {
	b := setup(t)
	b.account()
	ref, tiyn := b.paid(citizenIIN)
	first := sheet{number: 1, day: b.today(), opening: 10, lines: []line{{tiyn: tiyn, ref: ref}, {tiyn: 40, ref: "A"}}}
	id := b.reconcile(first.camt()).Statements[0].ID
	second := first
	second.lines = []line{{tiyn: tiyn, ref: ref}}
	_, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(second.camt()), Source: SourceAPI, Actor: "bank:x"})
	wants(t, err, ErrStatementNumber)
	replacing := func(actor, instead string) (FileReport, error) {
		report, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(second.camt()), Source: SourceAPI, Actor: actor, Replace: true, Instead: instead})
		return report, err
	}
	_, err = replacing("bank:x", "")
	wants(t, err, ErrStatementState) // nobody has proposed it
	_, err = b.withdraw("operator:1", id, StatementWithdrawal{Action: ActPropose, Comment: "the bank sent a wrong one"})
	b.must(err)
	_, err = replacing("operator:1", "")
	wants(t, err, ErrFourEyes)
	_, err = replacing("operator:2", "stm_000000000000000001")
	wants(t, err, ErrStatementNumber)
	waiting, err := b.Statements(t.Context(), StatementQuery{Bank: testBIC, Waiting: true})
	if err != nil || len(waiting.Items) != 1 || waiting.Items[0].ProposedBy != "operator:1" {
		t.Errorf("waiting %+v %v", waiting, err)
	}
	report, err := replacing("operator:2", id)
	b.must(err)
	if s := report.Statements[0]; s.Matched != 1 || s.Listed != 0 || s.LedgerBalance != 10+tiyn || len(s.Warnings) != 1 {
		t.Errorf("report %+v", s)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	b.settle()
	b.check()
}

// Copies and notices book nothing; the statement does.
func TestReconcileNotes(t *testing.T) {
	b := setup(t)
	b.account()
	s := sheet{number: 1, day: "2026-03-02", lines: []line{{tiyn: 100, ref: "A"}}}
	s.copy = "DUPL"
	if got := b.reconcile(s.camt()).Statements[0]; got.State != "noted" || got.Matched != 0 || len(b.openKinds()) != 0 {
		t.Errorf("a duplicate: %+v", got)
	}
	s.copy = ""
	notice := s.camt()
	for _, names := range [][2]string{{"camt.053", "camt.054"}, {"BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"}, {"Stmt>", "Ntfctn>"}} {
		notice = bytes.ReplaceAll(notice, []byte(names[0]), []byte(names[1]))
	}
	for name, body := range map[string][]byte{
		"a notice": notice, "a report within the day": bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(notice, []byte("camt.054"), []byte("camt.052")),
			[]byte("BkToCstmrDbtCdtNtfctn"), []byte("BkToCstmrAcctRpt")), []byte("Ntfctn>"), []byte("Rpt>")),
		"an MT942": []byte(":20:R\n:25:" + monthAccount + "\n:28C:1/1\n:34F:KZT0,\n:13D:2603021030+0500\n:61:260302C1,00NTRFA\n:90C:1KZT1,00\n-\n"),
	} {
		if got := b.reconcile(body).Statements[0]; got.State != "noted" || got.Lines != 1 || got.Matched != 0 || len(b.openKinds()) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := b.reconcile(s.camt()).Statements[0]; got.State != "booked" || b.openKinds()[recon.Surplus] != 1 {
		t.Errorf("the statement: %+v", got)
	}
}

// To which banking day a payment belongs, and when it is missing, follows the bank's cut-off and term and the holidays, all of them data.
func TestTermsAreData(t *testing.T) {
	b := setup(t)
	b.account()
	b.must(b.SetReconTerms(t.Context(), "operator:test", ReconTerms{Bank: testBIC, CutOffMinute: 10 * 60, TermDays: 1}))
	b.must(b.SetBankDays(t.Context(), "operator:test", []BankDay{{Day: "2026-03-04", Name: "Holiday", Source: "decree"}, {Day: "2026-03-07", Works: true, Name: "Saturday worked", Source: "decree"}}))
	paid := func(at time.Time) string {
		b.clock.at = at
		b.paid(citizenIIN)
		b.must(b.expect(t.Context()))
		var days string
		b.must(b.db.Get(&days, `SELECT paid_on || ' ' || due_on FROM expectations ORDER BY no DESC LIMIT 1`))
		b.must(b.forgetExpectations())
		return days
	}
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 3, 3, 4, 30, 0, 0, time.UTC), "2026-03-03 2026-03-05"},  // 9:30 in Almaty; the 4th is a holiday
		{time.Date(2026, 3, 3, 5, 30, 0, 0, time.UTC), "2026-03-05 2026-03-06"},  // behind the cut-off
		{time.Date(2026, 3, 6, 20, 30, 0, 0, time.UTC), "2026-03-07 2026-03-10"}, // the 7th is worked, the 8th a Sunday and a holiday with the 9th
	} {
		if got := paid(c.at); got != c.want {
			t.Errorf("%s: paid and due on %s, want %s", c.at.Format(time.DateTime), got, c.want)
		}
	}
}

// Statements in any order, with gaps and jumps of the balance, with lines of every kind: after each, ledger + listed
// exceptions = closing balance. The service proves it by itself before it commits; here it is asked to for whatever comes.
func TestReconcileInvariant(t *testing.T) {
	b := setup(t)
	b.account()
	var refs []string
	var tiyn int64
	for range 6 {
		ref, n := b.paid(citizenIIN)
		refs, tiyn = append(refs, ref), n
	}
	number := 0
	const statementsMax = 30 // each stays, so the later ones meet all earlier
	rapid.Check(t, func(r *rapid.T) {
		if number++; number > statementsMax {
			return
		}
		s := sheet{number: number, day: recon.DayOf(b.clock.now()).AddDate(0, 0, rapid.IntRange(-3, 3).Draw(r, "day")).Format(time.DateOnly)}
		s.opening = rapid.Int64Range(-1000, 1000).Draw(r, "opening")
		for range rapid.IntRange(0, 6).Draw(r, "lines") {
			l := line{
				tiyn: rapid.SampledFrom([]int64{tiyn, tiyn, tiyn - 1, tiyn / 2, tiyn - tiyn/2, 2 * tiyn, -tiyn, 1, -1, 77}).Draw(r, "tiyn"),
				ref:  rapid.SampledFrom(append([]string{"", "X", "X\tY\\N\n"}, refs...)).Draw(r, "ref"), payer: rapid.SampledFrom([]string{"", citizenIIN, neighborIIN}).Draw(r, "payer"),
				kbk: rapid.SampledFrom([]string{"", "108125", "101201"}).Draw(r, "kbk"), reverses: rapid.Bool().Draw(r, "reverses"),
				currency: rapid.SampledFrom([]string{"", "", "", "USD"}).Draw(r, "currency"),
			}
			s.lines = append(s.lines, l)
		}
		report, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(s.camt()), Source: SourceAPI, Actor: "bank:x"})
		if err != nil {
			r.Fatal(err)
		}
		var last int64
		b.must(b.db.Get(&last, `SELECT closing FROM statements WHERE state = 'booked' ORDER BY `+statementOrder("DESC")+` LIMIT 1`))
		if st := report.Statements[0]; st.LedgerBalance+st.Listed != last {
			r.Fatalf("ledger %d + listed %d for a closing balance of %d", st.LedgerBalance, st.Listed, last)
		}
		// What the bank owes is what no live match has settled.
		var open, due int64
		b.must(b.db.Get(&open, `SELECT coalesce(sum(x.amount), 0)::bigint FROM expectations x WHERE x.amount > 0
			AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = x.bucket AND m.expectation = x.no AND m.undone_at IS NULL)`))
		b.must(b.db.Get(&due, `SELECT sum(CASE WHEN debit_account = $1 THEN amount ELSE -amount END)::bigint FROM transfers WHERE $1 IN (debit_account, credit_account)`, "bank:"+testBIC+":due"))
		if open != due {
			r.Fatalf("expected %d, owed %d", open, due)
		}
	})
	b.settle()
	b.check()
}
