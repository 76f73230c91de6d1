package payment

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
	"qaqpa/payment/refund"
)

// nets is a gateway with n executed payments whose commission the agency bears, of different amounts, and their references.
func nets(t *testing.T, n int) (b *bundle, orders []order.Order, refs []string) {
	t.Helper()
	b = setup(t)
	b.account()
	b.agencyBears()
	for range n {
		o := b.executed(citizenIIN)
		orders, refs = append(orders, o), append(refs, string(recon.Reference([]byte(o.Attempt))))
	}
	return b, orders, refs
}

const licenceNet = licenceTiyn - licenceCharged

// keptStands checks what agency, bank and account stand at after the bank kept back so much of that many credited payments.
func (b *bundle) keptStands(payments, kept int64) {
	b.t.Helper()
	b.stands(map[ledger.Account]int64{
		ledger.AgencyKept(b.agency.ID, testBIC): kept * licenceCharged, ledger.BankCharged(testBIC): kept * licenceCharged,
		ledger.AgencyCommission(b.agency.ID, testBIC): (payments - kept) * licenceCharged, ledger.BankCommission(testBIC): -payments * licenceCharged,
		ledger.BankDue(testBIC): (payments - kept) * licenceTiyn, ledger.BankCash(testBIC, monthAccount): kept * licenceNet, ledger.OperatorWriteOffs: 0,
	})
}

// A credit less the commission that the agency bears is matched by its reference: the bank owes the payment no more, the agency owes the bank
// no more, and has to make good what its beneficiary did not get. Undoing takes all of it back; so does withdrawing the statement.
func TestCommissionKeptBack(t *testing.T) {
	b, _, refs := nets(t, 1)
	b.keptStands(1, 0)
	s := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0], kbk: "108125"}}}.camt()).Statements[0]
	if s.Matched != 1 || len(s.Rules) != 1 || s.Rules[0].Rule != "kept-back" || s.Rules[0].Amount != licenceNet || s.Listed != 0 {
		t.Fatalf("report %+v", s)
	}
	b.keptStands(1, 1)
	page, err := b.StatementLines(t.Context(), s.ID, 0, 0, 0)
	if err != nil || len(page.Items) != 1 || len(page.Items[0].Matches) != 1 || page.Items[0].Matches[0].Kept != licenceCharged || page.Items[0].Matches[0].Owed != licenceTiyn || page.Items[0].Matches[0].Own {
		t.Errorf("%+v %v", page, err)
	}
	_, _, err = b.RecordCommissionPaid(t.Context(), b.by("aru"), b.paidToBank(1, "ПП-1")) // the bank has it already
	wants(t, err, ErrCommissionPaidTooMuch)
	_, _, err = b.UndoMatch(t.Context(), b.by("aru"), s.ID, MatchUndoing{No: 1, Comment: "not so"})
	b.must(err)
	b.keptStands(1, 0)
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.KeptBack, Expectations: b.expectationIDs(), Comment: "it is so"})
	b.keptStands(1, 1)
}

func (b *bundle) expectationIDs() (ids []string) {
	b.t.Helper()
	var rows []expectedRow
	b.must(b.db.Select(&rows, `SELECT bucket, no FROM expectations WHERE kind = 'payment' ORDER BY no`))
	for _, r := range rows {
		ids = append(ids, expectationID(r.Bucket, r.No))
	}
	return ids
}

// A statement that was withdrawn, and one that was replaced in the same breath, leave nothing of what they kept back.
func TestKeptBackIsGivenUp(t *testing.T) {
	b, _, refs := nets(t, 2)
	one := sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}, {tiyn: licenceNet, ref: refs[1]}}}
	first := b.reconcile(one.camt()).Statements[0]
	b.keptStands(2, 2)
	_, err := b.withdraw("operator:a", first.ID, StatementWithdrawal{Action: ActPropose, Comment: "another file"})
	b.must(err)
	// All that the agency owes was kept back already, so what replaces it keeps back what it gives up.
	one.lines[0].payer = citizenIIN
	out, _, err := b.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(one.camt()), Source: SourceAPI, Actor: "operator:b", Replace: true})
	b.must(err)
	if out.Statements[0].Matched != 2 {
		t.Errorf("%+v", out.Statements[0])
	}
	b.keptStands(2, 2)
	second := out.Statements[0].ID
	_, err = b.withdraw("operator:a", second, StatementWithdrawal{Action: ActPropose, Comment: "by mistake"})
	b.must(err)
	_, err = b.withdraw("operator:b", second, StatementWithdrawal{Action: ActApprove})
	b.must(err)
	b.keptStands(2, 0)
}

// The bank credits several payments as one sum, less the commissions of all of them.
func TestBatchKeptBack(t *testing.T) {
	for name, c := range map[string]struct {
		tiyn    int64
		matched bool
	}{"to the tiyn": {3 * licenceNet, true}, "a tiyn less": {3*licenceNet - 1, false}, "a tiyn more": {3*licenceNet + 1, false}, "one whole": {2*licenceNet + licenceTiyn, false}} {
		t.Run(name, func(t *testing.T) {
			b, _, _ := nets(t, 3)
			var batch string
			b.must(b.expect(t.Context()))
			b.must(b.db.Get(&batch, `SELECT DISTINCT batch FROM expectations`))
			body := sheet{number: 1, day: b.today(), lines: []line{{tiyn: c.tiyn}}}.camt()
			from, to := bytes.Index(body, []byte(`<TxDtls>`)), bytes.Index(body, []byte(`</TxDtls>`))+len(`</TxDtls>`)
			body = slices.Concat(body[:from], []byte(`<Btch><PmtInfId>`+batch+`</PmtInfId><NbOfTxs>3</NbOfTxs></Btch>`), body[to:])
			s := b.reconcile(body).Statements[0]
			if matched := s.Matched == 1; matched != c.matched {
				t.Fatalf("%+v", s)
			}
			if !c.matched {
				b.check()
				return
			}
			if s.Rules[0].Rule != "batch-kept-back" {
				t.Errorf("%+v", s.Rules)
			}
			b.keptStands(3, 3)
		})
	}
}

// What is no commission of this payment, borne by its agency and owed still, is no match: each line stays an exception.
func TestNotKeptBack(t *testing.T) {
	payers := func(t *testing.T) (*bundle, string) {
		t.Helper()
		b := setup(t)
		b.account()
		b.inForce(onePercent()) // the payer bears it, the bank took it on top
		return b, string(recon.Reference([]byte(b.executed(citizenIIN).Attempt)))
	}
	agencies := func(t *testing.T) (*bundle, string) {
		t.Helper()
		b, _, refs := nets(t, 1)
		return b, refs[0]
	}
	for name, c := range map[string]struct {
		set  func(*testing.T) (*bundle, string)
		tiyn int64
		kbk  string
		want recon.Kind
	}{
		"a tiyn less": {agencies, licenceNet - 1, "", recon.Under}, "a tiyn more": {agencies, licenceNet + 1, "", recon.Under},
		"twice": {agencies, licenceNet - licenceCharged, "", recon.Under}, "the payer's": {payers, licenceNet, "", recon.Under},
		"added": {agencies, licenceTiyn + licenceCharged, "", recon.Over}, "another budget code": {agencies, licenceNet, "101201", recon.Data},
		"taken": {agencies, -licenceNet, "", recon.Reversal},
		"terms that came later": {func(t *testing.T) (*bundle, string) {
			t.Helper()
			b := setup(t)
			b.account()
			ref := string(recon.Reference([]byte(b.executed(citizenIIN).Attempt)))
			b.agencyBears()
			return b, ref
		}, licenceNet, "", recon.Under},
		"billed and paid before": {func(t *testing.T) (*bundle, string) {
			t.Helper()
			b, _, refs := nets(t, 1)
			p, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.paidToBank(1, "ПП-1")) // a tiyn of it
			b.must(err)
			_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), p.ID, true)
			b.must(err)
			return b, refs[0]
		}, licenceNet, "", recon.Under},
		"given back before": {func(t *testing.T) (*bundle, string) {
			t.Helper()
			b, orders, refs := nets(t, 2)
			b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(orders[0]))))
			b.settle()
			return b, refs[0] // the commission of the other payment is owed still
		}, licenceNet, "", recon.Under},
		"to be given back": {func(t *testing.T) (*bundle, string) {
			t.Helper()
			b, orders, refs := nets(t, 2)
			b.wished(wishOf(refund.PayBack, item(orders[0])))
			return b, refs[0]
		}, licenceNet, "", recon.Under},
	} {
		t.Run(name, func(t *testing.T) {
			b, ref := c.set(t)
			s := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: c.tiyn, ref: ref, kbk: c.kbk}}}.camt()).Statements[0]
			if s.Matched != 0 {
				t.Errorf("matched %+v", s)
			}
			e := b.theOnly(c.want)
			_, err := b.act("operator:a", e, ExceptionAction{Action: ActResolve, Way: recon.KeptBack, Expectations: b.expectationIDs()[:1]})
			if c.want != recon.Data { // where a person may know better than the bank
				wants(t, err, ErrResolutionMisfit)
			} else {
				b.must(err)
			}
			for account, tiyn := range b.check().Balances {
				if strings.HasSuffix(string(account), ":kept") && tiyn != 0 {
					t.Errorf("%s stands at %d", account, tiyn)
				}
			}
		})
	}
}

// Another bank names the payment: what it credits is no part of it. The same line twice is a double.
func TestKeptBackByAnotherBank(t *testing.T) {
	b, _, refs := nets(t, 2)
	b.byFiles(otherBIC)
	const account = "KZ916011700111350336"
	b.must(b.RegisterAccount(t.Context(), "operator:test", BankAccount{Bank: otherBIC, Account: account}))
	b.reconcile(sheet{number: 1, day: b.today(), account: account, lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt())
	b.keptStands(2, 0)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}, {tiyn: licenceNet, ref: refs[0]}}}.camt())
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Surplus: 1, recon.Doubled: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
	b.keptStands(2, 1)
}

// Of several credits only as many keep back as the agency owes; the first of the file. The last waits for a person, and what the agency
// comes to owe later does not make the bank's second taking right by itself when its payment is paid otherwise.
func TestKeptBackUpToWhatIsOwed(t *testing.T) {
	b, _, refs := nets(t, 3)
	p, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.paidToBank(licenceCharged, "ПП-1"))
	b.must(err)
	_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), p.ID, true)
	b.must(err)
	var lines []line
	for _, ref := range refs {
		lines = append(lines, line{tiyn: licenceNet, ref: ref})
	}
	s := b.reconcile(sheet{number: 1, day: b.today(), lines: lines}.camt()).Statements[0]
	if s.Matched != 2 {
		t.Errorf("%+v", s)
	}
	if e := b.theOnly(recon.Under); e.Tiyn != licenceNet {
		t.Errorf("%+v", e)
	}
	b.stands(map[ledger.Account]int64{
		ledger.AgencyKept(b.agency.ID, testBIC): 2 * licenceCharged, ledger.BankCharged(testBIC): 3 * licenceCharged, ledger.AgencyCommission(b.agency.ID, testBIC): 0,
	})
}

// A commission that was kept back and is given back later with its payment: the bank owes it to the agency, and the books say so.
func TestKeptBackAndGivenBackLater(t *testing.T) {
	b, orders, refs := nets(t, 1)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt())
	b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(orders[0]))))
	b.settle()
	b.stands(map[ledger.Account]int64{
		ledger.AgencyCommission(b.agency.ID, testBIC): -licenceCharged, ledger.BankCharged(testBIC): licenceCharged, ledger.BankCommission(testBIC): 0,
		ledger.AgencyKept(b.agency.ID, testBIC): licenceCharged,
	})
}

// What was changed behind the ledger's back is found.
func TestVerifyFindsKeptBack(t *testing.T) {
	b, _, refs := nets(t, 1)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt())
	b.check()
	for name, change := range map[string][2]string{
		"amount":  {`UPDATE recon_kept SET amount = amount - 1`, `UPDATE recon_kept SET amount = amount + 1`},
		"agency":  {`UPDATE recon_kept SET agency = 'agc_x'`, `UPDATE recon_kept SET agency = (SELECT charged_to FROM expectations)`},
		"turn":    {`UPDATE recon_kept SET turn = 1`, `UPDATE recon_kept SET turn = 0`},
		"match":   {`UPDATE recon_matches SET paid = paid + 1`, `UPDATE recon_matches SET paid = paid - 1`},
		"undone":  {`UPDATE recon_matches SET undone_at = now()`, `UPDATE recon_matches SET undone_at = NULL`},
		"payment": {`UPDATE expectations SET charged = charged + 1`, `UPDATE expectations SET charged = charged - 1`},
		"order":   {`UPDATE order_items SET agency_commission = agency_commission - 1`, `UPDATE order_items SET agency_commission = agency_commission + 1`},
	} {
		_, err := b.db.ExecContext(t.Context(), change[0])
		b.must(err)
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		if len(report.Problems) == 0 {
			t.Errorf("%s not found", name)
		}
		_, err = b.db.ExecContext(t.Context(), change[1])
		b.must(err)
	}
	b.check()
}

// Whatever a bank credits, whole, less the commission, twice, or something else, while agencies pay bills and matches are undone: nothing is kept
// back twice, nor more than is owed, and the books close. Two runs of the matching, while reading and in the database, are alike.
func TestKeptBackProperty(t *testing.T) {
	b, _, refs := nets(t, 5)
	number, booked, made, undone := 0, int64(0), int64(0), 0
	const statementsMax = 25
	rapid.Check(t, func(r *rapid.T) {
		if number++; number > statementsMax {
			return
		}
		b.probeMax = rapid.SampledFrom([]int{0, probeMax}).Draw(r, "probe")
		s := sheet{number: number, day: b.today(), opening: rapid.Int64Range(-5, 5).Draw(r, "opening")}
		for range rapid.IntRange(0, 4).Draw(r, "lines") {
			s.lines = append(s.lines, line{
				tiyn: rapid.SampledFrom([]int64{licenceNet, licenceNet, licenceTiyn, licenceNet - 1, licenceCharged, -licenceNet, 2 * licenceNet}).Draw(r, "tiyn"),
				ref:  rapid.SampledFrom(append([]string{"X"}, refs...)).Draw(r, "ref"), payer: rapid.SampledFrom([]string{"", citizenIIN}).Draw(r, "payer"),
			})
		}
		st := b.reconcile(s.camt()).Statements[0]
		if rapid.Bool().Draw(r, "bill") {
			p, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.paidToBank(rapid.SampledFrom([]int64{1, licenceCharged}).Draw(r, "paid"), fmt.Sprint(number)))
			if err == nil {
				_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), p.ID, true)
			}
			if err == nil {
				booked += p.Tiyn
			}
		}
		if rapid.Bool().Draw(r, "good") {
			good := b.madeGood(rapid.SampledFrom([]int64{1, licenceCharged, 2 * licenceCharged}).Draw(r, "made"), fmt.Sprint("good ", number))
			if p, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), good); err == nil {
				_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), p.ID, true)
				b.must(err)
				made += good.Tiyn
			}
		}
		if rapid.Bool().Draw(r, "undo") {
			if _, _, err := b.UndoMatch(t.Context(), b.by("aru"), st.ID, MatchUndoing{No: 1, Comment: "so"}); err == nil {
				undone++
			}
		}
		var kept, twice int64
		b.must(b.db.Get(&kept, `SELECT coalesce(sum(m.owed - m.paid), 0)::bigint FROM recon_matches m WHERE undone_at IS NULL`))
		b.must(b.db.Get(&twice, `SELECT count(*) FROM (SELECT expectation FROM recon_matches WHERE undone_at IS NULL AND whole GROUP BY 1 HAVING count(*) > 1) AS t`))
		if kept%licenceCharged != 0 || twice != 0 || kept+booked > 5*licenceCharged {
			r.Fatalf("%d kept back, %d booked, %d twice", kept, booked, twice)
		}
	})
	b.settle()
	b.stands(map[ledger.Account]int64{ledger.AgencyMadeGood(b.agency.ID, testBIC): made})
	var drawn int
	b.must(b.db.Get(&drawn, `SELECT count(*) FROM recon_kept`))
	if drawn == 0 {
		t.Error("nothing was kept back")
	}
}

// Sums of several buckets beside the journal and the leaves behind them say what transfers say.
func TestOwedCommissionsFromSums(t *testing.T) {
	b := setup(t)
	spec := onePercent()
	spec.Bearer, spec.GivenBack = commission.Agency, commission.Never
	b.inForce(spec)
	b.executed(citizenIIN)
	b.executed(neighborIIN)
	account := ledger.AgencyCommission(b.agency.ID, testBIC)
	for range 2 {
		got, err := postedNow(t.Context(), b.db, account)
		b.must(err)
		if want := b.balance(string(account)); got != want || want != 2*licenceCharged {
			t.Errorf("%d from sums, %d from transfers", got, want)
		}
		var padding []postingRequest // fills pages of one bucket
		for i := range 2 * pageLeaves {
			padding = append(padding, b.settlement(fmt.Sprint("stm_", i), 1))
		}
		_, err = b.postNow(padding...)
		if err != nil { // posted in the round before
			break
		}
		b.clock.advance(time.Minute)
		_, err = b.workBalances(t.Context())
		b.must(err)
	}
}

// Of a ladder that begins with commissions kept back, a payment of long ago is matched beside one of today, each of an agency of its own.
func TestKeptBackOfLongAgo(t *testing.T) {
	b := setup(t)
	b.account()
	b.agencyBears()
	court, claim := b.court()
	ladder := recon.DefaultLadder()
	i := slices.IndexFunc(ladder, func(r recon.Rule) bool { return r.Name == "kept-back" })
	kept := ladder[i]
	ladder = append(recon.Ladder{kept}, slices.Delete(ladder, i, i+1)...)
	b.must(b.SetReconTerms(t.Context(), "operator:test", ReconTerms{Bank: testBIC, CutOffMinute: 24 * 60, TermDays: 3, Rules: ladder}))
	d := b.owes(court.ID, claim, "C-2", licenceTiyn)
	old := b.ordered(citizenIIN, d)
	_, _, err := b.Authorise(t.Context(), b.idem("sign"), old.ID, b.signed(old, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	old, err = b.Order(t.Context(), old.ID)
	b.must(err)
	b.clock.advance(60 * 24 * time.Hour)
	fresh := b.executed(neighborIIN)
	s := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{
		{tiyn: licenceNet, ref: string(recon.Reference([]byte(fresh.Attempt)))}, {tiyn: licenceNet, ref: string(recon.Reference([]byte(old.Attempt)))},
	}}.camt()).Statements[0]
	if s.Matched != 2 {
		t.Errorf("%+v", s)
	}
	b.stands(map[ledger.Account]int64{ledger.AgencyKept(b.agency.ID, testBIC): licenceCharged, ledger.AgencyKept(court.ID, testBIC): licenceCharged})
}
