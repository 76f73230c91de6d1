package inquiry

import (
	"errors"
	"fmt"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// ContentType of both messages.
const ContentType = "application/pkcs7-mime"

// Types of messages.
const (
	QuestionType = "debts-question"
	AnswerType   = "debts-answer"
)

// Limits.
const (
	// AnswerBytesMax bounds a signed answer.
	AnswerBytesMax = 1 << 20
	// DebtsMax is the most debts of one answer.
	DebtsMax = 1000
	// AsOfAgeMax is how old an answer may be by its own word: registers answer from copies that are made every night.
	AsOfAgeMax = 25 * time.Hour
	// clocksDiffer is how far the clock of an agency may be before ours.
	clocksDiffer = 5 * time.Minute
)

// ErrAnswer says that an answer is not what the interface defines, or answers something else.
var ErrAnswer = errors.New("not an answer to the question")

// ErrOld says that an answer is too old by its own word, or of the future.
var ErrOld = errors.New("the answer is not of now")

// Question asks an agency what somebody owes to it, or about one debt by its number; then it names nobody.
type Question struct {
	Type string `json:"type"`
	// ID is drawn for each question; the answer repeats it.
	ID string `json:"question"`
	// Agency is the BIN of whom is asked.
	Agency string `json:"agency"`
	// Payer is an IIN or BIN; empty in a question about a number.
	Payer string `json:"payer,omitempty"`
	// Reference is the agency's number of a debt. Only registers of which that is known are asked so; see [Settings].
	Reference string `json:"reference,omitempty"`
	// At is when the question was made, RFC 3339.
	At string `json:"at"`
}

// Encode renders the question in canonical form.
func (q Question) Encode() ([]byte, error) {
	q.Type = QuestionType
	return canon.Marshal(q)
}

// Answer states all that somebody owes to an agency, and what is left out is owed no more; or it states the one debt that has the number of
// the question, with its payer, or that none is owed under it, and nothing else.
type Answer struct {
	Type   string `json:"type"`
	ID     string `json:"question"`
	Agency string `json:"agency"`
	Payer  string `json:"payer,omitempty"`
	// Reference is repeated from a question about a number.
	Reference string `json:"reference,omitempty"`
	// AsOf is of when the register's data are, RFC 3339.
	AsOf  string  `json:"as_of"`
	Debts []Owing `json:"debts"`
}

// Owing is one debt of an [Answer], under the same rules as one of a feed; see [debt.Item].
type Owing struct {
	Reference string `json:"reference"`
	// Payer is the IIN or BIN of who owes it; in answers about a number, and only there.
	Payer    string         `json:"payer,omitempty"`
	Name     string         `json:"payer_name,omitempty"`
	Service  string         `json:"service"`
	Tiyn     *int64         `json:"amount,omitempty"`
	Currency money.Currency `json:"currency,omitempty"`
	Purpose  string         `json:"purpose,omitempty"`
	DueOn    catalog.Date   `json:"due_on,omitempty"`
	AroseOn  catalog.Date   `json:"arose_on,omitempty"`
}

// Found is an answer as it was understood.
type Found struct {
	// AsOf in UTC, cut to microseconds.
	AsOf time.Time
	// Items state the debts, all of them the payer's.
	Items []debt.Item
}

// Parse reads the content of an answer to q that came at the given time. An answer to another question, of another agency or about
// somebody else is refused, or an agency could be made to speak of who was not asked about, and an old answer be played again.
// Whether each debt is a good one is not decided here. Errors wrap [ErrAnswer] or [ErrOld].
func Parse(content []byte, q Question, at time.Time) (Found, error) {
	var a Answer
	if err := canon.Decode(content, &a); err != nil {
		return Found{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	switch {
	case a.Type != AnswerType:
		return Found{}, fmt.Errorf("%w: type %q", ErrAnswer, a.Type)
	case a.ID != q.ID || a.Agency != q.Agency || a.Payer != q.Payer || a.Reference != q.Reference:
		return Found{}, fmt.Errorf("%w: question, agency, payer or number is another", ErrAnswer)
	case q.Reference != "" && len(a.Debts) > 1:
		return Found{}, fmt.Errorf("%w: several debts under one number", ErrAnswer)
	case a.Debts == nil: // null or left out is not "nothing is owed"
		return Found{}, fmt.Errorf("%w: debts are missing", ErrAnswer)
	case len(a.Debts) > DebtsMax:
		return Found{}, fmt.Errorf("%w: more than %d debts", ErrAnswer, DebtsMax)
	}
	asOf, err := time.Parse(time.RFC3339Nano, a.AsOf)
	if err != nil {
		return Found{}, fmt.Errorf("%w: as_of %q", ErrAnswer, a.AsOf)
	}
	if asOf.After(at.Add(clocksDiffer)) || asOf.Before(at.Add(-AsOfAgeMax)) {
		return Found{}, fmt.Errorf("%w: as of %s", ErrOld, asOf.UTC().Format(time.RFC3339))
	}
	found := Found{AsOf: asOf.UTC().Truncate(time.Microsecond), Items: make([]debt.Item, len(a.Debts))}
	seen := make(map[string]bool, len(a.Debts))
	for i, d := range a.Debts {
		if seen[d.Reference] { // which of the two is owed nobody could tell
			return Found{}, fmt.Errorf("%w: reference %d stands twice", ErrAnswer, i)
		}
		seen[d.Reference] = true
		payer := a.Payer
		switch {
		case q.Reference == "" && d.Payer != "":
			return Found{}, fmt.Errorf("%w: debt %d names a payer of its own", ErrAnswer, i)
		case q.Reference != "" && (d.Reference != q.Reference || !catalog.ValidPayerID(d.Payer)):
			return Found{}, fmt.Errorf("%w: another number, or nobody who owes it", ErrAnswer)
		case q.Reference != "":
			payer = d.Payer
		}
		found.Items[i] = debt.Item{
			Reference: d.Reference, Payer: debt.Payer{ID: payer, Name: d.Name}, Service: d.Service, Tiyn: d.Tiyn, Currency: d.Currency,
			Purpose: d.Purpose, DueOn: d.DueOn, AroseOn: d.AroseOn,
		}
	}
	return found, nil
}
