package debt

import (
	"errors"

	"qaqpa/payment/catalog"
)

// Reason says which of the things that a code of a refusal stands for is the matter. Reasons are stable: they are part of the contract, and
// each has its words in the catalogues of texts.
type Reason string

// The reasons of this package and of the service. Readers of feeds have some of their own beside them.
const (
	WhyPayer           Reason = "debt_payer_digits"
	WhyCurrency        Reason = "debt_currency_not_tenge"
	WhyDay             Reason = "debt_day_form"
	WhyTextEncoding    Reason = "debt_text_encoding"
	WhyTextLength      Reason = "debt_text_length"
	WhyTextSpaces      Reason = "debt_text_spaces"
	WhyTextMarks       Reason = "debt_text_marks"
	WhyAmountBounds    Reason = "debt_amount_bounds"
	WhyReasonAlone     Reason = "debt_reason_without_recall"
	WhyItself          Reason = "debt_supersedes_itself"
	WhyRecallWithMore  Reason = "debt_recall_with_more"
	WhyAction          Reason = "debt_action_unknown"
	WhyAmountMissing   Reason = "debt_amount_missing"
	WhyClaimFeeMissing Reason = "debt_claim_fee_missing"
	WhyNoTariff        Reason = "debt_no_tariff"
	WhyTariffUnusable  Reason = "debt_tariff_unusable"
	WhyNotTariff       Reason = "debt_not_tariff"
	WhyBelowTariff     Reason = "debt_below_tariff"
	WhyBeyondTariff    Reason = "debt_beyond_tariff"
	WhySettled         Reason = "debt_settled"
	WhyBeingPaid       Reason = "debt_in_payment"
	WhyPaid            Reason = "debt_paid_already"
	WhyState           Reason = "debt_state_unknown"
	WhyPartBeingPaid   Reason = "debt_part_in_payment"
	WhyPartlyPaid      Reason = "debt_part_paid"
	WhyNotKnown        Reason = "debt_not_known"
	WhyTwice           Reason = "debt_twice_in_batch"
	WhyService         Reason = "debt_service_of_nobody"
	WhyAroseLater      Reason = "debt_arose_later"
	WhyUnread          Reason = "debt_line_unread"
)

// Reasons lists them all, for the tests that find each in openapi.yaml and in the catalogues.
func Reasons() []Reason {
	return []Reason{
		WhyPayer, WhyCurrency, WhyDay, WhyTextEncoding, WhyTextLength, WhyTextSpaces, WhyTextMarks, WhyAmountBounds, WhyReasonAlone, WhyItself,
		WhyRecallWithMore, WhyAction, WhyAmountMissing, WhyClaimFeeMissing, WhyNoTariff, WhyTariffUnusable, WhyNotTariff, WhyBelowTariff,
		WhyBeyondTariff, WhySettled, WhyBeingPaid, WhyPaid, WhyState, WhyPartBeingPaid, WhyPartlyPaid, WhyNotKnown, WhyTwice, WhyService,
		WhyAroseLater, WhyUnread,
	}
}

// Facts are what a reason is about. Those that it does not speak of are zero.
type Facts struct {
	// Tiyn is an amount; LeastTiyn and MostTiyn are bounds of one.
	Tiyn      int64 `json:"amount,omitzero"`
	LeastTiyn int64 `json:"least_amount,omitzero"`
	MostTiyn  int64 `json:"most_amount,omitzero"`
	// Least and Most bound a number of characters, bytes or cells.
	Least int `json:"least,omitzero"`
	Most  int `json:"most,omitzero"`
	// Byte is where reading stopped, from 0. Want is the type that is expected there: object, array, string, integer or boolean.
	Byte int    `json:"byte,omitzero"`
	Want string `json:"want,omitzero"`
	// On is a day; Of is the id of what else is concerned.
	On catalog.Date `json:"on,omitzero"`
	Of string       `json:"of,omitzero"`
}

// refusal refuses an item.
func refusal(code, field string, why Reason, detail string) *RefusalError {
	return &RefusalError{Code: code, Field: field, Reason: why, Detail: detail}
}

// about returns the refusal with what it is about.
func (r *RefusalError) about(f Facts) *RefusalError {
	r.Facts = f
	return r
}

// Tell writes a refusal down in a result.
func (r *RefusalError) Tell(out *Result) {
	out.Outcome, out.Code, out.Field, out.Detail, out.Reason, out.Facts = Refused, r.Code, r.Field, r.Detail, r.Reason, r.Facts
}

// badText refuses an item for one of its texts.
func badText(err error) *RefusalError {
	f, ok := errors.AsType[*catalog.FieldError](err)
	if !ok {
		return refusal(CodeInvalid, "", WhyUnread, err.Error())
	}
	r := refusal(CodeInvalid, f.Field, WhyUnread, f.Rule)
	switch f.Text {
	case catalog.TextEncoding:
		r.Reason = WhyTextEncoding
	case catalog.TextLength:
		r.Reason = WhyTextLength
		return r.about(Facts{Least: f.Least, Most: f.Most})
	case catalog.TextSpaces:
		r.Reason = WhyTextSpaces
	case catalog.TextMarks:
		r.Reason = WhyTextMarks
	case catalog.NoText:
	}
	return r
}
