package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
)

// Proposal is a change of a service that one person of an agency asks for and another one agrees to. Programs publish by
// [Service.PublishService]: their keys are the agency's own affair.
type Proposal struct {
	ID     string
	Agency string
	Code   string
	// Base is the version that is changed; 0 for a new service.
	Base int
	Spec catalog.ServiceSpec
	// State is open, published or rejected.
	State              string
	AskedBy, AskedName string
	AskedAt            time.Time
	DecidedBy          string
	DecidedName        string
	DecidedAt          *time.Time
}

const prefixProposal = "prp_"

type proposalRow struct {
	ID          string     `db:"id"`
	Agency      string     `db:"agency_id"`
	Code        string     `db:"code"`
	Base        int        `db:"base_version"`
	Spec        string     `db:"spec"`
	State       string     `db:"state"`
	AskedBy     string     `db:"asked_by"`
	AskedName   string     `db:"asked_name"`
	AskedAt     time.Time  `db:"asked_at"`
	DecidedBy   string     `db:"decided_by"`
	DecidedName string     `db:"decided_name"`
	DecidedAt   *time.Time `db:"decided_at"`
}

const proposalColumns = `id, agency_id, code, base_version, spec, state, asked_by, asked_name, asked_at,
	coalesce(decided_by, '') AS decided_by, coalesce(decided_name, '') AS decided_name, decided_at`

func (r proposalRow) proposal() (Proposal, error) {
	p := Proposal{
		ID: r.ID, Agency: r.Agency, Code: r.Code, Base: r.Base, State: r.State, AskedBy: r.AskedBy, AskedName: r.AskedName, AskedAt: r.AskedAt.UTC(),
		DecidedBy: r.DecidedBy, DecidedName: r.DecidedName, DecidedAt: r.DecidedAt,
	}
	if err := json.Unmarshal([]byte(r.Spec), &p.Spec); err != nil {
		return p, fmt.Errorf("couldn't read proposal %s: %w", r.ID, err)
	}
	return p, nil
}

// ProposeService asks for a change of a service, or for a new one, in the name of the person who is idem's caller. Errors: [ErrInvalid]
// naming the field, also for a change that changes nothing, [ErrAgencyUnknown], [ErrProposalOpen] while another one waits, and those of [Idem].
func (s *Service) ProposeService(ctx context.Context, idem Idem, agency string, spec catalog.ServiceSpec, name string) (Proposal, bool, error) {
	if err := spec.Check(); err != nil {
		return Proposal{}, false, invalidSpec(err)
	}
	spec = spec.Normal()
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Proposal, error) {
		var known string
		// The row of the agency orders those who ask at once.
		if err := orMissing(one(ctx, tx, &known, `SELECT id FROM agencies WHERE id = $1 FOR UPDATE`, agency), ErrAgencyUnknown); err != nil {
			return Proposal{}, err
		}
		current, err := loadServices(ctx, tx, `s.agency_id = $1 AND s.code = $2`, agency, spec.Code)
		if err != nil {
			return Proposal{}, err
		}
		base := 0
		if len(current) > 0 {
			if base = current[0].Version; reflect.DeepEqual(current[0].ServiceSpec, spec) {
				return Proposal{}, ErrInvalid.with("nothing is changed")
			}
		}
		var open int
		if err := one(ctx, tx, &open, `SELECT count(*) FROM service_proposals WHERE agency_id = $1 AND code = $2 AND state = 'open'`, agency, spec.Code); err != nil {
			return Proposal{}, err
		}
		if open > 0 {
			return Proposal{}, ErrProposalOpen
		}
		return s.insertProposal(ctx, tx, proposalRow{Agency: agency, Code: spec.Code, Base: base, AskedBy: idem.Caller, AskedName: name}, spec)
	})
}

func (s *Service) insertProposal(ctx context.Context, tx *sqlx.Tx, row proposalRow, spec catalog.ServiceSpec) (Proposal, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return Proposal{}, fmt.Errorf("couldn't write a proposal: %w", err)
	}
	if row.ID, err = newID(prefixProposal, -1); err != nil {
		return Proposal{}, err
	}
	row.Spec, row.State, row.AskedAt = string(raw), "open", s.now()
	if err := exec(ctx, tx, 1, `INSERT INTO service_proposals (id, agency_id, code, base_version, spec, state, asked_by, asked_name, asked_at)
		VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8)`, row.ID, row.Agency, row.Code, row.Base, row.Spec, row.AskedBy, row.AskedName, row.AskedAt); err != nil {
		return Proposal{}, err
	}
	out, err := row.proposal()
	if err != nil {
		return out, err
	}
	return out, s.audit(ctx, tx, entry{row.AskedBy, "service.proposed", row.ID, spec})
}

// ProposalDecision is what a person says to a proposal.
type ProposalDecision struct {
	Publish bool
	// Name of the person, as it stands beside the decision.
	Name string
}

// DecideProposal publishes what was asked for, or rejects it; both in the name of the person who is idem's caller, who for a publication
// is not the one who asked. Whoever asked may take it back by rejecting it. Errors: [ErrProposalUnknown], [ErrProposalOver] when it was
// decided before or the service has changed since, [ErrFourEyes], and those of [Idem].
func (s *Service) DecideProposal(ctx context.Context, idem Idem, agency, id string, say ProposalDecision) (Proposal, bool, error) {
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Proposal, error) {
		var row proposalRow
		if err := orMissing(one(ctx, tx, &row, `SELECT `+proposalColumns+` FROM service_proposals WHERE id = $1 AND agency_id = $2 FOR UPDATE`, id, agency), ErrProposalUnknown); err != nil {
			return Proposal{}, err
		}
		if row.State != "open" {
			return Proposal{}, ErrProposalOver
		}
		if say.Publish && row.AskedBy == idem.Caller {
			return Proposal{}, ErrFourEyes
		}
		out, err := row.proposal()
		if err != nil {
			return out, err
		}
		out.State = "rejected"
		if say.Publish {
			out.State = "published"
			if err := s.publishProposal(ctx, tx, out); err != nil {
				return out, err
			}
		}
		at := s.now()
		out.DecidedBy, out.DecidedName, out.DecidedAt = idem.Caller, say.Name, &at
		if err := exec(ctx, tx, 1, `UPDATE service_proposals SET state = $2, decided_by = $3, decided_name = $4, decided_at = $5 WHERE id = $1 AND state = 'open'`,
			id, out.State, idem.Caller, say.Name, at); err != nil {
			return out, err
		}
		return out, s.audit(ctx, tx, entry{idem.Caller, "service.proposal_" + out.State, id, map[string]string{"code": out.Code}})
	})
}

// publishProposal makes the version. The attack: what one person agreed to was asked for over another version than that which holds now.
func (s *Service) publishProposal(ctx context.Context, tx *sqlx.Tx, p Proposal) error {
	next, changed, err := s.nextVersion(ctx, tx, p.Agency, p.Spec)
	if err != nil {
		return err
	}
	if !changed || next.Version != p.Base+1 {
		return ErrProposalOver
	}
	return insertVersion(ctx, tx, next)
}

// proposalsShown bounds the versions of a service that are told with their proposals.
const proposalsShown = 50

// ProposalQuery asks for the changes of an agency's services.
type ProposalQuery struct {
	Agency string
	// After is the id after which to continue.
	After string
	// Limit is 1 to 100; 0 means 20.
	Limit int
}

// ProposalPage is one page of changes.
type ProposalPage struct {
	Items   []Proposal
	HasMore bool
}

// Proposals lists the changes that were asked for at an agency, the open ones first, then the newest. One that is decided between two pages
// moves to the decided ones. Errors: [ErrInvalid] for a limit, and for an id that the agency does not have.
func (s *Service) Proposals(ctx context.Context, q ProposalQuery) (ProposalPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return ProposalPage{}, err
	}
	var known bool
	if q.After != "" {
		if err := one(ctx, s.db, &known, `SELECT EXISTS (SELECT 1 FROM service_proposals WHERE id = $1 AND agency_id = $2)`, q.After, q.Agency); err != nil {
			return ProposalPage{}, err
		}
		if !known {
			return ProposalPage{}, ErrInvalid.with("no change has this id").at("starting_after")
		}
	}
	var rows []proposalRow
	err = all(ctx, s.db, &rows, `SELECT `+proposalColumns+` FROM service_proposals WHERE agency_id = $1
		AND ($2 = '' OR (state = 'open', asked_at, id) < (SELECT x.state = 'open', x.asked_at, x.id FROM service_proposals x WHERE x.id = $2))
		ORDER BY state = 'open' DESC, asked_at DESC, id DESC LIMIT $3`, q.Agency, q.After, limit+1)
	if err != nil {
		return ProposalPage{}, err
	}
	page := ProposalPage{Items: []Proposal{}, HasMore: len(rows) > limit}
	for _, r := range rows[:min(len(rows), limit)] {
		p, err := r.proposal()
		if err != nil {
			return ProposalPage{}, err
		}
		page.Items = append(page.Items, p)
	}
	return page, nil
}

// ServiceHistory lists the versions of an agency's service, the newest first, at most 50. Errors: [ErrServiceUnknown].
func (s *Service) ServiceHistory(ctx context.Context, agency, code string) ([]catalog.Service, error) {
	var rows []serviceRow
	err := all(ctx, s.db, &rows, `SELECT `+serviceColumns+` FROM services s JOIN service_versions v ON v.service_id = s.id
		WHERE s.agency_id = $1 AND s.code = $2 ORDER BY v.version DESC LIMIT $3`, agency, code, proposalsShown)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrServiceUnknown
	}
	return withTariffs(ctx, s.db, rows)
}
