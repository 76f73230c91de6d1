package inquiry

import (
	"time"

	"qaqpa/payment/catalog"
)

// Settings say how an agency's register is asked.
type Settings struct {
	// URL takes the questions.
	URL string `json:"url"`
	// Wait bounds a question, from dialling to the last octet of the answer: 100 ms to 10 s. A citizen waits as long.
	Wait time.Duration `json:"wait_ns"`
	// Fresh is how long an answer stands in for the next one, up to a day; 0 asks each time.
	Fresh time.Duration `json:"fresh_ns"`
	// ByReference says that it also answers questions about one debt, by the number that the agency gave it.
	ByReference bool `json:"by_reference,omitempty"`
	// Paused registers are not asked.
	Paused bool `json:"paused"`
}

// Bounds of [Settings].
const (
	WaitMin  = 100 * time.Millisecond
	WaitMax  = 10 * time.Second
	FreshMax = 24 * time.Hour
)

// Check refuses settings that break a rule, as a [*catalog.FieldError]; plainHTTP admits http beside https.
func (s Settings) Check(plainHTTP bool) error {
	switch {
	case s.Wait < WaitMin || s.Wait > WaitMax:
		return &catalog.FieldError{Field: "wait", Rule: "is not 100 ms to 10 s"}
	case s.Fresh < 0 || s.Fresh > FreshMax:
		return &catalog.FieldError{Field: "fresh", Rule: "is not 0 to 24 h"}
	}
	return catalog.CheckURL("url", s.URL, plainHTTP)
}

// When a register that fails is left in peace.
const (
	failuresMax = 3
	pauseMin    = 5 * time.Second
	pauseMax    = 5 * time.Minute
)

// Pause is how long a register is not asked after so many failures in a row: not at all at first, then 5 s, doubled each time up to
// 5 minutes.
func Pause(failures int) time.Duration {
	if failures < failuresMax {
		return 0
	}
	return min(pauseMin<<min(failures-failuresMax, 10), pauseMax)
}
