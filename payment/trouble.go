package payment

import "strings"

// What is noted about an attempt whose outcome is not known, in English, and for some with a particular behind it: a cause, a status of
// HTTP, a code of a problem.
const (
	troubleSeal         = "the seal could not be made"
	troubleNoReply      = "no reply: "
	troubleStatus       = "reply with status "
	troubleNoAnswer     = "no reply to a lookup: "
	troubleAnswerStatus = "reply to a lookup with status "
	troubleMessage      = "message of the bank: "
	troubleHandOver     = "the file could not be handed over: "
	troubleNoReport     = "no report: "
	troubleReportStatus = "reply to the question for a report with status "
	troubleReport       = "report of the bank: "
	troubleReportOpen   = "the report leaves payments open"
)

// TroubleOf sorts what is noted about an attempt ([OpenAttempt]) for texts in other languages: its kind, empty for one that nobody knows,
// and the particular. Kinds are stable.
func TroubleOf(noted string) (kind, particular string) {
	for _, t := range troubles() {
		if rest, ok := strings.CutPrefix(noted, t.begins); ok && (rest == "" || strings.HasSuffix(t.begins, " ")) {
			return t.kind, rest
		}
	}
	return "", noted
}

// TroubleKinds lists the kinds.
func TroubleKinds() []string {
	out := make([]string, 0, len(troubles()))
	for _, t := range troubles() {
		out = append(out, t.kind)
	}
	return out
}

type trouble struct{ begins, kind string }

func troubles() []trouble {
	return []trouble{
		{troubleSeal, "seal"},
		{troubleNoReply, "no_reply"},
		{troubleStatus, "status"},
		{troubleNoAnswer, "no_answer"},
		{troubleAnswerStatus, "answer_status"},
		{troubleMessage, "message"},
		{troubleHandOver, "hand_over"},
		{troubleNoReport, "no_report"},
		{troubleReportStatus, "report_status"},
		{troubleReport, "report"},
		{troubleReportOpen, "report_open"},
		{pendingAtBank, "pending"},
	}
}
