package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/money"
)

// Types of the messages about refunds.
const (
	RefundOrderType  = "refund-order"
	RefundStatusType = "refund-status"
)

// RefundOrder asks the bank that executed a payment to give the payer money back, out of the gateway's account there. The
// bank is idempotent by Refund. It names the payment and nobody's number: the bank knows whose payment it was.
type RefundOrder struct {
	Type   string `json:"type"`
	Refund string `json:"refund"`
	Order  string `json:"order"`
	// Attempt and BankReference are those of the payment.
	Attempt       string `json:"attempt"`
	BankReference string `json:"bank_reference"`
	// Bank is the BIC of the receiver.
	Bank string `json:"bank"`
	money.Amount
	// Commission is what the payer gets back beside the amount of what the bank took for itself, out of the bank's own money; AgencyCommission is what
	// the bank no longer charges the agency; in tiyn.
	Commission       int64  `json:"commission,omitempty"`
	AgencyCommission int64  `json:"agency_commission,omitempty"`
	Purpose          string `json:"purpose"`
	CreatedAt        string `json:"created_at"`
}

// Encode renders the order in canonical form; the same order always has the same bytes.
func (o RefundOrder) Encode() ([]byte, error) {
	o.Type = RefundOrderType
	return canon.Marshal(o)
}

// RefundStatus is a bank's word about a refund, with the outcomes of a payment.
type RefundStatus struct {
	Type    string  `json:"type"`
	Bank    string  `json:"bank"`
	Refund  string  `json:"refund"`
	Order   string  `json:"order,omitempty"`
	Outcome Outcome `json:"outcome"`
	Tiyn    int64   `json:"amount,omitempty"`
	// Currency of the amount.
	Currency      money.Currency `json:"currency,omitempty"`
	BankReference string         `json:"bank_reference,omitempty"`
	ExecutedAt    string         `json:"executed_at,omitempty"`
	// Commission is what the payer got back beside the amount, in tiyn.
	Commission int64  `json:"commission,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// Amount is the amount of the status.
func (s RefundStatus) Amount() money.Amount {
	return money.Amount{Tiyn: s.Tiyn, Currency: s.Currency}
}

// At is the time of execution in UTC, cut to microseconds; zero when the status has none.
func (s RefundStatus) At() time.Time { return s.like().At() }

// like is the status of a payment with the same members: the same rules hold for both.
func (s RefundStatus) like() Status {
	return Status{
		Type: StatusType, Bank: s.Bank, Attempt: s.Refund, Order: s.Order, Outcome: s.Outcome, Tiyn: s.Tiyn, Currency: s.Currency,
		BankReference: s.BankReference, ExecutedAt: s.ExecutedAt, Commission: s.Commission, Reason: s.Reason,
	}
}

// AboutRefund reports whether the content of a message calls itself a refund-status. Nothing else of it is checked.
func AboutRefund(content []byte) bool {
	if !bytes.Contains(content, []byte(RefundStatusType)) { // most are not: no second parse for them
		return false
	}
	var head struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(content, &head) == nil && head.Type == RefundStatusType
}

// ParseRefundStatus reads the content of a refund-status under the rules of [ParseStatus]. Errors wrap [ErrMessage].
func ParseRefundStatus(content []byte) (RefundStatus, error) {
	var s RefundStatus
	if err := canon.Decode(content, &s); err != nil {
		return RefundStatus{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if s.Type != RefundStatusType {
		return RefundStatus{}, fmt.Errorf("%w: type %q", ErrMessage, s.Type)
	}
	return s, s.like().check()
}

// Refund posts a sealed order to the bank's /refunds. An error wraps [ErrNoReply] and leaves the outcome unknown.
func (c *Client) Refund(ctx context.Context, bankURL string, message []byte) (Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, bankURL+"/refunds", bytes.NewReader(message))
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	request.GetBody = nil // as for a payment: the transport repeats nothing on its own
	request.Header.Set("Content-Type", ContentType)
	return c.do(request)
}

// LookupRefund asks the bank's /refunds/{refund} what became of a refund.
func (c *Client) LookupRefund(ctx context.Context, bankURL, refund string) (Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, bankURL+"/refunds/"+url.PathEscape(refund), http.NoBody)
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	return c.do(request)
}
