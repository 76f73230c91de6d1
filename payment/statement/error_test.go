package statement

import "testing"

func TestQuoted(t *testing.T) {
	long := []byte("0123456789012345678901234567890123456789")
	for text, want := range map[string]string{
		"no statement inside":                    "",
		"":                                       "",
		quote([]byte("26АПР")):                   "26АПР",
		"/DATE/" + quote([]byte(`a"b`)):          `a\"b`,
		"Ccy is not a currency: " + quote(nil):   "",
		quote(long):                              "01234567890123456789012345678901…",
		quote([]byte("x\u202ey\x00")):            `x\u202ey\x00`,
		`a quotation mark that is not closed: "`: "",
	} {
		if got := (&Error{Text: text}).Quoted(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
