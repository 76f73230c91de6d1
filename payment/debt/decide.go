package debt

import (
	"errors"
	"fmt"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Codes of refused items. The service uses the same codes for single debts.
const (
	CodeInvalid        = "invalid_request"
	CodePayer          = "payer_id_invalid"
	CodeCurrency       = "currency_not_accepted"
	CodeAmount         = "amount_invalid"
	CodeNotTariff      = "amount_differs_from_tariff"
	CodeNoTariff       = "no_tariff_in_force"
	CodeStated         = "amount_stated_by_debt"
	CodeServiceUnknown = "service_unknown"
	CodeDuplicate      = "duplicate_in_batch"
	CodeBeingPaid      = "debt_being_paid"
	CodePaid           = "debt_already_paid"
	CodePartlyPaid     = "debt_partly_paid"
	CodeUnknown        = "debt_unknown"
)

// RefusalError says why an item was not taken.
type RefusalError struct {
	Code, Field, Detail string
	// Reason says which of the things that the code stands for is the matter, and Facts what it is about: Detail says both in English.
	Reason Reason
	Facts  Facts
}

// Error implements error.
func (r *RefusalError) Error() string { return fmt.Sprintf("%s (%s): %s", r.Code, r.Field, r.Detail) }

// Limits of texts, in characters.
const (
	referenceMax = 64
	purposeMax   = 200
	nameMax      = 200
	reasonMax    = 200
)

// Check refuses an item that breaks a rule whatever is stored. The error is a [*RefusalError].
func (i Item) Check() error {
	if !catalog.ValidPayerID(i.Payer.ID) {
		return refusal(CodePayer, "payer.id", WhyPayer, "is not an IIN or BIN: 12 digits with a right check digit")
	}
	if i.Currency != "" && i.Currency != money.KZT {
		return refusal(CodeCurrency, "currency", WhyCurrency, "is not KZT")
	}
	if i.DueOn != "" && !i.DueOn.Valid() {
		return refusal(CodeInvalid, "due_on", WhyDay, "is not a date YYYY-MM-DD")
	}
	if i.AroseOn != "" && !i.AroseOn.Valid() {
		return refusal(CodeInvalid, "arose_on", WhyDay, "is not a date YYYY-MM-DD")
	}
	for _, one := range []struct {
		field, text string
		least, most int
	}{
		{"reference", i.Reference, 1, referenceMax},
		{"payer.name", i.Payer.Name, 0, nameMax},
		{"purpose", i.Purpose, 0, purposeMax},
	} {
		if err := catalog.CheckText(one.field, one.text, one.least, one.most); err != nil {
			return badText(err)
		}
	}
	if err := i.checkAction(); err != nil {
		return err
	}
	if i.Tiyn != nil {
		if err := catalog.CheckAmount(money.FromTiyn(*i.Tiyn)); err != nil {
			return refusal(CodeAmount, "amount", WhyAmountBounds, fmt.Sprintf("is not between 1 and %d tiyn", int64(catalog.TiynMax))).
				about(Facts{LeastTiyn: 1, MostTiyn: catalog.TiynMax})
		}
	}
	return nil
}

// checkAction refuses members that do not go with the action: a recall that carries an amount was meant as something else.
func (i Item) checkAction() error {
	reasonMin := 0
	switch i.Action {
	case "", StateIt:
		if i.Reason != "" && i.Supersedes == "" {
			return refusal(CodeInvalid, "reason", WhyReasonAlone, "goes with a recall or with supersedes")
		}
		if i.Supersedes == i.Reference {
			return refusal(CodeInvalid, "supersedes", WhyItself, "is the debt itself")
		}
	case RecallIt:
		if i.Service != "" || i.Tiyn != nil || i.Currency != "" || i.Purpose != "" || i.DueOn != "" || i.AroseOn != "" || i.Supersedes != "" {
			return refusal(CodeInvalid, "action", WhyRecallWithMore, "recall takes reference, payer and reason alone")
		}
		reasonMin = 1
	default:
		return refusal(CodeInvalid, "action", WhyAction, "is not state or recall")
	}
	for _, one := range []struct {
		field, text string
		least, most int
	}{{"reason", i.Reason, reasonMin, reasonMax}, {"supersedes", i.Supersedes, 0, referenceMax}} {
		if err := catalog.CheckText(one.field, one.text, one.least, one.most); err != nil {
			return badText(err)
		}
	}
	return nil
}

// Price finds what the item owes: its own amount under a stated tariff, else the tariff's, which an explicit amount
// must equal. The error is a [*RefusalError].
func (i Item) Price(service catalog.Service, on catalog.Date, mrp []catalog.MRP) (money.Amount, catalog.Basis, error) {
	quote, err := service.Quote(on, mrp)
	switch {
	case errors.Is(err, catalog.ErrStated):
		if i.Tiyn == nil {
			return money.Amount{}, catalog.Basis{}, refusal(CodeStated, "amount", WhyAmountMissing, "is missing, and the tariff of the service leaves it to the debt")
		}
		return money.FromTiyn(*i.Tiyn), quote.Basis, nil
	case errors.Is(err, catalog.ErrClaim):
		// The gateway does not see the claim: the agency states the fee, and no fee leaves its bounds.
		return i.bounded(quote.Basis)
	case errors.Is(err, catalog.ErrNoTariff):
		return money.Amount{}, catalog.Basis{}, refusal(CodeNoTariff, "service", WhyNoTariff, err.Error()).about(Facts{On: on})
	case err != nil:
		return money.Amount{}, catalog.Basis{}, refusal(CodeAmount, "service", WhyTariffUnusable, err.Error()).about(Facts{On: on})
	case i.Tiyn != nil && *i.Tiyn != quote.Tiyn:
		return money.Amount{}, catalog.Basis{}, refusal(CodeNotTariff, "amount", WhyNotTariff, fmt.Sprintf("is not the tariff, %d tiyn", quote.Tiyn)).
			about(Facts{Tiyn: quote.Tiyn})
	}
	return quote.Amount, quote.Basis, nil
}

// bounded takes the fee that the agency states under a tariff that is a percent of a claim.
func (i Item) bounded(basis catalog.Basis) (money.Amount, catalog.Basis, error) {
	switch {
	case i.Tiyn == nil:
		return money.Amount{}, catalog.Basis{}, refusal(CodeStated, "amount", WhyClaimFeeMissing, "is missing, and the tariff of the service is a percent of a claim")
	case *i.Tiyn < basis.Floor || (basis.Cap != 0 && *i.Tiyn > basis.Cap):
		why := WhyBeyondTariff
		if basis.Cap == 0 {
			why = WhyBelowTariff
		}
		return money.Amount{}, catalog.Basis{}, refusal(
			CodeNotTariff, "amount", why, fmt.Sprintf("is not within the bounds of the tariff, %d to %d tiyn (0: none)", basis.Floor, basis.Cap),
		).about(Facts{LeastTiyn: basis.Floor, MostTiyn: basis.Cap})
	}
	return money.FromTiyn(*i.Tiyn), basis, nil
}

// Decide says what a checked and priced statement of a debt does to the stored one, nil when there is none. fresh
// carries everything that the agency states; the result is the debt to store. The error is a [*RefusalError].
func Decide(fresh Debt, stored *Debt) (Debt, Outcome, error) {
	if stored == nil {
		fresh.State, fresh.Version = Open, 1
		if fresh.AroseOn == "" {
			fresh.AroseOn = catalog.DateOf(fresh.LoadedAt)
		}
		return fresh, Created, nil
	}
	next := *stored
	if stored.SettledBy != "" { // or the next night's feed would have its payer pay once more
		return next, Refused, refusal(CodePaid, "reference", WhySettled, "is settled by correction "+stored.SettledBy).about(Facts{Of: stored.SettledBy})
	}
	if fresh.AroseOn == "" { // or a feed that is repeated every night would keep discounts open for ever
		fresh.AroseOn = stored.AroseOn
	}
	switch stored.State {
	case Reserved:
		return next, Refused, refusal(CodeBeingPaid, "reference", WhyBeingPaid, "is being paid; it cannot change now")
	case Paid:
		return next, Refused, refusal(CodePaid, "reference", WhyPaid, "is paid already")
	case Recalled, Open:
	default:
		return next, Refused, refusal(CodeInvalid, "reference", WhyState, "is in an unknown state")
	}
	next.LoadedAt = fresh.LoadedAt
	same := stored.Payer == fresh.Payer && stored.Service == fresh.Service && stored.Amount == fresh.Amount &&
		stored.Purpose == fresh.Purpose && stored.DueOn == fresh.DueOn && stored.AroseOn == fresh.AroseOn && stored.State == Open
	if same {
		return next, Unchanged, nil // only its age is new; the version, and so open orders, stand
	}
	switch {
	case stored.Held > 0:
		return *stored, Refused, refusal(CodeBeingPaid, "reference", WhyPartBeingPaid, "is being paid in part; it cannot change now")
	case stored.Paid > 0 && (stored.Amount != fresh.Amount || stored.Service != fresh.Service):
		// Whether the new amount is what was owed at first or what is left nobody could tell.
		return *stored, Refused, refusal(CodePartlyPaid, "amount", WhyPartlyPaid, "cannot change after a part was paid; recall what is left")
	}
	next.AroseOn = fresh.AroseOn
	next.Payer, next.Service, next.ServiceVersion = fresh.Payer, fresh.Service, fresh.ServiceVersion
	next.Amount, next.Basis, next.Purpose, next.DueOn = fresh.Amount, fresh.Basis, fresh.Purpose, fresh.DueOn
	next.Version++
	if stored.State == Recalled {
		next.State, next.RecallReason = Open, ""
		return next, Reopened, nil
	}
	return next, Amended, nil
}

// DecideRecall says what a recall does to the stored debt, nil when there is none. A debt that somebody is paying or has
// paid stays. The error is a [*RefusalError] that points at field.
func DecideRecall(stored *Debt, field, reason string) (Debt, Outcome, error) {
	if stored == nil {
		return Debt{}, Refused, refusal(CodeUnknown, field, WhyNotKnown, "is not known of this payer")
	}
	next := *stored
	switch stored.State {
	case Reserved:
		return next, Refused, refusal(CodeBeingPaid, field, WhyBeingPaid, "is being paid; it cannot be recalled now")
	case Paid:
		return next, Refused, refusal(CodePaid, field, WhyPaid, "is paid already")
	case Recalled:
		return next, Unchanged, nil
	case Open:
		if stored.Held > 0 {
			return next, Refused, refusal(CodeBeingPaid, field, WhyPartBeingPaid, "is being paid in part; it cannot be recalled now")
		}
	default:
		return next, Refused, refusal(CodeInvalid, field, WhyState, "is in an unknown state")
	}
	next.State, next.RecallReason = Recalled, reason
	next.Version++ // orders that are not signed yet name the old one
	return next, Withdrawn, nil
}
