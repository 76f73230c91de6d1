package payment

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/flow"
	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// Actions on an exception.
const (
	ActAssign  = "assign"
	ActRelease = "release"
	ActAsk     = "ask"
	ActComment = "comment"
	ActResolve = "resolve"
	ActApprove = "approve"
	ActReject  = "reject"
)

// ExceptionAction is one step of a person with an exception.
type ExceptionAction struct {
	// Version is that of the exception as the person saw it.
	Version int `json:"version"`
	// Action is one of the actions. A resolution that needs four eyes waits for the approval of another person.
	Action string `json:"action"`
	// Owner is to whom it is assigned; empty means the person.
	Owner string `json:"owner,omitempty"`
	// Way and Expectations say how it is resolved, and with which expectations.
	Way          recon.Way `json:"way,omitempty"`
	Expectations []string  `json:"expectations,omitempty"`
	// ParkRest moves what the linked expectations leave of the line to suspense.
	ParkRest bool `json:"park_rest,omitempty"`
	// AnswerBy is until when the bank has to answer, YYYY-MM-DD; for ask.
	AnswerBy string `json:"answer_by,omitempty"`
	Comment  string `json:"comment,omitempty"`
	// FileName and File are kept with the comment; at most 1 MiB, base64 in JSON.
	FileName string `json:"file_name,omitempty"`
	File     []byte `json:"file,omitempty"`
}

// Limits of an action.
const (
	commentMax      = 4000
	noteFileMax     = 1 << 20
	expectationsMax = 100
)

func (a ExceptionAction) check() error {
	known := []string{ActAssign, ActRelease, ActAsk, ActComment, ActResolve, ActApprove, ActReject}
	switch {
	case !slices.Contains(known, a.Action):
		return ErrInvalid.with("no such action").at("action")
	case len(a.Comment) > commentMax || len(a.File) > noteFileMax || (len(a.File) == 0) != (a.FileName == "") || len(a.FileName) > fileNameMax:
		return ErrInvalid.with("a comment of at most 4,000 bytes; a file has a name and at most 1 MiB").at("comment")
	case (a.Action == ActComment || a.Action == ActAsk || a.Action == ActReject) && a.Comment == "":
		return ErrInvalid.with("say what it is about").at("comment")
	case (a.Action == ActResolve) != (a.Way != "") || (a.Way != "" && !slices.Contains(recon.Ways(), a.Way)):
		return ErrInvalid.with("a resolution, and nothing else, names its way").at("way")
	case len(a.Expectations) > expectationsMax || (len(a.Expectations) > 0) != (a.Way == recon.Link || a.Way == recon.Force):
		return ErrInvalid.with("1 to 100 expectations to link, and none otherwise").at("expectations")
	case a.ParkRest && a.Way != recon.Link:
		return ErrInvalid.with("a rest is parked when a line is linked").at("park_rest")
	}
	if a.Action == ActAsk {
		if _, err := time.Parse(time.DateOnly, a.AnswerBy); err != nil {
			return ErrInvalid.with("YYYY-MM-DD").at("answer_by")
		}
	}
	return nil
}

// resolutionPlan is a resolution as it is proposed and stored.
type resolutionPlan struct {
	Way          recon.Way `json:"way"`
	Expectations []string  `json:"expectations,omitempty"`
	ParkRest     bool      `json:"park_rest,omitempty"`
}

// ActOnException does one step. Money moves only here, by new transfers in the same transaction; a second person approves
// what [recon.Way.FourEyes] names. Errors: [ErrExceptionUnknown], [ErrExceptionState], [ErrExceptionChanged],
// [ErrResolutionMisfit], [ErrFourEyes], [ErrInvalid].
func (s *Service) ActOnException(ctx context.Context, idem Idem, id string, a ExceptionAction) (Exception, bool, error) {
	if err := a.check(); err != nil {
		return Exception{}, false, err
	}
	k, ok := parseExceptionID(id)
	if !ok {
		return Exception{}, false, ErrExceptionUnknown
	}
	table, err := recon.Transitions()
	if err != nil {
		return Exception{}, false, err
	}
	out, repeated, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Exception, error) {
		seen, err := findException(ctx, tx, k, "")
		if err != nil {
			return Exception{}, err
		}
		// The bank's row first, as statements do: whoever matches waits for us, and we for them.
		if _, err := lockHead(ctx, tx, k.Bucket, seen.Bank); err != nil {
			return Exception{}, err
		}
		row, err := findException(ctx, tx, k, "FOR UPDATE")
		if err != nil {
			return Exception{}, err
		}
		if row.Version != a.Version {
			return Exception{}, ErrExceptionChanged.with(fmt.Sprintf("it is at version %d", row.Version))
		}
		x := &acting{Service: s, tx: tx, row: &row, table: table, actor: idem.Caller, now: s.now()}
		if err := x.act(ctx, a); err != nil {
			return Exception{}, err
		}
		if err := x.save(ctx, a); err != nil {
			return Exception{}, err
		}
		if row.Account != "" {
			if _, _, err := checkAccount(ctx, tx, k.Bucket, row.Bank, row.Account); err != nil {
				return Exception{}, err
			}
		}
		done := row.exception(x.now)
		return done, s.audit(ctx, tx, entry{idem.Caller, "exception." + a.Action, id, done})
	})
	if err == nil && !repeated {
		s.kick(s.wakeCheckpoint)
	}
	return out, repeated, err
}

// acting is one step with one exception.
type acting struct {
	*Service
	tx    *sqlx.Tx
	row   *exceptionRow
	table flow.Table[recon.State]
	actor string
	now   time.Time
}

func (x *acting) step(event flow.Event) error {
	next, err := x.table.Next(x.row.State, event)
	if err != nil {
		return ErrExceptionState.with("it is " + string(x.row.State)).because(err)
	}
	x.row.State = next
	return nil
}

func (x *acting) act(ctx context.Context, a ExceptionAction) error {
	switch a.Action {
	case ActAssign:
		x.row.Owner = a.Owner
		if x.row.Owner == "" {
			x.row.Owner = x.actor
		}
		return x.step(recon.Assign)
	case ActRelease:
		x.row.Owner = ""
		return x.step(recon.Release)
	case ActAsk:
		day, err := time.Parse(time.DateOnly, a.AnswerBy)
		if err != nil {
			return ErrInvalid.at("answer_by")
		}
		x.row.AnswerBy = &day
		return x.step(recon.Ask)
	case ActResolve:
		return x.resolve(ctx, a)
	case ActApprove:
		return x.approve(ctx)
	case ActReject:
		x.row.Proposal, x.row.ProposedBy = "", ""
		return x.step(recon.Reject)
	}
	return nil // a comment changes nothing but the version
}

// resolve executes a resolution, or proposes it to a second person.
func (x *acting) resolve(ctx context.Context, a ExceptionAction) error {
	plan := resolutionPlan{Way: a.Way, Expectations: a.Expectations, ParkRest: a.ParkRest}
	if !a.Way.FourEyes() {
		if err := x.step(recon.Resolve); err != nil {
			return err
		}
		return x.execute(ctx, plan)
	}
	// What cannot be executed is not proposed: the second person should not be the one to find out.
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

// approve executes what another person proposed.
func (x *acting) approve(ctx context.Context) error {
	if x.row.State != recon.Proposed {
		return ErrExceptionState.with("nothing is proposed")
	}
	if x.row.ProposedBy == x.actor {
		return ErrFourEyes
	}
	var plan resolutionPlan
	if err := json.Unmarshal([]byte(x.row.Proposal), &plan); err != nil {
		return fmt.Errorf("couldn't read the proposal: %w", err)
	}
	if err := x.step(recon.Resolve); err != nil {
		return err
	}
	return x.execute(ctx, plan)
}

// linking is an expectation with what a line settles of it.
type linking struct {
	expectedRow
	owed  int64
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
			return out, ErrResolutionMisfit.with("a line in another currency moves no tenge: accept it, and settle the payment by itself")
		}
		return out, nil
	}
	var err error
	if len(plan.Expectations) > 0 {
		if out.links, err = x.links(ctx, plan, &it); err != nil {
			return out, err
		}
	}
	rest := int64(0)
	if plan.ParkRest {
		rest = it.Tiyn - it.Linked
		if rest == 0 || (rest < 0) != (it.Tiyn < 0) {
			return out, ErrResolutionMisfit.with("there is no rest to park")
		}
		it.Tiyn = it.Linked
	}
	if out.legs, err = recon.Legs(plan.Way, it); err != nil {
		return out, ErrResolutionMisfit.with(err.Error()).because(err)
	}
	if rest != 0 {
		it.Tiyn = rest
		parked, err := recon.Legs(recon.Park, it)
		if err != nil {
			return out, ErrResolutionMisfit.with(err.Error()).because(err)
		}
		out.legs = append(out.legs, parked...)
	}
	return out, nil
}

// links reads the expectations of a plan and says how much of each the line settles. A line that carries less than the only
// one settles a part of it.
func (x *acting) links(ctx context.Context, plan resolutionPlan, it *recon.Item) ([]linking, error) {
	if it.Kind == recon.Missing || it.Kind == recon.Gap {
		return nil, ErrResolutionMisfit.with("link from the exception about the line")
	}
	nos := make([]int64, len(plan.Expectations))
	for i, id := range plan.Expectations {
		bucket, no, ok := parseExpectationID(id)
		if !ok || bucket != x.row.Bucket || slices.Contains(nos[:i], no) {
			return nil, ErrResolutionMisfit.with("unknown or repeated: " + clip(id)).at("expectations")
		}
		nos[i] = no
	}
	rows, err := expectationsOf(ctx, x.tx, x.row.Bucket, x.row.Bank, nos...)
	if err != nil {
		return nil, err
	}
	if len(rows) != len(nos) {
		return nil, ErrResolutionMisfit.with("an expectation is not of this bank").at("expectations")
	}
	out := make([]linking, len(rows))
	for i, r := range rows {
		open := r.Tiyn - r.Settled
		if open == 0 || (open < 0) != (it.Tiyn < 0) {
			return nil, ErrResolutionMisfit.with("already settled, or money that goes the other way: " + expectationID(r.Bucket, r.No)).at("expectations")
		}
		out[i] = linking{expectedRow: r, owed: open, whole: r.Settled == 0}
	}
	if plan.Way == recon.Link && len(out) == 1 && abs(it.Tiyn) < abs(out[0].owed) {
		out[0].owed, out[0].whole = it.Tiyn, false
	}
	for _, l := range out {
		it.Linked += l.owed
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
	case recon.Link, recon.Force:
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
		return x.insertMatch(ctx, x.row.Missing, 0, x.row.Tiyn, true)
	}
	rest := x.row.Tiyn
	for i, l := range links {
		paid := l.owed
		if i == len(links)-1 && plan.Way == recon.Force {
			paid = rest
		}
		rest -= paid
		if err := x.insertMatch(ctx, l.No, paid, l.owed, l.whole); err != nil {
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
		WHERE e.bucket = $1 AND e.statement = 0 AND e.missing = ANY($2) AND e.state NOT IN ('resolved', 'void') AND (
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
		return ErrResolutionMisfit.with("the payment is matched already: " + expectationID(x.row.Bucket, expectation)).because(err)
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
		return ErrResolutionMisfit.with("there is no line")
	}
	days, err := calendar(ctx, x.tx)
	if err != nil {
		return err
	}
	terms, err := allTerms(ctx, x.tx)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("couldn't make a reference: %w", err)
	}
	paid := days.PaymentDay(x.now, terms[x.row.Bank])
	// Below zero, apart from the numbers of executed payments; 62 random bits, for several may be made at one instant.
	const randomBits = 1<<62 - 1
	number := -1 - int64(binary.BigEndian.Uint64(id[8:])&randomBits)
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

// save stores the exception and notes what happened.
func (x *acting) save(ctx context.Context, a ExceptionAction) error {
	r := x.row
	r.Version++
	if err := exec(ctx, x.tx, 1, `
		UPDATE recon_exceptions SET state = $6, owner = $7, version = $8, proposal = $9, proposed_by = $10, resolution = $11, posting_id = $12, answer_by = $13, changed_at = $14
		WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND missing = $5`,
		r.Bucket, r.Statement, r.No, r.Part, r.Missing, r.State, r.Owner, r.Version, r.Proposal, r.ProposedBy, r.Resolution, r.Posting, r.AnswerBy, x.now); err != nil {
		return err
	}
	clean := func(text string) string { return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "") }
	var file any
	if len(a.File) > 0 {
		file = a.File
	}
	return exec(ctx, x.tx, 1, `
		INSERT INTO recon_notes (bucket, statement, no, part, missing, version, event, actor, comment, file_name, file, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.Bucket, r.Statement, r.No, r.Part, r.Missing, r.Version, a.Action, x.actor, clean(a.Comment), clean(a.FileName), file, x.now)
}

// int64Array is a parameter for = ANY.
func int64Array(nos []int64) any { return pq.Array(nos) }

// errNoFile says that a note has no file.
var errNoFile = errors.New("the note has no file")

// ExceptionFile returns the file that was kept with a note. Errors: [ErrExceptionUnknown].
func (s *Service) ExceptionFile(ctx context.Context, id string, version int) (name string, file []byte, err error) {
	k, ok := parseExceptionID(id)
	if !ok {
		return "", nil, ErrExceptionUnknown
	}
	var row struct {
		Name string `db:"file_name"`
		File []byte `db:"file"`
	}
	err = one(ctx, s.db, &row, `SELECT file_name, file FROM recon_notes WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND missing = $5 AND version = $6 AND file IS NOT NULL`,
		k.Bucket, k.Statement, k.No, k.Part, k.Missing, version)
	return row.Name, row.File, orMissing(err, ErrExceptionUnknown.because(errNoFile))
}
