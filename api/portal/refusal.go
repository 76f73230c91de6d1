package portal

import "strings"

// refusal is why a bank refused, in words, and as the bank said it.
type refusal struct{ Text, Code string }

// refusalWords are the words for the codes by which banks refuse: those of our own exchange, and of ISO 20022 (ExternalStatusReason1Code).
// A code is compared in lower case.
func refusalWords() map[string]string {
	return map[string]string{
		"insufficient_funds": "funds", "am04": "funds",
		"no_account": "account", "ac01": "account", "ac02": "account", "ac03": "account",
		"account_closed": "closed", "ac04": "closed", "ac07": "closed",
		"account_blocked": "blocked", "ac06": "blocked",
		"limit_exceeded": "limit", "am02": "limit", "am13": "limit", "am14": "limit", "am21": "limit",
		"not_allowed": "forbidden", "ag01": "forbidden", "ag03": "forbidden", "rr04": "forbidden",
		"duplicate": "twice", "am05": "twice", "dupl": "twice",
		"expired": "late", "timeout": "late", "tm01": "late", "ab05": "late", "ab06": "late",
		"cancelled_by_client": "client", "declined_by_client": "client", "cust": "client", "ms02": "client",
		"invalid_details": "details", "rc01": "details", "be01": "details", "ff01": "details", "am09": "details", "am12": "details",
		"bank_unavailable": "trouble", "ed05": "trouble", "ab08": "trouble", "ab09": "trouble",
	}
}

// refused puts a bank's reason into words; nil without one. A reason that nobody has words for is told by words that are always true, and
// stays readable as the bank wrote it.
func (w words) refused(reason string) *refusal {
	if reason == "" {
		return nil
	}
	id, known := refusalWords()[strings.ToLower(strings.TrimSpace(reason))]
	if !known {
		id = "other"
	}
	return &refusal{Text: w.P("refusal." + id), Code: reason}
}
