package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// resolutionPlan is a resolution as it is proposed and stored.
type resolutionPlan struct {
	Way          recon.Way `json:"way"`
	Expectations []string  `json:"expectations,omitempty"`
	ParkRest     bool      `json:"park_rest,omitempty"`
}

// resolve proposes a resolution to a second person: each of them moves money, or says that money may stay where it is.
func (x *acting) resolve(ctx context.Context, a ExceptionAction) error {
	plan := resolutionPlan{Way: a.Way, Expectations: a.Expectations, ParkRest: a.ParkRest}
	// What cannot be executed is not proposed: the second person should not be the one to find out.
	if plan.Way == recon.Prove {
		if _, err := x.shown(ctx); err != nil {
			return err
		}
	}
	if _, err := x.legs(ctx, plan); err != nil {
		return err
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return fmt.Errorf("couldn't write the proposal: %w", err)
	}
	x.row.Proposal, x.row.ProposedBy = string(text), x.actor
	if x.row.Owner == "" {
		x.row.Owner = x.actor
	}
	return x.step(recon.Propose)
}

// approve executes what another person proposed, under whatever name he did.
// The attack: one person with two roles proposes under one name and approves under the other in the same instant.
func (x *acting) approve(ctx context.Context, also []string) error {
	if x.row.State != recon.Proposed {
		return ErrExceptionState.with("nothing is proposed")
	}
	if anySame(x.row.ProposedBy, append(also, x.actor)...) {
		return ErrFourEyes
	}
	var plan resolutionPlan
	if err := json.Unmarshal([]byte(x.row.Proposal), &plan); err != nil {
		return fmt.Errorf("couldn't read the proposal: %w", err)
	}
	if err := x.step(recon.Resolve); err != nil {
		return err
	}
	if plan.Way == recon.Prove {
		var err error
		if plan.Expectations, err = x.prove(ctx); err != nil {
			return err
		}
	}
	return x.execute(ctx, plan)
}

// linking is an expectation with what a line settles of it.
type linking struct {
	expectedRow
	owed  int64
	kept  int64 // of it, by the bank
	whole bool
}

// resolutionLegs is what a resolution does.
type resolutionLegs struct {
	legs  []recon.Leg
	links []linking
}

// legs plans a resolution.
func (x *acting) legs(ctx context.Context, plan resolutionPlan) (resolutionLegs, error) {
	var out resolutionLegs
	it := recon.Item{Kind: x.row.Kind, Bank: x.row.Bank, Account: x.row.Account, Tiyn: x.row.Tiyn}
	if it.Kind == recon.ForeignCurrency {
		if plan.Way != recon.Accept {
			return out, misfit(recon.WhyForeign, "")
		}
		return out, nil
	}
	var err error
	if x.row.Missing != 0 {
		found, err := expectationsOf(ctx, x.tx, x.row.Bucket, x.row.Bank, x.row.Missing)
		if err != nil {
			return out, err
		}
		if len(found) != 1 || found[0].Tiyn == found[0].Settled {
			return out, misfit(recon.WhySettled, expectationID(x.row.Bucket, x.row.Missing))
		}
		// Lines may have paid a part of it since it was listed: the rest is missing.
		open := found[0].Tiyn - found[0].Settled
		out.links = []linking{{expectedRow: found[0], owed: open, whole: found[0].Settled == 0}}
		it.Tiyn, it.Forward = open, found[0].Kind == expectForward
	}
	if len(plan.Expectations) > 0 {
		if out.links, err = x.links(ctx, plan, &it); err != nil {
			return out, err
		}
	} else if plan.Way == recon.Prove {
		it.Linked = it.Tiyn // the expectations are made by the approval
	}
	rest := int64(0)
	if plan.ParkRest {
		rest = it.Tiyn - it.Linked
		if rest == 0 || (rest < 0) != (it.Tiyn < 0) {
			return out, misfit(recon.WhyNoRest, "")
		}
		it.Tiyn = it.Linked
	}
	if out.legs, err = recon.Legs(plan.Way, it); err != nil {
		return out, misfitOf(err)
	}
	if rest != 0 {
		it.Tiyn = rest
		parked, err := recon.Legs(recon.Park, it)
		if err != nil {
			return out, misfitOf(err)
		}
		out.legs = append(out.legs, parked...)
	}
	return out, nil
}

// links reads the expectations of a plan and says how much of each the line settles. A line that carries less than the only
// one settles a part of it.
func (x *acting) links(ctx context.Context, plan resolutionPlan, it *recon.Item) ([]linking, error) {
	if it.Kind == recon.Missing || it.Kind == recon.Gap {
		return nil, misfit(recon.WhyLinkFromLine, "")
	}
	nos := make([]int64, len(plan.Expectations))
	for i, id := range plan.Expectations {
		bucket, no, ok := parseExpectationID(id)
		if !ok || bucket != x.row.Bucket || slices.Contains(nos[:i], no) {
			return nil, misfit(recon.WhyExpectation, clip(id)).at("expectations")
		}
		nos[i] = no
	}
	rows, err := expectationsOf(ctx, x.tx, x.row.Bucket, x.row.Bank, nos...)
	if err != nil {
		return nil, err
	}
	if len(rows) != len(nos) {
		return nil, misfit(recon.WhyOtherBank, "").at("expectations")
	}
	out := make([]linking, len(rows))
	for i, r := range rows {
		open := r.Tiyn - r.Settled
		if open == 0 || (open < 0) != (it.Tiyn < 0) {
			return nil, misfit(recon.WhySettled, expectationID(r.Bucket, r.No)).at("expectations")
		}
		forward := r.Kind == expectForward
		if i > 0 && forward != it.Forward {
			return nil, misfit(recon.WhyMixed, "").at("expectations")
		}
		it.Forward = forward
		out[i] = linking{expectedRow: r, owed: open, whole: r.Settled == 0}
	}
	if plan.Way == recon.Link && len(out) == 1 && abs(it.Tiyn) < abs(out[0].owed) {
		out[0].owed, out[0].whole = it.Tiyn, false
	}
	for _, l := range out {
		it.Linked += l.owed
	}
	if plan.Way == recon.KeptBack {
		return out, x.keptOf(ctx, out, it)
	}
	return out, nil
}

func abs(n int64) int64 { return max(n, -n) }

// execute does what a resolution says: transfers, matches, and what is expected from then on.
func (x *acting) execute(ctx context.Context, plan resolutionPlan) error {
	r, err := x.legs(ctx, plan)
	if err != nil {
		return err
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return fmt.Errorf("couldn't write the resolution: %w", err)
	}
	x.row.Resolution, x.row.Proposal = string(text), ""
	if err := x.match(ctx, plan, r.links); err != nil {
		return err
	}
	if err := x.expectAnew(ctx, plan.Way); err != nil {
		return err
	}
	request, any := posting(x.row.Bucket, postingKindOf(plan.Way, x.row.Tiyn), x.row.String()+"#"+fmt.Sprint(x.row.Version), "resolved: "+string(plan.Way), r.legs)
	if !any {
		return nil
	}
	ids, err := x.postAll(ctx, x.tx, []postingRequest{request})
	if err != nil {
		return err
	}
	x.row.Posting = ids[0]
	return nil
}

func postingKindOf(w recon.Way, tiyn int64) ledger.PostingKind {
	switch w {
	case recon.Link, recon.KeptBack, recon.Force, recon.Forward, recon.Prove:
		return ledger.Settlement
	case recon.Park:
		if tiyn < 0 {
			return ledger.Shortage
		}
		return ledger.Surplus
	case recon.GiveBack:
		return ledger.Refund
	case recon.WriteOff:
		return ledger.WriteOff
	case recon.Owe, recon.Accept:
	}
	return ledger.Correction
}

// match ties the line to the linked expectations, and closes a missing payment that is written off. A person's match names
// no rule, and no rule takes its line or its expectation again.
func (x *acting) match(ctx context.Context, plan resolutionPlan, links []linking) error {
	if x.row.Missing != 0 {
		return x.insertMatch(ctx, x.row.Missing, 0, links[0].owed, links[0].whole)
	}
	rest := x.row.Tiyn
	for i, l := range links {
		paid := l.owed - l.kept
		if i == len(links)-1 && plan.Way == recon.Force {
			paid = rest
		}
		rest -= paid
		if err := x.insertMatch(ctx, l.No, paid, l.owed, l.whole); err != nil {
			return err
		}
		if err := x.insertKept(ctx, l); err != nil {
			return err
		}
	}
	if len(links) == 0 {
		return nil
	}
	nos := make([]int64, len(links))
	for i, l := range links {
		nos[i] = l.No
	}
	return exec(ctx, x.tx, -1, `
		UPDATE recon_exceptions e SET state = 'void', resolution = 'paid since', proposal = '', proposed_by = '', changed_at = $3, version = version + 1
		WHERE e.bucket = $1 AND e.statement = 0 AND e.missing = ANY($2) AND e.state NOT IN `+settledStates+` AND (
			SELECT sum(m.owed) FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = e.missing AND m.undone_at IS NULL) = e.amount`,
		x.row.Bucket, int64Array(nos), x.now)
}

func (x *acting) insertMatch(ctx context.Context, expectation, paid, owed int64, whole bool) error {
	_, err := x.tx.ExecContext(ctx, `
		INSERT INTO recon_matches (bucket, statement, no, part, expectation, paid, owed, turn, rule, ladder, whole)
		SELECT $1, $2, $3, $4, $5, $6, $7, count(*), 0, 0, $8
		FROM recon_matches WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND expectation = $5`,
		x.row.Bucket, x.row.Statement, x.row.No, x.row.Part, expectation, paid, owed, whole)
	if pq.As(err, pqerror.UniqueViolation) != nil {
		return misfit(recon.WhyMatched, expectationID(x.row.Bucket, expectation)).because(err)
	}
	if err != nil {
		return fmt.Errorf("couldn't store the match: %w", err)
	}
	return nil
}

// expectAnew makes the expectation that a resolution leaves behind: the bank has to pay a refund out, or to deliver what it
// took back.
func (x *acting) expectAnew(ctx context.Context, way recon.Way) error {
	if way != recon.GiveBack && way != recon.Owe {
		return nil
	}
	line, err := lineOf(ctx, x.tx, x.row.exceptionKey)
	if err != nil {
		return err
	}
	if line == nil {
		return misfit(recon.WhyNoLine, "")
	}
	days, err := calendar(ctx, x.tx)
	if err != nil {
		return err
	}
	terms, err := allTerms(ctx, x.tx)
	if err != nil {
		return err
	}
	number, id, err := newExpectation()
	if err != nil {
		return err
	}
	paid := days.PaymentDay(x.now, terms[x.row.Bank])
	e := expectedRow{
		Bucket: x.row.Bucket, No: number, Tiyn: -x.row.Tiyn, PaidOn: paid, DueOn: days.DueDay(paid, terms[x.row.Bank]), Bank: x.row.Bank,
		Kind: expectRefund, Source: x.row.String(), Reference: fmt.Sprintf("%02x%s", x.row.Bucket, strings.ReplaceAll(id.String(), "-", "")), Payer: line.Payer, KBK: line.KBK,
	}
	if way == recon.Owe {
		e.Kind = expectOwed
		if x.row.Related != nil {
			before, err := expectationsOf(ctx, x.tx, x.row.Bucket, x.row.Bank, *x.row.Related)
			if err != nil {
				return err
			}
			if len(before) == 1 {
				e.Reference, e.UIP, e.Payer, e.KBK = before[0].Reference, before[0].UIP, before[0].Payer, before[0].KBK
			}
		}
	}
	return insertExpectations(ctx, x.tx, []expectedRow{e}, x.now)
}
