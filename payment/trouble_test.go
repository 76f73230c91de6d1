package payment

import "testing"

func TestTroubleOf(t *testing.T) {
	for noted, want := range map[string][2]string{
		"the seal could not be made":                           {"seal", ""},
		"no reply: time-out":                                   {"no_reply", "time-out"},
		"no reply to a lookup: connection failed":              {"no_answer", "connection failed"},
		"reply with status 502":                                {"status", "502"},
		"reply to a lookup with status 500":                    {"answer_status", "500"},
		"message of the bank: signature_invalid":               {"message", "signature_invalid"},
		"reply to the question for a report with status 404":   {"report_status", "404"},
		"pending at the bank":                                  {"pending", ""},
		"pending at the bank's counter":                        {"", "pending at the bank's counter"},
		"":                                                     {"", ""},
		"what an older version noted":                          {"", "what an older version noted"},
		"the file could not be handed over: connection failed": {"hand_over", "connection failed"},
	} {
		if kind, particular := TroubleOf(noted); [2]string{kind, particular} != want {
			t.Errorf("%q: got %q and %q", noted, kind, particular)
		}
	}
}
