package api

import (
	"context"
	"net/http"
	"strconv"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

// questionRoutes are those by which a bank answers what it was asked about its statements and payments.
func (s *Server) questionRoutes() ([]route, error) {
	reply, err := handle(s.answerQuestion)
	return []route{
		get("/v1/questions", auth.QuestionsWrite, answer(s.listQuestions), "starting_after", "limit"),
		get("/v1/questions/{exception}/files/{version}", auth.QuestionsWrite, s.getQuestionFile).as(typeBytes),
		change("/v1/questions/{exception}/answers", auth.QuestionsWrite, exceptionBytesMax, reply),
	}, err
}

func (s *Server) listQuestions(ctx context.Context, r *request) (reply[payment.BankQuestionPage], error) {
	limit, err := r.number("limit")
	if err != nil {
		return reply[payment.BankQuestionPage]{}, err
	}
	out, err := s.cfg.Payments.AskedOf(ctx, r.caller.Subject, r.arg("starting_after"), limit)
	return reply[payment.BankQuestionPage]{Body: out}, err
}

// answeredQuestion says that an answer was taken. How the operator goes on is not told.
type answeredQuestion struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

func (s *Server) answerQuestion(ctx context.Context, r *request, in payment.BankAnswer) (reply[answeredQuestion], error) {
	out, repeated, err := s.cfg.Payments.Answer(ctx, r.idem, r.caller.Subject, r.param("exception"), in)
	return reply[answeredQuestion]{Body: answeredQuestion{out.ID, out.Version}, Replayed: repeated}, err
}

func (s *Server) getQuestionFile(ctx context.Context, r *request) (*response, error) {
	version, err := strconv.Atoi(r.param("version"))
	if err != nil || version < 1 || version > 1<<30 {
		return nil, refuse(codeNotOwn)
	}
	file, err := s.cfg.Payments.QuestionFile(ctx, r.caller.Subject, r.param("exception"), version)
	if err != nil {
		return nil, err
	}
	return &response{status: http.StatusOK, contentType: typeBytes, body: file}, nil
}
