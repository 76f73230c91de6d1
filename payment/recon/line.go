package recon

import "time"

// Line is one movement of a statement, as it is stored and matched.
type Line struct {
	// No is the number of the entry in its statement, from 1; Part the number of an itemised transaction in it, from 1,
	// or 0 for the entry itself.
	No   int `json:"no"`
	Part int `json:"part"`
	// Tiyn is signed: money that came is positive. Zero amounts are no lines.
	Tiyn int64 `json:"amount"`
	// Foreign is the currency and the amount as the file writes it, when it is not the account's; Tiyn is then zero.
	Foreign string `json:"foreign,omitempty"`
	Booked  Day    `json:"booked_on"`
	// Reference is normalised, see [Reference].
	Reference     string `json:"reference,omitempty"`
	UIP           string `json:"uip,omitempty"`
	BankReference string `json:"bank_reference,omitempty"`
	Batch         string `json:"batch,omitempty"`
	Payer         string `json:"payer,omitempty"`
	KBK           string `json:"kbk,omitempty"`
	Purpose       string `json:"purpose,omitempty"`
	// Count is how many payments the bank says the entry carries; 0 when it does not say.
	Count int `json:"count,omitempty"`
	// Reverses is true when the bank marks the line as taking back an earlier one.
	Reverses bool `json:"reverses,omitempty"`
}

// DaysOpen is how many days an exception of the day has been open at a moment.
func DaysOpen(opened, at time.Time) int {
	return max(int(DayOf(at).Sub(DayOf(opened))/(24*time.Hour)), 0)
}
