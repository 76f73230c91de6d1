package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
)

// QueryChannel is a [BankChannel] that carries queries, too; [bank.Client] does.
type QueryChannel interface {
	// Query hands a sealed query to the bank, whose answer is in the reply.
	Query(ctx context.Context, bankURL string, message []byte) (bank.Reply, error)
}

const prefixQuery = "bqr_"

// BankQueryRequest asks a bank for a fact (R10).
type BankQueryRequest struct {
	// Bank is a BIC; of a payment it is the one that executed it, and may be left out.
	Bank string         `json:"bank,omitempty"`
	Kind bank.QueryKind `json:"kind"`
	// Person is an IIN or BIN; of a payment it is its payer, and may be left out.
	Person         string `json:"person,omitempty"`
	Account        string `json:"account,omitempty"`
	PropertyKind   string `json:"property_kind,omitempty"`
	PropertyNumber string `json:"property_number,omitempty"`
	// Order names a payment.
	Order string `json:"order,omitempty"`
	// Reason why the caller asks, 5 to 200 characters, as for every look at a person; he can read it.
	Reason string `json:"reason"`
}

// BankQueryState is how far a query has come.
type BankQueryState string

// States of a query.
const (
	QueryAsked      BankQueryState = "asked"
	QueryAnswered   BankQueryState = "answered"
	QueryUnanswered BankQueryState = "unanswered"
)

// BankQuery is a question to a bank with its answer.
type BankQuery struct {
	ID    string         `json:"id"`
	State BankQueryState `json:"state"`
	Bank  string         `json:"bank"`
	bank.Subject
	Order  string `json:"order,omitempty"`
	Reason string `json:"reason"`
	// Actor asked.
	Actor   string    `json:"actor"`
	AskedAt time.Time `json:"asked_at"`
	// Problem of an unanswered one: no_answer, signature_invalid, signed_by_another or answer_invalid.
	Problem string            `json:"problem,omitempty"`
	Belongs *bool             `json:"belongs,omitempty"`
	Pledged *bool             `json:"pledged,omitempty"`
	Payment *bank.FactPayment `json:"payment,omitempty"`
	// Agrees says whether the bank's word about a payment is what the gateway has stored; nil while the gateway does not know its outcome, and
	// the bank does.
	Agrees     *bool      `json:"agrees,omitempty"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
	// Verdict names that on the bank's signature.
	Verdict string `json:"verdict,omitempty"`
}

// AskBank asks a bank. Who asked what about whom and why is stored before the question leaves (R42); the answer is stored as the bank
// signed it. A bank that gives no usable answer leaves the query unanswered: ask again under another key. Errors: [ErrInvalid] naming the
// field, [ErrBankUnknown], [ErrBankSilent], [ErrBankNoQueries], [ErrOrderUnknown], [ErrAttemptUnknown] for a payment that was never begun,
// [ErrVerifierUnavailable], and those of [Idem].
func (s *Service) AskBank(ctx context.Context, idem Idem, req BankQueryRequest) (BankQuery, bool, error) {
	channel, able := s.cfg.Banks.(QueryChannel)
	if !able {
		return BankQuery{}, false, ErrBankNoQueries
	}
	if err := checkQuery(req); err != nil {
		return BankQuery{}, false, err
	}
	var row queryRow
	var heard heardAnswer
	prepare := func(ctx context.Context) error {
		subject, o, err := s.subjectOf(ctx, &req)
		if err != nil {
			return err
		}
		target, err := s.bank(ctx, req.Bank)
		if err != nil {
			return err
		}
		if target.SilentSince != nil {
			return ErrBankSilent
		}
		query := bank.Query{Bank: target.BIC, Subject: subject, At: s.now().Format(time.RFC3339Nano)}
		if query.ID, err = newID(prefixQuery, bucketOf(subject.Person)); err != nil {
			return err
		}
		row = queryRow{
			Bucket: bucketOf(subject.Person), ID: query.ID, Bank: target.BIC, Kind: subject.Kind, Person: subject.Person, Order: req.Order, Actor: idem.Caller,
			Reason: req.Reason, AskedAt: s.now(), State: QueryAsked,
		}
		if row.Question, err = query.Encode(); err != nil {
			return err
		}
		if err := s.noteQuery(ctx, row); err != nil {
			return err
		}
		heard, err = s.queryBank(ctx, channel, target, query)
		if err == nil && heard.answer.Payment != nil {
			heard.agrees, err = s.agreesWith(ctx, o, *heard.answer.Payment)
		}
		return err
	}
	return idempotent(ctx, &s.store, idem, prepare, func(ctx context.Context, tx *sqlx.Tx) (BankQuery, error) {
		done := row
		if err := s.storeAnswerOfBank(ctx, tx, &done, heard); err != nil {
			return BankQuery{}, err
		}
		view, err := done.view()
		if err != nil {
			return BankQuery{}, err
		}
		return view, s.audit(ctx, tx, entry{idem.Caller, "bank.answered", row.ID, map[string]any{
			"bank": row.Bank, "kind": row.Kind, "state": done.State, "problem": done.Problem, "verdict": done.Verdict,
		}})
	})
}

// checkQuery refuses what is no query whatever is stored.
func checkQuery(req BankQueryRequest) error {
	const reasonMin, reasonMax = 5, 200
	if err := catalog.CheckText("reason", req.Reason, reasonMin, reasonMax); err != nil {
		return invalidSpec(err)
	}
	if req.Kind == bank.PaymentFact {
		if req.Order == "" || req.Account != "" || req.PropertyKind != "" || req.PropertyNumber != "" {
			return ErrInvalid.with("a payment is named by its order").at("order")
		}
		return nil
	}
	if req.Order != "" {
		return ErrInvalid.with("an order goes with payment-fact").at("order")
	}
	if !catalog.ValidPayerID(req.Person) {
		return ErrPayerIDInvalid.at("person")
	}
	subject := bank.Subject{Kind: req.Kind, Person: req.Person, Account: req.Account, PropertyKind: req.PropertyKind, PropertyNumber: req.PropertyNumber}
	if err := subject.Check(); err != nil {
		return ErrInvalid.with("account, property or kind is missing, wrong or too much").at("kind").because(err)
	}
	return nil
}

// subjectOf completes what a payment's order knows.
func (s *Service) subjectOf(ctx context.Context, req *BankQueryRequest) (bank.Subject, *orderRow, error) {
	subject := bank.Subject{Kind: req.Kind, Person: req.Person, Account: req.Account, PropertyKind: req.PropertyKind, PropertyNumber: req.PropertyNumber}
	if req.Kind != bank.PaymentFact {
		return subject, nil, nil
	}
	o, err := s.readOrder(ctx, s.db, req.Order)
	switch {
	case err != nil:
		return subject, nil, err
	case o.Attempt == nil:
		return subject, nil, ErrAttemptUnknown.with("the payment was never begun")
	case req.Bank != "" && req.Bank != o.Bank:
		return subject, nil, ErrInvalid.with("is not the bank of the payment").at("bank")
	case req.Person != "" && req.Person != o.PayerID:
		return subject, nil, ErrInvalid.with("is not the payer").at("person")
	}
	req.Bank, subject.Person, subject.Attempt = o.Bank, o.PayerID, *o.Attempt
	return subject, o, nil
}

// heardAnswer is what came of a query.
type heardAnswer struct {
	problem, verdict string
	message          []byte
	answer           bank.QueryAnswer
	agrees           *bool
}

// queryBank seals and sends a query and judges the answer. Only what keeps us from judging is an error.
func (s *Service) queryBank(ctx context.Context, channel QueryChannel, target bankRow, query bank.Query) (heardAnswer, error) {
	raw, err := query.Encode()
	if err != nil {
		return heardAnswer{}, err
	}
	sealed, err := s.cfg.Sealer.Seal(ctx, raw)
	if err != nil {
		return heardAnswer{}, fmt.Errorf("couldn't seal the query: %w", err)
	}
	calling, cancel := context.WithTimeout(ctx, s.cfg.BankTimeout)
	defer cancel()
	reply, err := channel.Query(calling, target.URL, sealed)
	if err != nil || !reply.Answered() {
		s.log.WarnContext(ctx, "a bank did not answer a query", slog.String("bank", target.BIC), slog.Int("status", reply.Status), slog.Any("err", err))
		return heardAnswer{problem: registerNoAnswer}, nil
	}
	found, err := s.judgeSignature(ctx, reply.Message, nil)
	if err != nil {
		return heardAnswer{}, err
	}
	if err := s.keepVerdict(ctx, found.Unkept); err != nil {
		return heardAnswer{}, err
	}
	out := heardAnswer{verdict: found.VerdictID}
	switch {
	case !found.Valid:
		out.problem = registerUnsigned
		return out, nil
	case found.Content == nil || len(found.Signers) != 1:
		out.problem = registerInvalid
		return out, nil
	case !speaksFor(found.Signers[0], target.BIN):
		out.problem = registerSigner
		return out, nil
	}
	if out.answer, err = bank.ParseAnswer(found.Content, query); err != nil {
		s.log.WarnContext(ctx, "a bank's answer is none", slog.String("bank", target.BIC), slog.Any("err", err))
		return heardAnswer{verdict: found.VerdictID, problem: registerInvalid}, nil
	}
	out.message = reply.Message
	return out, nil
}

// agreesWith holds the bank's word about a payment (amount, date in Almaty, sender, beneficiaries) against what is stored; what differs is counted as a contradiction and stays as it is: a
// person decides.
func (s *Service) agreesWith(ctx context.Context, o *orderRow, said bank.FactPayment) (*bool, error) {
	now, err := s.readOrder(ctx, s.db, o.ID)
	if err != nil {
		return nil, err
	}
	decided := said.Outcome == bank.Executed || said.Outcome == bank.Refused
	if decided && (now.State == order.Authorised || now.State == order.Executing || now.State == order.Unknown) {
		return nil, nil //nolint:nilnil // the bank's answer overtook its confirmation: nothing contradicts, and a look-up will find it
	}
	agrees := (now.State == order.Executed) == (said.Outcome == bank.Executed)
	if agrees && now.State == order.Executed {
		doc, err := order.ReadStored(now.Document)
		if err != nil {
			return nil, err
		}
		var credits []bank.FactCredit
		for _, part := range order.Allocate(doc.Items) {
			to := beneficiaryOf(part.Items[0])
			credits = append(credits, bank.FactCredit{BIN: to.BIN, Account: to.Account, Tiyn: part.Tiyn})
		}
		agrees = said.Tiyn == now.Tiyn && said.Currency == now.Currency && said.Sender == now.PayerID && said.Same(credits) &&
			now.ExecutedAt != nil && catalog.DateOf(said.At()) == catalog.DateOf(*now.ExecutedAt)
	}
	if !agrees {
		s.metrics.contradictions.WithLabelValues(now.Bank).Inc()
	}
	return &agrees, nil
}

// BankQuery returns a query. Errors: [ErrQueryUnknown].
func (s *Service) BankQuery(ctx context.Context, id string) (BankQuery, error) {
	row, err := s.readQuery(ctx, id)
	if err != nil {
		return BankQuery{}, err
	}
	return row.view()
}

// errStoredAnswer says that a stored answer cannot be read any more.
var errStoredAnswer = errors.New("couldn't read a stored answer of a bank")
