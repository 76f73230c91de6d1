package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// proposalsShown is how many changes one page lists: each tells all that money depends on.
const proposalsShown = 10

// serviceForm bounds the form of a service: four long names in the encoding of forms.
const serviceForm = 32 << 10

// agencyPages are the agency's cabinet beside its first page: services, debts, registers, many documents at once.
func (s *Server) agencyPages() []route {
	const base = "/console/agency/{subject}"
	l := s.cfg.Limits
	return []route{
		page(base+"/services", s.servicesPage, "lang", "done", "starting_after", "changes_after"),
		page(base+"/services/{code}", s.servicePage, "lang"),
		page(base+"/new-service", s.newServicePage, "lang"),
		formRoute(base+"/services", serviceForm, s.proposeService, typeFields),
		formRoute(base+"/proposals", free, s.decideProposal, typeFields),
		page(base+"/debts", s.debtsPage, "lang", "feed", "line", "starting_after"),
		formRoute(base+"/debts", debtsFileMax+free, s.uploadDebts, typeForm),
		page(base+"/verify", s.bulkPage, "lang"),
		formRoute(base+"/verify", l.DocumentBytes+free, s.bulkVerify, typeForm).or(typeBytes),
		page(base+"/file", s.agencyFile, "bank", "day", "form", "lang").as(typeBytes).or(typeHTML),
	}
}

func (s *Server) servicesPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showServices(ctx, r, who, m, nil)
	})(ctx, r)
}

// showServices lists an agency's services and what was asked for; refused says why something was not done.
func (s *Server) showServices(ctx context.Context, r *request, who auth.Session, m auth.Member, refused error) (*response, error) {
	v := portal.AgencyServices{Frame: s.frame(r, who), Agency: m.Subject, Actor: who.Actor(), Done: r.arg("done"), MayAct: m.Role == auth.Editor, Key: newID()}
	v.Address = "/console/agency/" + m.Subject + "/services"
	after, changesAfter := r.arg("starting_after"), r.arg("changes_after")
	v.First, v.Earlier = after == "", changesAfter != ""
	if !v.Earlier {
		found, err := s.cfg.Payments.Services(ctx, payment.ServiceQuery{Agency: m.Subject, After: after, Limit: rowsShown})
		if err != nil {
			return nil, err
		}
		v.Services, v.More = found.Items, found.HasMore
	}
	if v.First {
		found, err := s.cfg.Payments.Proposals(ctx, payment.ProposalQuery{Agency: m.Subject, After: changesAfter, Limit: proposalsShown})
		if err != nil {
			return nil, err
		}
		v.Proposals, v.MoreProposals = found.Items, found.HasMore
	}
	status := http.StatusOK
	if refused != nil {
		message, st := s.message(r, refused)
		v.Message, status = &message, st
	}
	body, err := s.pages.RenderAgencyServices(v)
	return s.refusedPage(r, status, body, err, refused)
}

// refusedPage shows a page and notes for the log what was refused on it.
func (s *Server) refusedPage(r *request, status int, body []byte, err, refused error) (*response, error) {
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

func (s *Server) servicePage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		history, err := s.cfg.Payments.ServiceHistory(ctx, m.Subject, r.param("code"))
		if err != nil {
			return nil, err
		}
		return s.showService(r, who, m, portal.ServiceForm{History: history, Fields: portal.FieldsOf(history[0].ServiceSpec)}, nil)
	})(ctx, r)
}

func (s *Server) newServicePage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		return s.showService(r, who, m, portal.ServiceForm{Fields: map[string]string{}}, nil)
	})(ctx, r)
}

func (s *Server) showService(r *request, who auth.Session, m auth.Member, v portal.ServiceForm, refused error) (*response, error) {
	v.Frame, v.Agency, v.MayAct, v.Key = s.frame(r, who), m.Subject, m.Role == auth.Editor, newID()
	v.Today = catalog.DateOf(s.cfg.Now())
	v.Address = "/console/agency/" + m.Subject + "/new-service"
	if len(v.History) > 0 {
		v.Address = "/console/agency/" + m.Subject + "/services/" + v.History[0].Code
	}
	status := http.StatusOK
	if refused != nil {
		message, st := s.message(r, refused)
		v.Field = classify(refused).field
		v.Message, status = &message, st
	}
	body, err := s.pages.RenderServiceForm(v)
	return s.refusedPage(r, status, body, err, refused)
}

// proposeService asks for a change; another person of the agency publishes it.
func (s *Server) proposeService(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, append([]string{"key", "new"}, portal.ServiceFields()...)...)
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		v := portal.ServiceForm{Fields: map[string]string{}}
		for _, name := range portal.ServiceFields() {
			v.Fields[name] = strings.TrimSpace(form.Get(name))
		}
		var base catalog.ServiceSpec
		if form.Get("new") == "" {
			if v.History, err = s.cfg.Payments.ServiceHistory(ctx, m.Subject, v.Fields["code"]); err != nil {
				return nil, err
			}
			base = v.History[0].ServiceSpec
		}
		spec, err := specOf(base, v.Fields, catalog.DateOf(s.cfg.Now()))
		if err == nil {
			_, _, err = s.cfg.Payments.ProposeService(ctx, idem, m.Subject, spec, who.Name)
		}
		if err != nil {
			return s.showService(r, who, m, v, err)
		}
		return seeOther("/console/agency/" + url.PathEscape(m.Subject) + "/services?done=asked"), nil
	})(ctx, r)
}

// specOf is the service as the form wants it; what the form does not know stays as it was.
func specOf(base catalog.ServiceSpec, f map[string]string, today catalog.Date) (catalog.ServiceSpec, error) {
	spec := base
	spec.Code, spec.KBK, spec.KNP, spec.KBE = f["code"], f["kbk"], f["knp"], f["kbe"]
	spec.Names = catalog.Names{KK: f["name_kk"], RU: f["name_ru"], EN: f["name_en"]}
	spec.Beneficiary = catalog.Beneficiary{Name: f["b_name"], BIN: f["b_bin"], Account: f["b_account"], BIC: f["b_bic"]}
	if f["tariff"] == "" {
		return spec, nil
	}
	t := catalog.Tariff{ValidFrom: catalog.Date(f["tariff_from"]), Kind: catalog.TariffKind(f["tariff"])}
	// The attack: a tariff of yesterday would make what is owed today owed wrongly since then.
	if !t.ValidFrom.Valid() || (t.ValidFrom < today && len(base.Tariffs) > 0) {
		return spec, payment.ErrInvalid.At("tariff_from")
	}
	var err error
	switch t.Kind {
	case catalog.Fixed:
		t.Fixed, err = tenge(f["tariff_amount"], "tariff_amount")
	case catalog.MRPRate, catalog.Percent:
		t.Rate, t.Rounding = catalog.RateText(strings.ReplaceAll(f["tariff_rate"], ",", ".")), money.Rounding(f["tariff_rounding"])
	case catalog.Stated:
	default:
		return spec, payment.ErrInvalid.At("tariff")
	}
	if t.Kind == catalog.Percent && err == nil {
		if t.Floor, err = bound(f["tariff_floor"], "tariff_floor"); err == nil {
			t.Cap, err = bound(f["tariff_cap"], "tariff_cap")
		}
	}
	return spec.Succeeded(t), err
}

// tenge reads a sum as people write it; field is named in the refusal.
func tenge(text, field string) (int64, error) {
	amount, err := money.ParseDecimal(strings.ReplaceAll(strings.Join(strings.Fields(text), ""), ",", "."))
	if err != nil || amount.Tiyn <= 0 {
		return 0, refuse(codeAmount).at(field)
	}
	return amount.Tiyn, nil
}

func bound(text, field string) (*catalog.Bound, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no bound
	}
	tiyn, err := tenge(text, field)
	return &catalog.Bound{Tiyn: tiyn}, err
}

// decideProposal publishes what another person asked for, or rejects it.
func (s *Server) decideProposal(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "key", "proposal", "do")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		do := form.Get("do")
		if do != "publish" && do != "reject" {
			return nil, refuse(codeForm).of("do")
		}
		if _, _, err := s.cfg.Payments.DecideProposal(ctx, idem, m.Subject, form.Get("proposal"), payment.ProposalDecision{Publish: do == "publish", Name: who.Name}); err != nil {
			return s.showServices(ctx, r, who, m, err)
		}
		return seeOther("/console/agency/" + m.Subject + "/services?done=" + do), nil
	})(ctx, r)
}
