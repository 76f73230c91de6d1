package payment

import (
	"context"
	"time"

	"qaqpa/payment/money"
	"qaqpa/payment/recon"
)

// eventAnswer is what a bank's answer is noted as.
const eventAnswer = "answer"

// BankQuestion is an exception as the bank sees it that was asked about it: what it showed, what was expected of it, and the conversation.
// What the operator's people write among themselves is not in it.
type BankQuestion struct {
	ID       string     `json:"id"`
	Version  int        `json:"version"`
	Kind     recon.Kind `json:"kind"`
	Account  string     `json:"account,omitempty"`
	AnswerBy string     `json:"answer_by"`
	money.Amount
	Line     *recon.Line   `json:"line,omitempty"`
	Expected *AskedPayment `json:"expected,omitempty"`
	// Messages are questions and answers, the oldest first.
	Messages []QuestionMessage `json:"messages"`
}

// AskedPayment is the payment that a question is about, by what the bank knows it.
type AskedPayment struct {
	Reference     string `json:"reference"`
	BankReference string `json:"bank_reference,omitempty"`
	PaidOn        string `json:"paid_on"`
	money.Amount
}

// QuestionMessage is one message of the conversation. Its file, if it has one, is got by the version.
type QuestionMessage struct {
	Version  int       `json:"version"`
	From     string    `json:"from"` // operator or bank
	Comment  string    `json:"comment"`
	FileName string    `json:"file_name,omitempty"`
	At       time.Time `json:"at"`
}

// BankQuestionPage is a page of questions.
type BankQuestionPage struct {
	Items   []BankQuestion `json:"items"`
	HasMore bool           `json:"has_more"`
}

// BankAnswer is what a bank says to a question.
type BankAnswer struct {
	// Version is that of the question as the bank saw it.
	Version int    `json:"version"`
	Comment string `json:"comment"`
	// FileName and File go with it; at most 1 MiB, base64 in JSON.
	FileName string `json:"file_name,omitempty"`
	File     []byte `json:"file,omitempty"`
}

// AskedOf lists the questions that wait for a bank, the oldest first. Errors: [ErrInvalid].
func (s *Service) AskedOf(ctx context.Context, bank, after string, limit int) (BankQuestionPage, error) {
	found, err := s.Exceptions(ctx, ExceptionQuery{Bank: bank, State: recon.Asked, After: after, Limit: limit})
	if err != nil {
		return BankQuestionPage{}, err
	}
	page := BankQuestionPage{Items: []BankQuestion{}, HasMore: found.HasMore}
	for _, e := range found.Items {
		q, err := s.question(ctx, e)
		if err != nil {
			return BankQuestionPage{}, err
		}
		page.Items = append(page.Items, q)
	}
	return page, nil
}

// question shows an exception to its bank.
func (s *Service) question(ctx context.Context, e Exception) (BankQuestion, error) {
	q := BankQuestion{ID: e.ID, Version: e.Version, Kind: e.Kind, Account: e.Account, AnswerBy: e.AnswerBy, Amount: e.Amount, Messages: []QuestionMessage{}}
	k, ok := parseExceptionID(e.ID)
	if !ok {
		return q, ErrExceptionUnknown
	}
	var err error
	if q.Line, err = lineOf(ctx, s.db, k); err != nil {
		return q, err
	}
	row, err := findException(ctx, s.db, k, "")
	if err != nil {
		return q, err
	}
	if no := row.subject(); no != 0 {
		rows, err := expectationsOf(ctx, s.db, k.Bucket, row.Bank, no)
		if err != nil {
			return q, err
		}
		for _, x := range rows {
			q.Expected = &AskedPayment{Reference: x.Reference, BankReference: x.BankReference, PaidOn: x.PaidOn.Format(time.DateOnly), Amount: money.FromTiyn(x.Tiyn)}
		}
	}
	notes, err := notesOf(ctx, s.db, k)
	for _, n := range notes {
		from := map[string]string{ActAsk: "operator", eventAnswer: "bank"}[n.Event]
		if from != "" {
			q.Messages = append(q.Messages, QuestionMessage{Version: n.Version, From: from, Comment: n.Comment, FileName: n.FileName, At: n.At})
		}
	}
	return q, err
}

// Answer takes a bank's answer; the exception goes back to who asked. Errors: [ErrInvalid], [ErrExceptionUnknown] for what the bank was
// not asked about or has answered already, [ErrExceptionChanged].
func (s *Service) Answer(ctx context.Context, idem Idem, bank, id string, a BankAnswer) (Exception, bool, error) {
	note := ExceptionAction{Action: ActComment, Version: a.Version, Comment: a.Comment, FileName: a.FileName, File: a.File}
	if err := note.check(); err != nil {
		return Exception{}, false, err
	}
	note.Action = eventAnswer
	return s.step(ctx, stepRequest{idem: idem, id: id, of: bank, action: note}, func(_ context.Context, x *acting) error {
		x.row.AnswerBy = nil
		if x.row.Owner == "" {
			return x.step(recon.Return)
		}
		return x.step(recon.Assign)
	})
}

// QuestionFile is the file of a message that a bank may see: of a question to it, or of its own answer. Errors: [ErrExceptionUnknown].
func (s *Service) QuestionFile(ctx context.Context, bank, id string, version int) ([]byte, error) {
	k, ok := parseExceptionID(id)
	if !ok {
		return nil, ErrExceptionUnknown
	}
	row, err := findException(ctx, s.db, k, "")
	if err != nil {
		return nil, err
	}
	if row.Bank != bank {
		return nil, ErrExceptionUnknown
	}
	notes, err := notesOf(ctx, s.db, k)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		if n.Version == version && (n.Event == ActAsk || n.Event == eventAnswer) {
			_, file, err := s.ExceptionFile(ctx, id, version)
			return file, err
		}
	}
	return nil, ErrExceptionUnknown
}
