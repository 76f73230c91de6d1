package payment

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
)

// Code names a refusal. Codes are stable: clients branch on them.
type Code string

// Kind groups codes by what the caller should do; the HTTP layer maps it to a status.
type Kind int

// Kinds of refusal.
const (
	// KindInvalid: the request breaks a rule; mend it (400 or 422).
	KindInvalid Kind = iota + 1
	// KindNotFound: nothing under this id (404).
	KindNotFound
	// KindConflict: the state of things forbids it now (409).
	KindConflict
	// KindForbidden: the signature or the caller has no authority for it (403).
	KindForbidden
	// KindUnprocessable: understood and refused, such as a signature that does not hold (422).
	KindUnprocessable
	// KindUnavailable: could not be decided now; repeat later with the same key (503).
	KindUnavailable
)

// Error is a refusal of the payment domain. Compare with errors.Is against the sentinels below: two Errors are the
// same when their codes are.
type Error struct {
	Code Code `json:"code"`
	Kind Kind `json:"kind"`
	// Detail is a sentence in English for the developer; texts for people are looked up by Code.
	Detail string `json:"detail,omitempty"`
	// Field points at the part of the request, such as "payer" or "debts[2]".
	Field string `json:"field,omitempty"`
	// Reasons are the verifier's, for a signature that does not hold, or one of [ReasonCodes].
	Reasons []string `json:"reasons,omitempty"`
	// About is what a reason of [ReasonCodes] is about: an id, an account, a place in a file.
	About string `json:"about,omitempty"`
	// VerdictID names the stored verdict, for a signature that does not hold.
	VerdictID string `json:"verdict_id,omitempty"`
	cause     error
}

// Error implements error.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Field != "" {
		text += " (" + e.Field + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if len(e.Reasons) > 0 {
		text += " [" + strings.Join(e.Reasons, ", ") + "]"
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// Unwrap returns the cause, if any.
func (e *Error) Unwrap() error { return e.cause }

// because returns a copy with a cause.
func (e *Error) because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// with returns a copy with a detail.
func (e *Error) with(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}

// At is the refusal with the place that is to be mended, for callers that read forms of their own.
func (e *Error) At(field string) *Error { return e.at(field) }

// at returns a copy that points at a field.
func (e *Error) at(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// unavailable makes [ErrUndecided] of an error which says that the database did not answer: the connection broke, or its
// deadline passed. Whether a commit took place is then not known; who repeats his request under the same key, or a bank
// its message, finds out. Other errors are left alone.
func unavailable(err error) error {
	var network net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) || errors.As(err, &network) {
		return ErrUndecided.because(err)
	}
	return err
}

func refusal(code Code, kind Kind) *Error { return &Error{Code: code, Kind: kind} }

// Refusals, for errors.Is. The names of codes are part of the public contract.
var (
	ErrInvalid = refusal("invalid_request", KindInvalid)

	ErrIdempotencyMissing = refusal("idempotency_key_missing", KindInvalid)
	ErrIdempotencyReuse   = refusal("idempotency_key_reused", KindUnprocessable)
	ErrIdempotencyBusy    = refusal("idempotency_key_in_use", KindConflict)

	ErrUndecided  = refusal("undecided", KindUnavailable)
	ErrOverloaded = refusal("overloaded", KindUnavailable)

	ErrAgencyUnknown = refusal("agency_unknown", KindNotFound)
	ErrBankUnknown   = refusal("bank_unknown", KindNotFound)
	ErrBankPaused    = refusal("bank_paused", KindConflict)
	// ErrBankSilent: the bank does not answer; see [Service.workBreaker].
	ErrBankSilent = refusal("bank_silent", KindConflict)
	// ErrBankPaymentLimit and ErrBankDayLimit: the operator's limits of a bank.
	ErrBankPaymentLimit = refusal("bank_payment_limit", KindConflict)
	ErrBankDayLimit     = refusal("bank_day_limit", KindConflict)
	// ErrGuaranteeExhausted: what the bank owes and may come to owe would pass what it has guaranteed (R6).
	ErrGuaranteeExhausted = refusal("bank_guarantee_exhausted", KindConflict)
	ErrServiceUnknown     = refusal("service_unknown", KindNotFound)
	ErrNoTariff           = refusal("no_tariff_in_force", KindConflict)
	ErrAmountStated       = refusal("amount_stated_by_debt", KindConflict)

	ErrDebtUnknown   = refusal("debt_unknown", KindNotFound)
	ErrDebtOfOther   = refusal("debt_of_another_payer", KindForbidden)
	ErrDebtOfAgency  = refusal("debt_of_another_agency", KindForbidden)
	ErrDebtPaid      = refusal("debt_already_paid", KindConflict)
	ErrDebtRecalled  = refusal("debt_recalled", KindConflict)
	ErrDebtBeingPaid = refusal("debt_being_paid", KindConflict)
	ErrDebtChanged   = refusal("debt_changed", KindConflict)
	// ErrAmountChanged: what is due is no longer what the order says: a discount is over, or somebody paid a part.
	ErrAmountChanged = refusal("amount_changed", KindConflict)
	ErrInstalments   = refusal("instalments_not_accepted", KindConflict)
	// ErrFeeNeedsDebt: the service is paid by debts that its agency states.
	ErrFeeNeedsDebt     = refusal("fee_needs_debt", KindConflict)
	ErrInstalmentBounds = refusal("instalment_out_of_bounds", KindUnprocessable)
	// ErrDebtPartlyPaid: the agency states another amount for a debt of which a part is paid.
	ErrDebtPartlyPaid  = refusal("debt_partly_paid", KindConflict)
	ErrFeedUnknown     = refusal("feed_unknown", KindNotFound)
	ErrAmountTooLarge  = refusal("amount_too_large", KindUnprocessable)
	ErrPayerIDInvalid  = refusal("payer_id_invalid", KindInvalid)
	ErrCurrency        = refusal("currency_not_accepted", KindInvalid)
	ErrAmountNotTariff = refusal("amount_differs_from_tariff", KindInvalid)
	ErrAmountInvalid   = refusal("amount_invalid", KindInvalid)

	ErrOrderUnknown  = refusal("order_unknown", KindNotFound)
	ErrOrderExpired  = refusal("order_expired", KindConflict)
	ErrOrderFinished = refusal("order_state_forbids", KindConflict)

	ErrSignatureInvalid = refusal("signature_invalid", KindUnprocessable)
	ErrSignatureContent = refusal("signature_over_other_content", KindUnprocessable)
	ErrSignerNotPayer   = refusal("signer_is_not_payer", KindForbidden)
	// ErrCodeNotAllowed: this payment needs an EDS (R32).
	ErrCodeNotAllowed = refusal("code_not_allowed", KindForbidden)
	// ErrCommissionUnknown and those after it are of terms of commission. ErrCommissionChanged: a payment costs another commission than was shown.
	ErrCommissionUnknown   = refusal("commission_unknown", KindNotFound)
	ErrCommissionDecided   = refusal("commission_decided", KindConflict)
	ErrCommissionOverlap   = refusal("commission_overlaps", KindConflict)
	ErrCommissionForbidden = refusal("commission_forbidden", KindConflict)
	ErrCommissionChanged   = refusal("commission_changed", KindConflict)
	// ErrCommissionPaymentUnknown and those after it are of payments of agencies to their banks.
	ErrCommissionPaymentUnknown = refusal("commission_payment_unknown", KindNotFound)
	ErrCommissionPaidTooMuch    = refusal("commission_paid_too_much", KindConflict)
	ErrCommissionPaidTwice      = refusal("commission_paid_twice", KindConflict)
	// ErrProposalUnknown, ErrProposalOver, ErrProposalOpen are of changes of services that two people agree on.
	ErrProposalUnknown = refusal("proposal_unknown", KindNotFound)
	ErrProposalOver    = refusal("proposal_over", KindConflict)
	ErrProposalOpen    = refusal("proposal_open", KindConflict)
	// ErrBankNoQueries and ErrQueryUnknown are of questions to banks, ErrMandateUnknown and those after it are of agreements for repeated payments.
	ErrBankNoQueries     = refusal("bank_takes_no_queries", KindConflict)
	ErrQueryUnknown      = refusal("bank_query_unknown", KindNotFound)
	ErrMandateUnknown    = refusal("mandate_unknown", KindNotFound)
	ErrMandateState      = refusal("mandate_state_forbids", KindConflict)
	ErrMandateCover      = refusal("mandate_does_not_cover", KindForbidden)
	ErrMandateLimit      = refusal("mandate_limit", KindConflict)
	ErrMandateNotAllowed = refusal("mandate_not_allowed", KindForbidden)
	ErrCodeWrong         = refusal("code_wrong", KindUnprocessable)
	// ErrCodeSpent: the code was used, has expired, was tried too often, or there is none.
	ErrCodeSpent      = refusal("code_spent", KindConflict)
	ErrCodeTooMany    = refusal("code_too_many", KindConflict)
	ErrPhoneInvalid   = refusal("phone_invalid", KindInvalid)
	ErrMessageNotSent = refusal("message_not_sent", KindUnavailable)

	ErrSignedAlready       = refusal("signed_by_same_person", KindForbidden)
	ErrSignerNoAuthority   = refusal("signer_without_authority", KindForbidden)
	ErrVerifierUnavailable = refusal("verification_unavailable", KindUnavailable)

	ErrAttemptUnknown     = refusal("attempt_unknown", KindNotFound)
	ErrBankMessageInvalid = refusal("bank_message_invalid", KindInvalid)
	ErrBankMessageStale   = refusal("bank_message_stale", KindConflict)
	// ErrFileUnknown: there is no file of payments under this MsgId.
	ErrFileUnknown          = refusal("bank_file_unknown", KindNotFound)
	ErrBankSigner           = refusal("bank_message_signed_by_another", KindForbidden)
	ErrBankMismatch         = refusal("attempt_of_another_bank", KindForbidden)
	ErrConfirmationAmount   = refusal("confirmation_amount_differs", KindConflict)
	ErrConfirmationConflict = refusal("confirmation_contradicts", KindConflict)
	ErrConfirmationUnsent   = refusal("confirmation_of_unsent_attempt", KindConflict)

	ErrReceiptUnknown    = refusal("receipt_unknown", KindNotFound)
	ErrReceiptPending    = refusal("receipt_pending", KindConflict)
	ErrTransferUnknown   = refusal("transfer_unknown", KindNotFound)
	ErrNotYetCheckpoint  = refusal("not_yet_in_checkpoint", KindConflict)
	ErrAccountUnknown    = refusal("account_unknown", KindNotFound)
	ErrCheckpointUnknown = refusal("checkpoint_unknown", KindNotFound)

	ErrRefundUnknown   = refusal("refund_unknown", KindNotFound)
	ErrRefundState     = refusal("refund_state_forbids", KindConflict)
	ErrRefundStale     = refusal("refund_changed", KindConflict)
	ErrRefundAsker     = refusal("refund_of_another_person", KindForbidden)
	ErrRefundOfUnpaid  = refusal("payment_not_executed", KindConflict)
	ErrRefundItem      = refusal("refund_does_not_fit", KindUnprocessable)
	ErrRefundTooMuch   = refusal("refund_exceeds_payment", KindConflict)
	ErrRefundChanged   = refusal("refundable_amount_changed", KindConflict)
	ErrNothingReturned = refusal("treasury_return_not_seen", KindConflict)

	// ErrMRPKnown: the year has a value of the МРП already, and debts and receipts rest on it.
	ErrMRPKnown = refusal("mrp_known", KindConflict)

	ErrWebhookUnknown      = refusal("webhook_unknown", KindNotFound)
	ErrWebhookWaiting      = refusal("webhook_waiting", KindConflict)
	ErrStatementUnreadable = refusal("statement_unreadable", KindUnprocessable)
	ErrStatementCheck      = refusal("statement_check_failed", KindUnprocessable)
	ErrStatementAccount    = refusal("statement_account_unknown", KindUnprocessable)
	ErrStatementNumber     = refusal("statement_number_taken", KindConflict)
	ErrStatementTouched    = refusal("statement_worked_on", KindConflict)
	ErrStatementState      = refusal("statement_state_forbids", KindConflict)
	ErrStatementUnsigned   = refusal("statement_unsigned", KindForbidden)
	ErrStatementSigner     = refusal("statement_signed_by_another", KindForbidden)
	ErrStatementUnknown    = refusal("statement_unknown", KindNotFound)
	ErrPeriodClosed        = refusal("period_closed", KindConflict)
	ErrPeriodOpen          = refusal("period_not_ready", KindConflict)
	ErrExceptionUnknown    = refusal("exception_unknown", KindNotFound)
	ErrExceptionState      = refusal("exception_state_forbids", KindConflict)
	ErrExceptionChanged    = refusal("exception_changed", KindConflict)
	ErrResolutionMisfit    = refusal("resolution_does_not_fit", KindUnprocessable)
	ErrFourEyes            = refusal("second_person_needed", KindForbidden)
	ErrMatchUnknown        = refusal("match_unknown", KindNotFound)
	ErrRegisterEmpty       = refusal("register_empty", KindNotFound)
)

// reconRefusals are the refusals of reconciliation.
func reconRefusals() []*Error {
	return []*Error{
		ErrStatementUnreadable, ErrStatementCheck, ErrStatementAccount, ErrStatementNumber, ErrStatementTouched, ErrStatementState, ErrStatementUnsigned,
		ErrStatementSigner, ErrStatementUnknown, ErrPeriodClosed, ErrPeriodOpen, ErrExceptionUnknown, ErrExceptionState, ErrExceptionChanged,
		ErrResolutionMisfit, ErrFourEyes, ErrMatchUnknown, ErrRegisterEmpty,
	}
}

// refundRefusals are the refusals of refunds and corrections.
func refundRefusals() []*Error {
	return []*Error{
		ErrRefundUnknown, ErrRefundState, ErrRefundStale, ErrRefundAsker, ErrRefundOfUnpaid, ErrRefundItem, ErrRefundTooMuch, ErrRefundChanged,
		ErrNothingReturned, ErrAccountUnknown, ErrMRPKnown,
	}
}

// commissionRefusals are the refusals of commissions.
func commissionRefusals() []*Error {
	return []*Error{
		ErrCommissionUnknown, ErrCommissionDecided, ErrCommissionOverlap, ErrCommissionForbidden, ErrCommissionChanged,
		ErrCommissionPaymentUnknown, ErrCommissionPaidTooMuch, ErrCommissionPaidTwice,
	}
}

// Codes lists every code of the domain with its kind, for the test that finds each in openapi.yaml and in the
// catalogues of texts.
func Codes() map[Code]Kind {
	codes := make(map[Code]Kind)
	for _, e := range []*Error{
		ErrInvalid, ErrUndecided, ErrOverloaded, ErrIdempotencyMissing, ErrIdempotencyReuse, ErrIdempotencyBusy, ErrAgencyUnknown, ErrBankUnknown,
		ErrBankPaused, ErrBankSilent, ErrBankPaymentLimit, ErrBankDayLimit, ErrGuaranteeExhausted, ErrServiceUnknown, ErrNoTariff, ErrAmountStated, ErrDebtUnknown, ErrDebtOfOther, ErrDebtOfAgency,
		ErrDebtPaid, ErrDebtRecalled, ErrDebtBeingPaid, ErrDebtChanged, ErrAmountTooLarge, ErrPayerIDInvalid, ErrCurrency,
		ErrAmountNotTariff, ErrAmountInvalid, ErrOrderUnknown, ErrOrderExpired, ErrOrderFinished, ErrSignatureInvalid,
		ErrSignatureContent, ErrSignerNotPayer, ErrSignedAlready, ErrCodeNotAllowed, ErrCodeWrong, ErrCodeSpent, ErrCodeTooMany, ErrPhoneInvalid, ErrMessageNotSent, ErrSignerNoAuthority, ErrVerifierUnavailable, ErrAttemptUnknown,
		ErrBankMessageInvalid, ErrBankMessageStale, ErrFileUnknown, ErrBankSigner, ErrBankMismatch, ErrConfirmationAmount, ErrConfirmationConflict,
		ErrConfirmationUnsent, ErrReceiptUnknown, ErrReceiptPending, ErrTransferUnknown, ErrNotYetCheckpoint,
		ErrAmountChanged, ErrInstalments, ErrInstalmentBounds, ErrDebtPartlyPaid, ErrFeeNeedsDebt,
		ErrCheckpointUnknown, ErrWebhookUnknown, ErrWebhookWaiting, ErrFeedUnknown, ErrProposalUnknown, ErrProposalOver, ErrProposalOpen,
	} {
		codes[e.Code] = e.Kind
	}
	for _, e := range slices.Concat(commissionRefusals(), reconRefusals(), refundRefusals(), mandateRefusals(), queryRefusals()) {
		codes[e.Code] = e.Kind
	}
	return codes
}
