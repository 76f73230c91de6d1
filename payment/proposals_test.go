package payment

import (
	"slices"
	"testing"

	"qaqpa/payment/catalog"
)

// Two people of an agency agree on a change; nobody agrees with himself, nothing is published over another version than was meant.
func TestProposals(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	as := func(who, key string) Idem { i := b.idem(key); i.Caller = who; return i }
	spec := b.licence.ServiceSpec
	spec.Names.EN = "Another name"
	_, _, err := b.ProposeService(ctx, as("a", "same"), b.agency.ID, b.licence.ServiceSpec, "A")
	wants(t, err, ErrInvalid)
	key := as("a", "1")
	first, _, err := b.ProposeService(ctx, key, b.agency.ID, spec, "A")
	b.must(err)
	again, replayed, err := b.ProposeService(ctx, key, b.agency.ID, spec, "A")
	if err != nil || !replayed || again.ID != first.ID || first.Base != b.licence.Version {
		t.Errorf("%+v %v %v", again, replayed, err)
	}
	_, _, err = b.ProposeService(ctx, as("b", "2"), b.agency.ID, spec, "B")
	wants(t, err, ErrProposalOpen)
	_, _, err = b.DecideProposal(ctx, as("a", "3"), b.agency.ID, first.ID, ProposalDecision{Publish: true, Name: "A"})
	wants(t, err, ErrFourEyes)
	_, _, err = b.DecideProposal(ctx, as("b", "4"), "agc_other", first.ID, ProposalDecision{Publish: true, Name: "B"})
	wants(t, err, ErrProposalUnknown)
	done, _, err := b.DecideProposal(ctx, as("b", "5"), b.agency.ID, first.ID, ProposalDecision{Publish: true, Name: "B"})
	b.must(err)
	now, err := b.Service.Service(ctx, b.licence.ID)
	if err != nil || done.State != "published" || now.Version != b.licence.Version+1 || now.Names.EN != "Another name" {
		t.Errorf("%+v %+v %v", done, now, err)
	}
	_, _, err = b.DecideProposal(ctx, as("b", "6"), b.agency.ID, first.ID, ProposalDecision{Publish: false, Name: "B"})
	wants(t, err, ErrProposalOver)

	// A program publishes between asking and agreeing.
	spec.Names.EN = "Third name"
	second, _, err := b.ProposeService(ctx, as("a", "7"), b.agency.ID, spec, "A")
	b.must(err)
	other := now.ServiceSpec
	other.KNP = "999"
	_, _, err = b.PublishService(ctx, as("key", "8"), b.agency.ID, other)
	b.must(err)
	_, _, err = b.DecideProposal(ctx, as("b", "9"), b.agency.ID, second.ID, ProposalDecision{Publish: true, Name: "B"})
	wants(t, err, ErrProposalOver)
	_, _, err = b.DecideProposal(ctx, as("a", "10"), b.agency.ID, second.ID, ProposalDecision{Publish: false, Name: "A"}) // taken back
	b.must(err)

	fresh := spec
	fresh.Code = "a-new-one"
	third, _, err := b.ProposeService(ctx, as("a", "11"), b.agency.ID, fresh, "A")
	b.must(err)
	_, err = b.ServiceHistory(ctx, b.agency.ID, fresh.Code)
	wants(t, err, ErrServiceUnknown)
	_, _, err = b.DecideProposal(ctx, as("b", "12"), b.agency.ID, third.ID, ProposalDecision{Publish: true, Name: "B"})
	b.must(err)
	history, err := b.ServiceHistory(ctx, b.agency.ID, b.licence.Code)
	if err != nil || len(history) != 3 || history[0].KNP != "999" || history[2].Version != 1 {
		t.Errorf("%+v %v", history, err)
	}
	list, err := b.Proposals(ctx, ProposalQuery{Agency: b.agency.ID})
	if err != nil || len(list.Items) != 3 || list.HasMore || list.Items[0].ID != third.ID || list.Items[2].Spec.Names.EN != "Another name" {
		t.Errorf("%+v %v", list, err)
	}
	fresh.Names.EN = "An open one"
	open, _, err := b.ProposeService(ctx, as("a", "open"), b.agency.ID, fresh, "A")
	b.must(err)
	var walked []string
	for after, more := "", true; more; {
		page, err := b.Proposals(ctx, ProposalQuery{Agency: b.agency.ID, After: after, Limit: 1})
		b.must(err)
		after, more = page.Items[0].ID, page.HasMore
		walked = append(walked, after)
	}
	if want := []string{open.ID, third.ID, second.ID, first.ID}; !slices.Equal(walked, want) {
		t.Errorf("page by page: %v, want %v", walked, want)
	}
	for _, wrong := range []ProposalQuery{{Agency: b.agency.ID, Limit: 101}, {Agency: b.agency.ID, After: "prp_none"}, {Agency: "agc_other", After: first.ID}} {
		_, err := b.Proposals(ctx, wrong)
		wants(t, err, ErrInvalid)
	}
	broken := spec
	broken.Tariffs = []catalog.Tariff{}
	_, _, err = b.ProposeService(ctx, as("a", "13"), b.agency.ID, broken, "A")
	wants(t, err, ErrInvalid)
}
