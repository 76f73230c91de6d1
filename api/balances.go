package api

import (
	"context"
	"strconv"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
)

// ledgerRoutes are balances of any moment, and proofs between checkpoints.
func (s *Server) ledgerRoutes() []route {
	return []route{
		get("/v1/balances", auth.LedgerRead, answer(s.getBalance), "account", "at"),
		get("/v1/checkpoints/{number}", "", answer(s.getCheckpointAt)).slowly(),
		get("/v1/checkpoints/{number}/consistency", "", answer(s.getConsistency), "from").slowly(),
		get("/v1/commissions", auth.ServicesRead, answer(s.listCommissions), "bank"),
		get("/v1/mrp", auth.ServicesRead, answer(s.listMRP)),
	}
}

func (s *Server) getBalance(ctx context.Context, r *request) (reply[payment.Balance], error) {
	at := s.cfg.Now()
	if text := r.arg("at"); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return reply[payment.Balance]{}, refuse(codeQuery).of("at")
		}
	}
	out, err := s.cfg.Payments.BalanceAt(ctx, ledger.Account(r.arg("account")), at)
	return reply[payment.Balance]{Body: out}, err
}

// checkpointNumber reads a number of a checkpoint; what is none does not exist.
func checkpointNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, payment.ErrCheckpointUnknown
	}
	return n, nil
}

func (s *Server) getCheckpointAt(ctx context.Context, r *request) (reply[payment.Checkpoint], error) {
	n, err := checkpointNumber(r.param("number"))
	if err != nil {
		return reply[payment.Checkpoint]{}, err
	}
	out, err := s.cfg.Payments.CheckpointAt(ctx, n)
	return reply[payment.Checkpoint]{Body: out}, err
}

func (s *Server) getConsistency(ctx context.Context, r *request) (reply[ledger.Consistency], error) {
	to, err := checkpointNumber(r.param("number"))
	if err != nil {
		return reply[ledger.Consistency]{}, err
	}
	from, err := strconv.ParseInt(r.arg("from"), 10, 64)
	if err != nil || from < 1 {
		return reply[ledger.Consistency]{}, refuse(codeQuery).of("from")
	}
	out, err := s.cfg.Payments.Consistency(ctx, from, to)
	return reply[ledger.Consistency]{Body: out}, err
}

func (s *Server) listMRP(ctx context.Context, _ *request) (reply[items[catalog.MRP]], error) {
	list, err := s.cfg.Payments.MRP(ctx)
	return reply[items[catalog.MRP]]{Body: items[catalog.MRP]{Items: list}}, err
}
