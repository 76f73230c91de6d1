package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/feedlines"
	"qaqpa/payment"
)

// Bounds of feeds.
const (
	feedsAtOnce  = 8
	feedBytesMax = 1 << 30
	feedTime     = 30 * time.Minute
	feedNameMax  = 64
)

const typeLines = "application/x-ndjson"

// feedRoutes are those of debts by the line.
func (s *Server) feedRoutes() ([]route, error) {
	lines, err := feedlines.New()
	if err != nil {
		return nil, fmt.Errorf("couldn't plan the reading of feeds: %w", err)
	}
	feed := change("/v1/debts/feeds", auth.DebtsWrite, feedBytesMax, func(ctx context.Context, r *request) (*response, error) {
		return s.feedDebts(ctx, r, lines)
	})
	feed.byLine, feed.consumes, feed.produces = true, []string{typeLines, typeJSON}, typeLines
	return []route{
		feed,
		get("/v1/debts/feeds/{feed}", auth.DebtsWrite, answer(s.getFeed)),
		get("/v1/debts/feeds/{feed}/results", auth.DebtsWrite, s.getFeedResults).as(typeLines),
	}, nil
}

// feedDebts takes lines while they come. The answer begins when the last line was decided: a client that reads nothing
// before it has sent everything would otherwise wait for us, and we for it.
func (s *Server) feedDebts(ctx context.Context, r *request, lines *feedlines.Decoder) (*response, error) {
	agency, err := agencyOf(r)
	if err != nil {
		return nil, err
	}
	if !plain(r.idem.Key) || len(r.idem.Key) > feedNameMax {
		return nil, refuse(codeIdemInvalid).of("Idempotency-Key").explain("a feed is named by 1 to 64 letters, digits, '.', '_' and '-'")
	}
	// One at a time for each agency: a sender that dawdles keeps nobody else's debts out.
	if _, busy := s.feeders.LoadOrStore(agency, true); busy {
		return nil, refuse(codeBusy).after(10 * time.Second)
	}
	defer s.feeders.Delete(agency)
	if !s.feeding.TryAcquire(1) {
		return nil, refuse(codeBusy).after(10 * time.Second)
	}
	defer s.feeding.Release(1)
	// A feed outlives the time of other requests; what ends it is its sender or the shutdown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), feedTime)
	defer cancel()
	defer context.AfterFunc(s.base, cancel)() //nolint:contextcheck // the life of the server ends this work, too
	feed := payment.Feed{Caller: r.caller.Actor(), Agency: agency, Name: r.idem.Key}
	next := lines.Read(r.lines, feedBytesMax).Next
	if r.media.name == typeJSON {
		next = lines.ReadArray(r.lines, feedBytesMax).Next
	}
	report, replayed, err := s.cfg.Payments.FeedDebts(ctx, feed, next)
	if err != nil {
		return nil, feedError(err, report)
	}
	resp := s.feedResponse(agency, report)
	if replayed {
		resp.set("Idempotent-Replayed", "true")
	}
	return resp, nil
}

// feedError says beside the refusal how far the feed had come.
func feedError(err error, report payment.FeedReport) error {
	p := classify(err)
	switch {
	case errors.Is(err, feedlines.ErrTooLarge):
		p = refuse(codeBodyTooLarge).because(err)
	case errors.Is(err, feedlines.ErrCut):
		p = classify(bodyError(err))
	}
	if p.developer != "" {
		p.developer += "; "
	}
	return p.explain(p.developer + "lines stored: " + strconv.Itoa(report.Lines))
}

// feedResponse writes the results of all lines and, as the last line, the report.
func (s *Server) feedResponse(agency string, report payment.FeedReport) *response {
	return streamed(typeLines, func(ctx context.Context, w *bufio.Writer) error {
		err := s.cfg.Payments.FeedResults(ctx, agency, report.Feed, func(results []byte) error {
			_, err := w.Write(results)
			return err
		})
		if err != nil {
			return err
		}
		if err := json.NewEncoder(w).Encode(report); err != nil {
			return fmt.Errorf("couldn't write the report of a feed: %w", err)
		}
		return w.Flush()
	})
}

func (s *Server) getFeed(ctx context.Context, r *request) (reply[payment.FeedReport], error) {
	agency, err := agencyOf(r)
	if err != nil {
		return reply[payment.FeedReport]{}, err
	}
	report, err := s.cfg.Payments.FeedProgress(ctx, agency, r.param("feed"))
	return reply[payment.FeedReport]{Body: report}, err
}

func (s *Server) getFeedResults(ctx context.Context, r *request) (*response, error) {
	agency, err := agencyOf(r)
	if err != nil {
		return nil, err
	}
	report, err := s.cfg.Payments.FeedProgress(ctx, agency, r.param("feed"))
	if err != nil {
		return nil, err
	}
	return s.feedResponse(agency, report), nil
}
