package payment

import (
	"errors"
	"strconv"

	"qaqpa/payment/recon"
	"qaqpa/payment/statement"
)

// Reasons of refusals of statements and of steps with them, beside the codes of their refusals: they say which of the things that a code
// stands for is the matter. They are part of the public contract, as those of [recon.Whys] are.
const (
	reasonFormat        = "statement_format_unknown"
	reasonVersion       = "statement_version_unknown"
	reasonSyntax        = "statement_syntax_broken"
	reasonEncoding      = "statement_encoding_broken"
	reasonStructure     = "statement_structure_broken"
	reasonValue         = "statement_value_wrong"
	reasonLimit         = "statement_limit_passed"
	reasonNoStatement   = "statement_absent"
	reasonColumns       = "statement_columns_of_several"
	reasonCheckPrefix   = "statement_check_" // and the name of the check
	reasonBounds        = "statement_balance_missing"
	reasonCurrency      = "statement_in_another_currency"
	reasonBatch         = "statement_batch_without_amounts"
	reasonNumberBooked  = "statement_number_booked"
	reasonOtherReplaced = "statement_would_replace_another"
	reasonNumberAbsent  = "statement_lacks_that_number"
	reasonUnproposed    = "withdrawal_not_proposed"
	reasonWaits         = "withdrawal_waits"
	reasonDecided       = "statement_decided_upon"
	reasonInstalments   = "instalments_elsewhere"
	reasonClosed        = "period_closed_on"
	reasonUnsigned      = "account_needs_signed_statements"
	reasonSigner        = "account_of_another_signer"
)

// ReasonCodes lists all reasons of refusals that are not a verdict's, for the tests that find each in openapi.yaml and in the catalogues of texts.
func ReasonCodes() []string {
	out := []string{
		reasonFormat, reasonVersion, reasonSyntax, reasonEncoding, reasonStructure, reasonValue, reasonLimit, reasonNoStatement, reasonColumns,
		reasonBounds, reasonCurrency, reasonBatch, reasonNumberBooked, reasonOtherReplaced, reasonNumberAbsent, reasonUnproposed, reasonWaits, reasonDecided,
		reasonInstalments, reasonClosed, reasonUnsigned, reasonSigner,
	}
	for _, name := range refusingChecks() {
		out = append(out, reasonCheckPrefix+string(name))
	}
	for _, w := range recon.Whys() {
		out = append(out, string(w))
	}
	return out
}

// refusingChecks are the checks of a statement that refuse it when they fail.
func refusingChecks() []statement.CheckName {
	return []statement.CheckName{statement.CheckBalance, statement.CheckTotals, statement.CheckBatch, statement.CheckRepeated, statement.CheckComplete}
}

// of returns a copy with a reason, and what it is about: an id, an account, a place in a file; empty where the reason says all.
func (e *Error) of(reason, about string) *Error {
	c := *e
	c.Reasons, c.About = []string{reason}, about
	return &c
}

// misfit refuses a resolution.
func misfit(why recon.Why, about string) *Error {
	return misfitOf(&recon.MisfitError{Why: why, About: about})
}

// misfitOf refuses a resolution for what [recon.Legs] says of it.
func misfitOf(err error) *Error {
	e := ErrResolutionMisfit.with(err.Error()).because(err)
	if m, ok := errors.AsType[*recon.MisfitError](err); ok {
		return e.of(string(m.Why), m.About)
	}
	return e
}

// unreadable refuses a file of statements for what its reader says of it; nil for an error that is not the file's fault.
func unreadable(err error) error {
	fault, placed := errors.AsType[*statement.Error](err)
	if !placed {
		if errors.Is(err, statement.ErrUnknown) {
			return ErrStatementUnreadable.with(err.Error()).of(reasonFormat, "").because(err)
		}
		return nil
	}
	reason := reasonStructure
	for _, kind := range []struct {
		of     error
		reason string
	}{
		{statement.ErrVersion, reasonVersion},
		{statement.ErrSyntax, reasonSyntax},
		{statement.ErrEncoding, reasonEncoding},
		{statement.ErrValue, reasonValue},
		{statement.ErrLimit, reasonLimit},
	} {
		if errors.Is(fault.Err, kind.of) {
			reason = kind.reason
		}
	}
	about := string(fault.Format) + ", " + strconv.Itoa(fault.Line)
	if fault.Path != "" {
		about += ", " + fault.Path
	}
	return ErrStatementUnreadable.with(fault.Error()).of(reason, about).because(err)
}
