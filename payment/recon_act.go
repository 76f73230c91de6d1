package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/flow"
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
	// Action is one of the actions. A resolution waits for the approval of another person.
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
	// Also are further names under which the same person acts: under none of them is he a second one.
	Also []string `json:"-"`
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
	case len(a.Expectations) > expectationsMax || (len(a.Expectations) > 0) != a.Way.Links():
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

// ActOnException does one step. Money moves only here, by new transfers in the same transaction, and only when a second person
// approves what the first has proposed. Errors: [ErrExceptionUnknown], [ErrExceptionState], [ErrExceptionChanged],
// [ErrResolutionMisfit], [ErrFourEyes], [ErrInvalid].
func (s *Service) ActOnException(ctx context.Context, idem Idem, id string, a ExceptionAction) (Exception, bool, error) {
	if err := a.check(); err != nil {
		return Exception{}, false, err
	}
	return s.step(ctx, stepRequest{idem: idem, id: id, action: a}, func(ctx context.Context, x *acting) error { return x.act(ctx, a) })
}

// stepRequest is one step with an exception as it was asked for.
type stepRequest struct {
	idem   Idem
	id     string
	of     string // the bank that answers a question; empty for the operator's people
	action ExceptionAction
}

// step locks an exception as its caller saw it, lets do change it, and stores it with a note.
func (s *Service) step(ctx context.Context, r stepRequest, do func(context.Context, *acting) error) (Exception, bool, error) {
	k, ok := parseExceptionID(r.id)
	if !ok {
		return Exception{}, false, ErrExceptionUnknown
	}
	table, err := recon.Transitions()
	if err != nil {
		return Exception{}, false, err
	}
	out, repeated, err := idempotent(ctx, &s.store, r.idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Exception, error) {
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
		if r.of != "" && (row.Bank != r.of || row.State != recon.Asked) {
			return Exception{}, ErrExceptionUnknown // a bank learns nothing of what it was not asked about
		}
		if row.Version != r.action.Version {
			return Exception{}, ErrExceptionChanged.with(fmt.Sprintf("it is at version %d", row.Version))
		}
		x := &acting{Service: s, tx: tx, row: &row, table: table, actor: r.idem.Caller, now: s.now()}
		if err := do(ctx, x); err != nil {
			return Exception{}, err
		}
		if err := x.save(ctx, r.action); err != nil {
			return Exception{}, err
		}
		if row.Account != "" {
			if _, _, err := checkAccount(ctx, tx, k.Bucket, row.Bank, row.Account); err != nil {
				return Exception{}, err
			}
		}
		done := row.exception(x.now)
		return done, s.audit(ctx, tx, entry{r.idem.Caller, "exception." + r.action.Action, r.id, done})
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
		if x.row.Owner == "" {
			x.row.Owner = x.actor // to whom the answer comes back
		}
		return x.step(recon.Ask)
	case ActResolve:
		return x.resolve(ctx, a)
	case ActApprove:
		return x.approve(ctx, a.Also)
	case ActReject:
		x.row.Proposal, x.row.ProposedBy = "", ""
		return x.step(recon.Reject)
	}
	return nil // a comment changes nothing but the version
}
