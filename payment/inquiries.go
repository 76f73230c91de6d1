package payment

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/inquiry"
)

// RegisterAnswer says what an agency that keeps its own register of debts said when it was asked, or that it did not.
type RegisterAnswer struct {
	Agency string        `json:"agency"`
	Names  catalog.Names `json:"names"`
	// Outcome is answered, cached or silent. Of a silent agency what it said before, if anything, is shown.
	Outcome RegisterOutcome `json:"outcome"`
	// AsOf is of when the register's data are, by the agency's word; nil when it has never answered about this payer.
	AsOf *time.Time `json:"as_of,omitempty"`
	// Problem of a silent agency: no_answer, not_asked, signature_invalid, signed_by_another, answer_invalid, answer_old or undecided.
	Problem string `json:"problem,omitempty"`
	// Numbers says that it can be asked for the number of a debt; see [Service.LookUpNumber].
	Numbers bool `json:"-"`
	// overtaken says that the answer came too late to count.
	overtaken bool
}

// RegisterOutcome is how an answer came about.
type RegisterOutcome string

// Outcomes.
const (
	RegisterAnswered RegisterOutcome = "answered"
	RegisterCached   RegisterOutcome = "cached"
	RegisterSilent   RegisterOutcome = "silent"
)

// Problems of silent registers.
const (
	registerNoAnswer  = "no_answer"
	registerNotAsked  = "not_asked" // it failed just now, or too many questions to it are open
	registerUnsigned  = "signature_invalid"
	registerSigner    = "signed_by_another"
	registerInvalid   = "answer_invalid"
	registerOld       = "answer_old"
	registerUndecided = "undecided" // our side could not judge or store the answer
)

const (
	// registersMax bounds the agencies that are asked for one look.
	registersMax = 100
	// inquiriesPerAgency bounds the questions that are open at one agency, so that a slow one takes no more from us.
	inquiriesPerAgency = 32
	// inquiryKeeping is the time for judging and storing an answer.
	inquiryKeeping = 5 * time.Second
	// recalledByRegister is the reason that the payer reads of a debt that is gone from its agency's register.
	recalledByRegister = "no longer in the agency's register"
)

// inquiries are the open questions of this process. Who looks at the same payer waits for the question that is open.
type inquiries struct {
	mu    sync.Mutex
	open  map[string]*inquiryFlight // by agency, payer and number
	count map[string]int            // by agency
	// numbers are those that were asked about.
	numbers numbers
}

type inquiryFlight struct {
	done chan struct{}
	// answer is set before done is closed.
	answer RegisterAnswer
}

func newInquiries() *inquiries {
	return &inquiries{open: map[string]*inquiryFlight{}, count: map[string]int{}}
}

// join finds the open question or starts one; nil when too many are open at the agency.
func (q *inquiries) join(agency, payer, reference string, ask func() RegisterAnswer) *inquiryFlight {
	key := agency + "/" + payer + "/" + reference
	q.mu.Lock()
	defer q.mu.Unlock()
	if f, open := q.open[key]; open {
		return f
	}
	if q.count[agency] >= inquiriesPerAgency {
		return nil
	}
	f := &inquiryFlight{done: make(chan struct{})}
	q.open[key] = f
	q.count[agency]++
	go func() {
		answer := ask()
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.open, key)
		if q.count[agency]--; q.count[agency] == 0 {
			delete(q.count, agency)
		}
		f.answer = answer
		close(f.done)
	}()
	return f
}

// wait returns when no question is open. Unlike a sync.WaitGroup it may run while requests that come to an end start new ones.
func (q *inquiries) wait() {
	for {
		q.mu.Lock()
		var open *inquiryFlight
		for _, f := range q.open {
			open = f
		}
		q.mu.Unlock()
		if open == nil {
			return
		}
		<-open.done
	}
}

// LookUp is [Service.Debts] for somebody who waits for it: agencies that keep their own register are asked first, all at once, each within
// its time, and what they state is stored and payable as if it had been fed. A silent agency holds up nobody beyond its time and is named
// in the page's Registers. Pages after the first, and other states than open, are read without asking. actor, for the audit log, is on
// whose behalf the payer's number is told to the agencies.
func (s *Service) LookUp(ctx context.Context, actor string, q DebtQuery) (DebtPage, error) {
	var answers []RegisterAnswer
	if q.After == "" && (q.State == "" || q.State == debt.Open) {
		if !catalog.ValidPayerID(q.Payer) {
			return DebtPage{}, ErrPayerIDInvalid.at("payer")
		}
		var err error
		if answers, err = s.askRegisters(ctx, actor, q.Payer, q.Agency); err != nil {
			return DebtPage{}, err
		}
	}
	page, err := s.Debts(ctx, q)
	page.Registers = answers
	if err == nil && len(page.Items) == 0 && q.Reference != "" {
		page, err = s.LookUpNumber(ctx, actor, q)
		page.Registers = Overlaid(answers, page.Registers)
	}
	return page, err
}

// askRegisters asks the registers that have to be asked about a payer.
func (s *Service) askRegisters(ctx context.Context, actor, payer, agency string) ([]RegisterAnswer, error) {
	rows, err := s.registersFor(ctx, payer, agency)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return s.askAll(ctx, actor, payer, "", rows)
}

// askAll asks registers about a payer, or about a number on behalf of one, all at once.
func (s *Service) askAll(ctx context.Context, actor, payer, reference string, rows []registerRow) ([]RegisterAnswer, error) {
	now := s.now()
	answers, flights := make([]RegisterAnswer, len(rows)), make([]*inquiryFlight, len(rows))
	for i, r := range rows {
		answers[i] = r.answer()
		switch {
		case r.fresh(now):
			answers[i].Outcome = RegisterCached
			continue
		case r.RetryAt != nil && now.Before(*r.RetryAt):
			answers[i].Problem = registerNotAsked
			continue
		}
		flights[i] = s.inquiries.join(r.Agency, payer, reference, func() RegisterAnswer {
			// The answer is worth having even if who looks has gone.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.wait()+inquiryKeeping)
			defer cancel()
			return s.askRegister(ctx, actor, payer, reference, r)
		})
		if flights[i] == nil {
			answers[i].Problem = registerNotAsked
		}
	}
	for i, f := range flights {
		if f == nil {
			continue
		}
		select {
		case <-f.done:
			answers[i] = f.answer
		case <-ctx.Done():
			return nil, ErrUndecided.because(ctx.Err())
		}
	}
	return answers, nil
}

// askRegister asks one register, stores its answer and notes how it went. Whatever goes wrong is told in the answer.
func (s *Service) askRegister(ctx context.Context, actor, payer, reference string, r registerRow) RegisterAnswer {
	out := r.answer()
	if may, err := s.mayAsk(ctx, r); err != nil || !may {
		out.Problem = registerNotAsked
		if err != nil {
			out.Problem = registerUndecided
			s.log.ErrorContext(ctx, "couldn't ask a register", slog.String("agency", r.Agency), slog.Any("err", err))
		}
		return out
	}
	out.Problem = registerUndecided
	question, err := s.newQuestion(actor, payer, reference, r)
	if err == nil {
		err = s.noteAsked(ctx, question, r)
	}
	if err != nil { // what is not on record does not leave
		s.metrics.inquiries.WithLabelValues(r.Agency, out.Problem).Inc()
		s.log.ErrorContext(ctx, "couldn't write down that a register is asked", slog.String("agency", r.Agency), slog.Any("err", err))
		return out
	}
	var kept stored
	if kept, out.Problem, err = s.inquire(ctx, question, r); out.Problem == "" {
		out.Outcome, out.AsOf, out.overtaken = RegisterAnswered, &kept.asOf, kept.overtaken
		s.metrics.inquiries.WithLabelValues(r.Agency, string(RegisterAnswered)).Inc()
		return out
	}
	s.metrics.inquiries.WithLabelValues(r.Agency, out.Problem).Inc()
	s.log.WarnContext(ctx, "a register gave no usable answer", slog.String("agency", r.Agency), slog.String("problem", out.Problem), slog.Any("err", err))
	if err := s.noteSilence(ctx, question, r, out.Problem); err != nil {
		s.log.ErrorContext(ctx, "couldn't note a silent register", slog.String("agency", r.Agency), slog.Any("err", err))
	}
	return out
}

// question is a question on its way.
type question struct {
	inquiry.Question
	at time.Time
	// actor is on whose behalf it is asked, payer whose debts he looks at: a question about a number does not name him.
	actor, payer string
	of           string // the id of the agency that is asked
}

func (s *Service) newQuestion(actor, payer, reference string, r registerRow) (question, error) {
	q := question{at: s.now(), actor: actor, payer: payer, of: r.Agency}
	id, err := newID(prefixQuestion, -1)
	q.Question = inquiry.Question{ID: id, Agency: r.BIN, Payer: payer, Reference: reference, At: q.at.Format(time.RFC3339Nano)}
	if reference != "" {
		q.Payer = ""
	}
	return q, err
}

// said is what the audit log is told of it.
func (q question) said(r registerRow) map[string]any {
	said := map[string]any{"agency": r.Agency, "question": q.ID}
	if q.Reference != "" {
		said["reference"] = q.Reference
	}
	return said
}

// inquire asks, judges the answer and stores it. The problem is empty when the answer counts.
func (s *Service) inquire(ctx context.Context, q question, r registerRow) (kept stored, problem string, err error) {
	raw, err := q.Encode()
	if err != nil {
		return kept, registerUndecided, err
	}
	sealed, err := s.cfg.Sealer.Seal(ctx, raw)
	if err != nil {
		return kept, registerUndecided, err
	}
	calling, cancel := context.WithTimeout(ctx, r.wait())
	defer cancel()
	message, err := s.webhooks.Ask(calling, r.URL, inquiry.ContentType, sealed, inquiry.AnswerBytesMax)
	if err != nil {
		return kept, registerNoAnswer, err
	}
	signed, err := s.judgeSignature(ctx, message, nil)
	if err != nil {
		return kept, registerUndecided, err
	}
	if err := s.keepVerdict(ctx, signed.Unkept); err != nil {
		return kept, registerUndecided, err
	}
	switch {
	case !signed.Valid:
		return kept, registerUnsigned, invalidSignature(signed)
	case signed.Content == nil || len(signed.Signers) != 1:
		return kept, registerInvalid, errors.New("the answer carries no content or not one signature")
	case !speaksFor(signed.Signers[0], r.BIN): // who could sign for any agency could free anybody of his debts
		return kept, registerSigner, errors.New("signed by somebody else")
	}
	found, err := inquiry.Parse(signed.Content, q.Question, s.now())
	switch {
	case errors.Is(err, inquiry.ErrOld):
		return kept, registerOld, err
	case err != nil:
		return kept, registerInvalid, err
	}
	if kept, err = s.storeAnswer(ctx, q, r, answered{found, signed.VerdictID}); err != nil {
		return kept, registerUndecided, err
	}
	return kept, "", nil
}

// answered is an answer that counts.
type answered struct {
	inquiry.Found
	verdict string
}

// stored is what came of an answer that counts: of when the newest one is, and whether that overtook it.
type stored struct {
	asOf      time.Time
	overtaken bool
}

// storeAnswer brings the stored debts to what the register states, in one transaction: stated debts are made or amended, and those that
// it stated before and states no more are recalled. Debts that somebody is paying or has paid stay as they are, as do those of which the
// agency has spoken since it was asked, or otherwise than by its register since the data of the answer were made.
func (s *Service) storeAnswer(ctx context.Context, q question, r registerRow, found answered) (kept stored, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		kept = stored{asOf: found.AsOf}
		newer, err := s.claimAnswer(ctx, tx, q, r, found)
		if err != nil {
			return err
		}
		said := q.said(r)
		said["stated"], said["verdict"] = len(found.Items), found.verdict
		if newer != nil {
			kept, said["overtaken"] = stored{*newer, true}, true
		} else if said["gone"], said["refused"], err = s.takeAnswer(ctx, tx, q, r, found.Found); err != nil {
			return err
		}
		if r.Failures > 0 {
			if err := exec(ctx, tx, -1, `UPDATE agency_registers SET failures = 0, retry_at = NULL, last_problem = '' WHERE agency_id = $1`, r.Agency); err != nil {
				return err
			}
		}
		return s.audit(ctx, tx, entry{q.actor, actionAnswered, q.payer, said})
	})
	return kept, err
}

// takeAnswer makes, amends and recalls the debts of an answer that nothing newer has overtaken, and counts those that are gone and those that were refused.
func (s *Service) takeAnswer(ctx context.Context, tx *sqlx.Tx, q question, r registerRow, found inquiry.Found) (gone, refused int, err error) {
	stated := found.Items
	if q.Reference != "" {
		stated = q.own(stated)
	}
	items, err := s.withGone(ctx, tx, q, r.Agency, stated)
	if err != nil {
		return 0, 0, err
	}
	b := batch{keeper: &s.store, agency: r.Agency, items: items, results: make([]debt.Result, len(items)), loadedAt: s.now(), askedAt: q.at, asOf: found.AsOf}
	if err := b.take(ctx, tx); err != nil {
		return 0, 0, err
	}
	if err := s.markStated(ctx, tx, q, found.AsOf, stated); err != nil {
		return 0, 0, err
	}
	return len(items) - len(stated), b.report().Refused, b.markSaid(ctx, tx)
}
