package bank

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// state is all that a bank knows; it is what the state file holds.
type state struct {
	Balances  map[string]int64    `json:"balances"` // payer → tiyn
	Credits   map[string]int64    `json:"credits"`  // beneficiary account → tiyn received
	Payments  map[string]*payment `json:"payments"` // by attempt
	Movements []Movement          `json:"movements"`
	Callbacks []Callback          `json:"callbacks"` // sent
	Waiting   []call              `json:"waiting"`   // to send

	Refunds map[string]*returned `json:"refunds,omitempty"` // by id
}

// payment is one attempt.
type payment struct {
	Order       order      `json:"order"`
	Fingerprint string     `json:"fingerprint"`
	Outcome     string     `json:"outcome"`
	Reason      string     `json:"reason,omitempty"`
	Reference   string     `json:"reference,omitempty"`
	ExecutedAt  *time.Time `json:"executed_at,omitempty"`
	// SettleAt is when a pending payment is executed.
	SettleAt *time.Time `json:"settle_at,omitempty"`
	// RefuseWith is the reason with which it is refused then; empty: it is executed.
	RefuseWith string `json:"refuse_with,omitempty"`
	Requests   int    `json:"requests"` // how often the attempt came
}

// Movement is money that moved, once per executed payment and beneficiary.
type Movement struct {
	Attempt   string    `json:"attempt"`
	EndToEnd  string    `json:"end_to_end"` // the attempt, or the reference of its allocation
	Order     string    `json:"order"`
	Payer     string    `json:"payer"`
	Account   string    `json:"account"` // beneficiary's
	KBK       string    `json:"kbk"`
	Amount    int64     `json:"amount"` // tiyn
	Reference string    `json:"reference"`
	At        time.Time `json:"at"`
}

// Callback is a call to the gateway that was made.
type Callback struct {
	Attempt string    `json:"attempt"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"`
	Status  int       `json:"status"` // HTTP; 0: no answer
	Body    string    `json:"body"`   // answer or error, at most 2,000 octets
}

// call is a callback to send.
type call struct {
	Attempt string    `json:"attempt"`
	Due     time.Time `json:"due"`
	Tries   int       `json:"tries"`
	// Outcome overrides the payment's: a message that comes too late.
	Outcome string `json:"outcome,omitempty"`
}

func newState() *state {
	return &state{Balances: map[string]int64{}, Credits: map[string]int64{}, Payments: map[string]*payment{}}
}

// loadState reads the file; an absent one is an empty state.
func loadState(file string) (*state, error) {
	s := newState()
	if file == "" {
		return s, nil
	}
	raw, err := os.ReadFile(file) // the path comes from the operator's configuration
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the bank's state: %w", err)
	}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("couldn't read the bank's state: %w", err)
	}
	return s, nil
}

// save writes the state; b.mu is held. Renaming makes the change whole or not at all.
func (b *Bank) save() error {
	if b.cfg.StateFile == "" {
		return nil
	}
	raw, err := json.Marshal(b.state)
	if err == nil {
		err = os.WriteFile(b.cfg.StateFile+".new", raw, 0o600)
	}
	if err == nil {
		err = os.Rename(b.cfg.StateFile+".new", b.cfg.StateFile)
	}
	if err != nil {
		return fmt.Errorf("couldn't keep the bank's state: %w", err)
	}
	return nil
}

// errOther means that an attempt came again with other content.
var errOther = errors.New("this attempt is known with other content")

// decision says how a new payment is treated.
type decision struct {
	refuse string        // reason; empty: execute
	later  bool          // answer pending and decide after delay
	delay  time.Duration // for later
}

// accept registers an order, executes it unless it is known, and returns a copy of its state.
func (b *Bank) accept(o order, d decision) (payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.state.Payments[o.Attempt]
	if p != nil {
		if p.Fingerprint != o.fingerprint() {
			return payment{}, errOther
		}
		p.Requests++
		return *p, b.save()
	}
	p = &payment{Order: o, Fingerprint: o.fingerprint(), Outcome: Pending, Requests: 1}
	b.state.Payments[o.Attempt] = p
	if d.later {
		at := b.now().Add(d.delay)
		p.SettleAt, p.RefuseWith = &at, d.refuse
	} else {
		b.settle(p, d.refuse)
	}
	return *p, b.save()
}

// settle executes or refuses a payment; b.mu is held. It is the only place where money moves.
func (b *Bank) settle(p *payment, refuse string) {
	o := p.Order
	p.SettleAt = nil
	balance, known := b.state.Balances[o.Payer.ID]
	if !known && b.cfg.DefaultBalance >= 0 {
		balance, known = b.cfg.DefaultBalance, true
	}
	switch {
	case refuse != "":
	case !known:
		refuse = "no_account"
	case balance < o.Amount+o.Commission:
		refuse = "insufficient_funds"
	}
	if refuse != "" {
		p.Outcome, p.Reason = Refused, refuse
		return
	}
	at := b.now()
	p.Outcome, p.ExecutedAt = Executed, &at
	p.Reference = fmt.Sprintf("%s-%s-%06d", b.cfg.BIC, at.Format("060102"), len(b.state.Movements)+1)
	b.state.Balances[o.Payer.ID] = balance - o.Amount - o.Commission
	for _, c := range o.credits() {
		b.state.Credits[c.Beneficiary.Account] += c.Amount
		b.state.Movements = append(b.state.Movements, Movement{
			Attempt: o.Attempt, EndToEnd: c.Reference, Order: o.Order, Payer: o.Payer.ID, Account: c.Beneficiary.Account,
			KBK: c.Beneficiary.KBK, Amount: c.Amount, Reference: p.Reference, At: at,
		})
	}
}

// now is the clock in the precision of messages.
func (b *Bank) now() time.Time { return b.cfg.Now().UTC().Truncate(time.Millisecond) }

// status is the message about a payment.
func (b *Bank) status(p payment) Status {
	s := Status{
		Type: "payment-status", Bank: b.cfg.BIC, Attempt: p.Order.Attempt, Order: p.Order.Order, Outcome: p.Outcome,
		Amount: p.Order.Amount, Currency: p.Order.Currency, Reference: p.Reference, ExecutedAt: p.ExecutedAt, Reason: p.Reason,
	}
	if p.Outcome == Executed {
		s.Commission = p.Order.Commission
	}
	return s
}

// SetBalance opens or refills a payer's account (tiyn).
func (b *Bank) SetBalance(payer string, amount int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Balances[payer] = amount
	return b.save()
}

// Balance of a payer (tiyn); false if he has no account yet.
func (b *Bank) Balance(payer string) (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	amount, ok := b.state.Balances[payer]
	return amount, ok
}

// Credited is what a beneficiary's account received (tiyn).
func (b *Bank) Credited(account string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Credits[account]
}

// Movements lists every movement of money, in order.
func (b *Bank) Movements() []Movement {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.state.Movements)
}

// Callbacks lists the calls made to the gateway, in order.
func (b *Bank) Callbacks() []Callback {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.state.Callbacks)
}

// Requests is how often an attempt was submitted.
func (b *Bank) Requests(attempt string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.state.Payments[attempt]; p != nil {
		return p.Requests
	}
	return 0
}
