package catalog

import (
	"time"

	"qaqpa/payment/money"
)

// Names is a text in the three languages of the gateway. Kazakh is never behind Russian (R13): all three are
// obligatory.
type Names struct {
	KK string `json:"kk" db:"kk"`
	RU string `json:"ru" db:"ru"`
	EN string `json:"en" db:"en"`
}

// Agency is a state body that owns services and debts, and is told of payments.
type Agency struct {
	// ID is "agc_" and 32 hex digits.
	ID string `json:"id"`
	// BIN identifies the agency: 12 digits with a valid check digit.
	BIN string `json:"bin"`
	// Names of the agency.
	Names Names `json:"names"`
	// WebhookURL receives payment facts; empty means that the agency reads them by API.
	WebhookURL string `json:"webhook_url,omitempty"`
	// WebhookDisabledAt is set when the receiver answered 410 Gone.
	WebhookDisabledAt *time.Time `json:"webhook_disabled_at,omitempty"`
	// CreatedAt is the time of registration.
	CreatedAt time.Time `json:"created_at"`
}

// AgencySpec registers an agency, or changes it when its BIN is known.
type AgencySpec struct {
	BIN        string `json:"bin"`
	Names      Names  `json:"names"`
	WebhookURL string `json:"webhook_url,omitempty"`
}

// Bank is a second-level bank that executes payments for the gateway.
type Bank struct {
	// BIC identifies the bank: 8 letters and digits.
	BIC string `json:"bic"`
	// BIN is the identification number that the bank's certificates carry; its messages are bound to it.
	BIN string `json:"bin"`
	// Name of the bank as receipts print it.
	Name string `json:"name"`
	// URL is the base of the bank's payment interface, without a trailing slash.
	URL string `json:"url"`
	// Files is where the bank takes payment orders as ISO 20022 files (https://… or file:///…); empty, it takes messages at URL.
	Files string `json:"files,omitempty"`
	// Paused stops new orders through the bank; payments on the way are still looked up and confirmed.
	Paused bool `json:"paused"`
	// SilentSince is when the bank stopped answering, nil while it answers; no new orders go through a silent bank.
	SilentSince *time.Time `json:"silent_since,omitempty"`
	// CreatedAt is the time of registration.
	CreatedAt time.Time `json:"created_at"`
}

// Takes reports whether new payments may go through the bank.
func (b Bank) Takes() bool { return !b.Paused && b.SilentSince == nil }

// BankSpec registers a bank, or changes it when its BIC is known.
type BankSpec struct {
	BIC    string `json:"bic"`
	BIN    string `json:"bin"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Files  string `json:"files,omitempty"`
	Paused bool   `json:"paused,omitempty"`
}

// Beneficiary is where the money of a service goes.
type Beneficiary struct {
	// Name as payment orders print it.
	Name string `json:"name"`
	// BIN of the beneficiary.
	BIN string `json:"bin"`
	// Account is an IBAN: KZ, 2 check digits, 3 digits of the bank, 13 letters or digits.
	Account string `json:"account"`
	// BIC of the beneficiary's bank.
	BIC string `json:"bic"`
}

// Kind classifies a service by what it gives (R3).
type Kind string

// Kinds of service.
const (
	Informational Kind = "informational"
	Interactive   Kind = "interactive"
	Transactional Kind = "transactional"
	Composite     Kind = "composite"
)

// Automation classifies a service by how far it is automated (R3).
type Automation string

// Degrees of automation.
const (
	FullyAutomated  Automation = "full"
	PartlyAutomated Automation = "partial"
)

// Service is a paid service of an agency, in one of its versions.
type Service struct {
	// ID is "svc_" and 32 hex digits; it stays over versions.
	ID string `json:"id"`
	// Version counts publications from 1.
	Version int `json:"version"`
	// Agency owns the service.
	Agency string `json:"agency"`
	ServiceSpec
	// PublishedAt is the time of this version.
	PublishedAt time.Time `json:"published_at"`
}

// ServiceSpec is what an agency publishes. Publishing a code again with other content makes a new version;
// debts keep the version under which they were loaded.
type ServiceSpec struct {
	// Code is the agency's own stable code: 1 to 64 of a-z, 0-9, dot and hyphen.
	Code string `json:"code"`
	// Names of the service.
	Names Names `json:"names"`
	// Kind by law; empty means transactional.
	Kind Kind `json:"kind,omitempty"`
	// Automation by law; empty means full.
	Automation Automation `json:"automation,omitempty"`
	// KBK is the budget classification code, 6 digits.
	KBK string `json:"kbk"`
	// KNP is the purpose code of the payment, 3 digits.
	KNP string `json:"knp"`
	// KBE is residency and sector of the beneficiary, 2 digits.
	KBE string `json:"kbe"`
	// Beneficiary of the money.
	Beneficiary Beneficiary `json:"beneficiary"`
	// Tariffs, dated, not overlapping.
	Tariffs []Tariff `json:"tariffs"`
	// InstalmentMin, in tiyn, lets a debt be paid in parts, each but the last of at least this much; 0 takes debts as a
	// whole only.
	InstalmentMin int64 `json:"instalment_min,omitempty"`
	// WithoutDebt lets payers pay the fee of the tariff of their own accord, without a debt of the agency.
	WithoutDebt bool `json:"without_debt,omitempty"`
}

// TariffKind says how a tariff makes an amount.
type TariffKind string

// Kinds of tariff.
const (
	// Fixed is an amount of money.
	Fixed TariffKind = "fixed"
	// MRPRate is a rate times the МРП of the day.
	MRPRate TariffKind = "mrp"
	// Percent is a part of a claim, within a floor and a cap: court fees.
	Percent TariffKind = "percent"
	// Stated leaves the amount to each debt: fines, arrears.
	Stated TariffKind = "stated"
)

// Tariff is a price with validity dates.
type Tariff struct {
	// ValidFrom is the first day.
	ValidFrom Date `json:"valid_from"`
	// ValidTo is the last day; empty means until further notice.
	ValidTo Date `json:"valid_to,omitempty"`
	// Kind of tariff.
	Kind TariffKind `json:"kind"`
	// Fixed is the price in tiyn, for kind fixed only.
	Fixed int64 `json:"amount,omitempty"`
	// Rate in МРП as a decimal such as "1.25" for kind mrp; percent of the claim, at most 100 and with at most two
	// decimals, for kind percent.
	Rate RateText `json:"rate,omitempty"`
	// Rounding of rate × МРП for kind mrp, of the part of the claim and of bounds in МРП for kind percent.
	Rounding money.Rounding `json:"rounding,omitempty"`
	// Floor and Cap are the least and the most that a part of a claim comes to, for kind percent only; nil is none.
	// Where both are given and МРП bring the floor above the cap, the cap holds.
	Floor *Bound `json:"floor,omitempty"`
	Cap   *Bound `json:"cap,omitempty"`
	// Discounts are windows in which less than the full fee is due. Of several that are open the payer gets the one
	// that leaves least.
	Discounts []Discount `json:"discounts,omitempty"`
}

// Bound is an amount in tiyn or in МРП, never both.
type Bound struct {
	Tiyn int64    `json:"amount,omitempty"`
	MRP  RateText `json:"mrp,omitempty"`
}

// Discount is a window for payers who pay early: within a number of days, or until a date, never both.
type Discount struct {
	// Percent is taken off the full fee: above 0, below 100, at most two decimals.
	Percent RateText `json:"percent"`
	// Rounding of what is left to pay.
	Rounding money.Rounding `json:"rounding"`
	// Days after the day on which the fee arises; that day itself is day 0.
	Days int `json:"days,omitempty"`
	// Until is the last day.
	Until Date `json:"until,omitempty"`
}

// MRP is one row of the table of the monthly calculation index.
type MRP struct {
	// ValidFrom and ValidTo are the first and the last day; an empty ValidTo is open.
	ValidFrom Date `json:"valid_from"`
	ValidTo   Date `json:"valid_to,omitempty"`
	// Tiyn is the value in tiyn.
	Tiyn int64 `json:"amount"`
	// Source names the act or publication.
	Source string `json:"source"`
}

// Quote is an amount together with how it came about.
type Quote struct {
	money.Amount
	// Service and Version quoted.
	Service string `json:"service"`
	Version int    `json:"version"`
	// On is the day whose tariff and МРП were used.
	On Date `json:"on"`
	// Basis is how the amount was made.
	Basis Basis `json:"basis"`
	// PaidOn is the day of payment that was asked about, and Payable what is due on it, in tiyn: the amount, less the
	// discount whose window is open.
	PaidOn  Date  `json:"paid_on"`
	Payable int64 `json:"payable"`
	// Discount is the one that Payable rests on; nil when none is open.
	Discount *OpenDiscount `json:"discount,omitempty"`
}

// OpenDiscount is a discount as it stands for one fee.
type OpenDiscount struct {
	Percent  RateText       `json:"percent"`
	Rounding money.Rounding `json:"rounding"`
	// Until is the last day of the window.
	Until Date `json:"until"`
}

// Basis tells how an amount was made; receipts keep it.
type Basis struct {
	Kind TariffKind `json:"kind"`
	// Rate, MRP (tiyn) and Rounding are set for kind mrp; for kind percent too, MRP where a bound is in it.
	Rate     RateText       `json:"rate,omitempty"`
	MRP      int64          `json:"mrp,omitempty"`
	Rounding money.Rounding `json:"rounding,omitempty"`
	// Claim, Floor and Cap, in tiyn, are set for kind percent; Claim is absent where the agency stated the amount.
	Claim int64 `json:"claim,omitempty"`
	Floor int64 `json:"floor,omitempty"`
	Cap   int64 `json:"cap,omitempty"`
	// On is the day of the tariff.
	On Date `json:"on"`
	// Rest says that the amount is what is owed again of a fee after a part of its payment was given back; it has no discount.
	Rest bool `json:"rest,omitempty"`
}
