package recon

import (
	"cmp"
	"slices"
	"time"
)

// Facts are what is known of one side of a possible match.
type Facts struct {
	// ID names the line or the expectation.
	ID            string `json:"id"`
	Reference     string `json:"reference,omitempty"`
	BankReference string `json:"bank_reference,omitempty"`
	UIP           string `json:"uip,omitempty"`
	Payer         string `json:"payer,omitempty"`
	KBK           string `json:"kbk,omitempty"`
	// Tiyn is signed: money that came is positive.
	Tiyn int64 `json:"amount"`
	// Day is when it was booked or paid.
	Day Day `json:"day"`
}

// Suggestion is a possible partner with the reasons that speak for it.
type Suggestion struct {
	Facts
	// Score is 1 to 100; 100 means that everything agrees.
	Score   int      `json:"score"`
	Reasons []string `json:"reasons"`
}

// Weights of what agrees; together 100.
const (
	weightReference = 30
	weightAmount    = 30
	weightPayer     = 20
	weightKBK       = 10
	weightDay       = 10
	// scoreMin is the least score that is worth showing.
	scoreMin = 30
)

// Suggest ranks candidates for one side, the best first; equal scores go by id, so that the order never changes. At most
// limit are returned, and none below 30 points.
func Suggest(of Facts, candidates []Facts, limit int) []Suggestion {
	out := make([]Suggestion, 0, min(limit, len(candidates)))
	for _, c := range candidates {
		if s := compare(of, c); s.Score >= scoreMin {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(limit, len(out))]
}

func compare(a, b Facts) Suggestion {
	s := Suggestion{Facts: b, Reasons: []string{}}
	add := func(points int, reason string) {
		s.Score += points
		s.Reasons = append(s.Reasons, reason)
	}
	switch {
	case a.Reference != "" && a.Reference == b.Reference:
		add(weightReference, "reference")
	case a.UIP != "" && a.UIP == b.UIP:
		add(weightReference, "uip")
	case a.BankReference != "" && a.BankReference == b.BankReference:
		add(weightReference, "bank_reference")
	}
	switch {
	case a.Tiyn == b.Tiyn:
		add(weightAmount, "amount")
	case near(a.Tiyn, b.Tiyn):
		add(weightAmount/2, "amount_near")
	}
	if a.Payer != "" && a.Payer == b.Payer {
		add(weightPayer, "payer")
	}
	if a.KBK != "" && a.KBK == b.KBK {
		add(weightKBK, "kbk")
	}
	const day = 24 * time.Hour
	if apart := a.Day.Sub(b.Day).Abs() / day; apart <= weightDay-1 {
		add(weightDay-int(apart), "day")
	}
	return s
}

// near tells amounts of one sign that differ by at most a hundredth of the larger.
func near(a, b int64) bool {
	if (a < 0) != (b < 0) {
		return false
	}
	if a < 0 {
		a, b = -(a + 1), -(b + 1) // the smallest int64 has no positive; one tiyn does not matter here
	}
	return max(a, b)-min(a, b) <= max(a, b)/100
}
