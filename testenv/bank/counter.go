package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"qaqpa/testenv/pki"
)

// Counter is the bank's own app or terminal: it pays for the bank's clients through the gateway.
type Counter struct {
	bank *Bank
	// Gateway is its base URL, Key the bank's API key there.
	Gateway, Key string
}

// Counter opens a counter of the bank.
func (b *Bank) Counter(gateway, key string) *Counter {
	return &Counter{bank: b, Gateway: gateway, Key: key}
}

// Owed is a debt as the gateway offers it.
type Owed struct {
	Debt      string `json:"debt"`
	Version   int    `json:"version"`
	Reference string `json:"reference"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	// Commission is what the bank takes when the debt is paid alone.
	Commission int64 `json:"commission"`
}

// RefusedError is an answer of the gateway that is no sealed message.
type RefusedError struct {
	Status int
	Body   string
}

// Error implements error.
func (r *RefusedError) Error() string {
	return fmt.Sprintf("the gateway answered %d: %s", r.Status, r.Body)
}

// Check asks what a payer owes.
func (c *Counter) Check(ctx context.Context, request, payer string) ([]Owed, error) {
	answer, err := c.send(ctx, "/v1/bank/checks", map[string]any{
		"type": "payment-check", "bank": c.bank.cfg.BIC, "request": request, "payer": payer, "at": c.bank.now().Format(time.RFC3339Nano),
	})
	if err != nil {
		return nil, err
	}
	var offer struct {
		Type    string `json:"type"`
		Request string `json:"request"`
		Debts   []Owed `json:"debts"`
	}
	if err := json.Unmarshal(answer, &offer); err != nil {
		return nil, fmt.Errorf("couldn't read the offer: %w", err)
	}
	if offer.Type != "payment-offer" || offer.Request != request {
		return nil, errors.New("the answer is no offer to this request")
	}
	return offer.Debts, nil
}

// Begin orders a payment and keeps what the gateway seals; no money has moved yet. Repeat it under the same request when there is
// no answer.
func (c *Counter) Begin(ctx context.Context, request, payer, channel string, debts []Owed) (attempt string, err error) {
	list, total, commission := make([]map[string]any, len(debts)), int64(0), int64(0)
	for i, d := range debts {
		list[i] = map[string]any{"debt": d.Debt, "version": d.Version, "amount": d.Amount, "currency": d.Currency}
		total, commission = total+d.Amount, commission+d.Commission
	}
	message := map[string]any{
		"type": "payment-initiation", "bank": c.bank.cfg.BIC, "request": request, "payer": payer, "channel": channel, "debts": list,
		"amount": total, "currency": "KZT", "at": c.bank.now().Format(time.RFC3339Nano),
	}
	if commission > 0 {
		message["commission"] = commission
	}
	answer, err := c.send(ctx, "/v1/bank/payments", message)
	if err != nil {
		return "", err
	}
	o, err := parseOrder(answer, c.bank.cfg.BIC)
	if err != nil {
		return "", err
	}
	if o.Amount != total || o.Commission != commission || o.Payer.ID != payer {
		return "", errors.New("the payment order is not what the client agreed to")
	}
	return o.Attempt, c.bank.hold(o)
}

// hold keeps an order of the bank's own client until [Counter.Finish].
func (b *Bank) hold(o order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.state.Payments[o.Attempt]; p != nil {
		if p.Fingerprint != o.fingerprint() {
			return errOther
		}
		return nil
	}
	b.state.Payments[o.Attempt] = &payment{Order: o, Fingerprint: o.fingerprint(), Outcome: Pending, Requests: 1}
	return b.save()
}

// Finish debits the client, or gives up with the reason, and calls the gateway back unless silent.
func (c *Counter) Finish(ctx context.Context, attempt, refuse string, silent bool) error {
	b := c.bank
	b.mu.Lock()
	p := b.state.Payments[attempt]
	if p == nil {
		b.mu.Unlock()
		return errors.New("no such payment")
	}
	if p.Outcome == Pending {
		b.settle(p, refuse)
	}
	err := b.save()
	b.mu.Unlock()
	if err == nil && !silent {
		b.schedule(ctx, attempt, []call{{}})
	}
	return err
}

// send signs a message, posts it and opens the answer.
func (c *Counter) send(ctx context.Context, path string, message map[string]any) ([]byte, error) {
	raw, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("couldn't write a message: %w", err)
	}
	cms, err := c.bank.cfg.Signer.SignCMS(raw, pki.CMSOptions{})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Gateway, "/")+path, bytes.NewReader(cms))
	if err != nil {
		return nil, fmt.Errorf("couldn't ask the gateway: %w", err)
	}
	request.Header.Set("Content-Type", "application/pkcs7-mime")
	request.Header.Set("Authorization", "Bearer "+c.Key)
	response, err := c.bank.cfg.Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("couldn't ask the gateway: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxOrder))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the gateway's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, &RefusedError{response.StatusCode, string(body)}
	}
	c.bank.mu.Lock()
	gateway := c.bank.gateway
	c.bank.mu.Unlock()
	return openSeal(body, gateway, c.bank.cfg.Now())
}
