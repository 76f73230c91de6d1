package bank

import (
	"encoding/json"
	"net/http"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// OnQueries are the questions about accounts, pledges and payments.
const OnQueries = "queries"

// query is the gateway's bank-query.
type query struct {
	Type           string `json:"type,omitempty"`
	Query          string `json:"query"`
	Bank           string `json:"bank"`
	Kind           string `json:"kind"`
	Person         string `json:"person"`
	Account        string `json:"account,omitempty"`
	PropertyKind   string `json:"property_kind,omitempty"`
	PropertyNumber string `json:"property_number,omitempty"`
	Attempt        string `json:"attempt,omitempty"`
}

type queryCredit struct {
	BIN     string `json:"bin"`
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
}

type queryPayment struct {
	Outcome    string        `json:"outcome"`
	Amount     int64         `json:"amount,omitempty"`
	Currency   string        `json:"currency,omitempty"`
	ExecutedAt *time.Time    `json:"executed_at,omitempty"`
	Reference  string        `json:"bank_reference,omitempty"`
	Sender     string        `json:"sender,omitempty"`
	Credits    []queryCredit `json:"credits,omitempty"`
}

type queryAnswer struct {
	query
	Belongs *bool         `json:"belongs,omitempty"`
	Pledged *bool         `json:"pledged,omitempty"`
	Payment *queryPayment `json:"payment,omitempty"`
	At      time.Time     `json:"at"`
}

// Own says that an account is a person's.
func (b *Bank) Own(account, person string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owners[account] = person
}

// Pledge says that a person has pledged property to the bank.
func (b *Bank) Pledge(person, kind, number string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pledges[person+"/"+kind+"/"+number] = true
}

func (b *Bank) postQuery(w http.ResponseWriter, r *http.Request) {
	content, f, ok := b.opened(w, r, OnQueries, maxOrder)
	if !ok {
		return
	}
	var q query
	if err := json.Unmarshal(content, &q); err != nil || q.Type != "bank-query" || q.Bank != b.cfg.BIC {
		http.Error(w, "not a query for this bank", http.StatusBadRequest)
		return
	}
	b.sendAnswer(w, b.find(q), f)
}

// find looks up what is asked.
func (b *Bank) find(q query) queryAnswer {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.Type = "bank-answer"
	a := queryAnswer{query: q, At: b.cfg.Now().UTC()}
	switch q.Kind {
	case "account-ownership":
		yes := b.owners[q.Account] == q.Person
		a.Belongs = &yes
	case "pledge":
		yes := b.pledges[q.Person+"/"+q.PropertyKind+"/"+q.PropertyNumber]
		a.Pledged = &yes
	case "payment-fact":
		a.Payment = &queryPayment{Outcome: Absent}
		p := b.state.Payments[q.Attempt]
		if p == nil {
			break
		}
		if a.Payment.Outcome = p.Outcome; p.Outcome != Executed {
			break
		}
		a.Payment.Amount, a.Payment.Currency, a.Payment.Sender = p.Order.Amount, p.Order.Currency, p.Order.Payer.ID
		a.Payment.ExecutedAt, a.Payment.Reference = p.ExecutedAt, p.Reference
		for _, c := range p.Order.credits() {
			a.Payment.Credits = append(a.Payment.Credits, queryCredit{c.Beneficiary.BIN, c.Beneficiary.Account, c.Amount})
		}
	}
	return a
}

// sendAnswer signs an answer, or spoils it.
func (b *Bank) sendAnswer(w http.ResponseWriter, a queryAnswer, f fault.Fault) {
	switch f.Kind {
	case FaultWrongBank:
		a.Bank = "XXXXKZKX"
	case FaultWrongAmount:
		if a.Payment != nil {
			a.Payment.Amount++
			a.Payment.Credits[0].Amount++
		}
	}
	signer := b.cfg.Signer
	if f.Kind == FaultOtherSigner {
		signer = b.cfg.OtherSigner
	}
	raw, err := json.Marshal(a)
	if err == nil && f.Kind != FaultNotSigned {
		raw, err = signer.SignCMS(raw, pki.CMSOptions{CorruptSignature: f.Kind == FaultBadSignature})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime")
	w.Write(raw) //nolint:errcheck // the client is gone
}
