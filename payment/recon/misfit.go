package recon

import "errors"

// ErrResolution says that a resolution does not fit the exception; every [MisfitError] wraps it.
var ErrResolution = errors.New("resolution does not fit")

// Why names the reason for which a resolution does not fit. Values are part of the public contract: clients branch on them, and pages have
// a text for each in every language.
type Why string

// Reasons for which a resolution does not fit.
const (
	WhyNoAmount        Why = "exception_without_amount"
	WhyNotReceived     Why = "not_unexpected_money"
	WhyAmountsDiffer   Why = "linked_amount_differs"
	WhyDirection       Why = "money_goes_other_way"
	WhyNothingToReturn Why = "only_received_money_is_returned"
	WhyNoLine          Why = "no_line"
	WhyNothingTaken    Why = "nothing_was_taken_back"
	WhyMoneyStays      Why = "money_needs_a_place"
	WhyWay             Why = "way_unknown"
	WhyMissing         Why = "missing_is_written_off_or_linked"
	WhyForeign         Why = "foreign_line_is_accepted"
	WhyNoRest          Why = "no_rest_to_park"
	WhyLinkFromLine    Why = "link_from_the_line"
	WhyExpectation     Why = "expectation_unknown_or_repeated"
	WhyOtherBank       Why = "expectation_of_another_bank"
	WhySettled         Why = "expectation_settled_or_opposite"
	WhyMixed           Why = "payments_and_refunds_apart"
	WhyMatched         Why = "payment_matched_already"
	WhyUnnamed         Why = "line_names_no_payment"
	WhyBank            Why = "payment_through_another_bank"
	WhyExecuted        Why = "payment_executed"
	WhyRefused         Why = "payment_refused_by_bank"
	WhyUnsent          Why = "payment_never_sent"
	WhyLineAmount      Why = "line_has_another_amount"
	WhyParts           Why = "parts_not_shown"
	WhyDay             Why = "line_has_another_day"
	WhyNoCommission    Why = "difference_is_no_commission"
)

// whys is each reason in English, in the order in which they are listed.
func whys() []struct {
	why  Why
	text string
} {
	return []struct {
		why  Why
		text string
	}{
		{WhyNoAmount, "the exception has no amount"},
		{WhyNotReceived, "only money that came and that nobody expected shows a payment"},
		{WhyAmountsDiffer, "the line and what it is linked to have different amounts"},
		{WhyDirection, "money that came and money that went"},
		{WhyNothingToReturn, "only money that came can be given back"},
		{WhyNoLine, "no line shows the money"},
		{WhyNothingTaken, "nothing was taken back"},
		{WhyMoneyStays, "the money has to go somewhere"},
		{WhyWay, "there is no such way"},
		{WhyMissing, "a missing payment is written off, or linked from the line that pays it"},
		{WhyForeign, "a line in another currency moves no tenge: accept it, and settle the payment by itself"},
		{WhyNoRest, "there is no rest to park"},
		{WhyLinkFromLine, "link from the exception about the line"},
		{WhyExpectation, "unknown or repeated"},
		{WhyOtherBank, "an expectation is not of this bank"},
		{WhySettled, "already settled, or money that goes the other way"},
		{WhyMixed, "refunds and money to be sent on are paid by lines of their own"},
		{WhyMatched, "the payment is matched already"},
		{WhyUnnamed, "the line names no payment of ours"},
		{WhyBank, "the payment went through another bank"},
		{WhyExecuted, "the payment is executed: link it"},
		{WhyRefused, "the bank signed that it refused the payment: park the money, or give it back"},
		{WhyUnsent, "the payment was never sent"},
		{WhyLineAmount, "the line has another amount than the payment"},
		{WhyParts, "parts of the order that are not shown with their amounts"},
		{WhyDay, "the day of the line is not the payment's"},
		{WhyNoCommission, "the difference is not the commission that the agencies bear and still owe"},
	}
}

// Whys lists all reasons.
func Whys() []Why {
	var out []Why
	for _, w := range whys() {
		out = append(out, w.why)
	}
	return out
}

// English is the reason for a developer; empty for one that is not of this package.
func (w Why) English() string {
	for _, known := range whys() {
		if known.why == w {
			return known.text
		}
	}
	return ""
}

// MisfitError is why a resolution does not fit, with what it is about: an id, a count, two amounts; empty where the reason says all.
type MisfitError struct {
	Why   Why
	About string
}

// Error is the reason in English, with what it is about.
func (m *MisfitError) Error() string {
	if m.About == "" {
		return m.Why.English()
	}
	return m.Why.English() + ": " + m.About
}

// Unwrap returns [ErrResolution].
func (m *MisfitError) Unwrap() error { return ErrResolution }

func misfit(w Why) *MisfitError { return &MisfitError{Why: w} }
