package api

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	"qaqpa/api/egovqr"
	"qaqpa/api/language"
	"qaqpa/api/passkey"
	"qaqpa/api/portal"
	"qaqpa/api/reference"
	"qaqpa/api/strictjson"
	"qaqpa/api/watch"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"
)

// langTag keeps fasthttp's half free of the package name.
type langTag = language.Lang

// Server answers HTTP. Make it with [New]; safe for concurrent use.
type Server struct {
	cfg      Config
	texts    *language.Catalog
	pages    *portal.Pages
	statuses map[code]int
	metrics  metrics
	public   *throttle
	looks    *recentLooks
	foreign  *throttle // of the interface of NCANode
	memory   *semaphore.Weighted
	judging  *semaphore.Weighted
	quotas   *quotas
	// streams bound the long forms that are read at once: of callers without a key, and of those with one.
	streams  [2]*semaphore.Weighted
	feeding  *semaphore.Weighted
	feeders  sync.Map // agencies whose feed is being read
	sealing  *semaphore.Weighted
	contract asset
	// reference is the contract as the developers' page shows it.
	reference reference.Contract
	// validations reads the JSON form of a validation, which is one of three.
	validations *strictjson.Decoder[validationRequest]
	passkeys    *passkey.Party
	// times are those of this process, until the watch stores them; figures what the operator's page asks for now and then.
	times   *watch.Recorder
	figures figures
	phones  *egovqr.Reader
	errands sync.WaitGroup // what is still done after its request was answered
	router  fasthttp.RequestHandler
	buffers buffers
	front   *fasthttp.Server
	base    context.Context //nolint:containedctx // the life of the server, from which each request's context is made
	stop    context.CancelFunc
}

// New checks the configuration and builds the server. It listens nowhere yet; see [Server.Serve].
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	texts, err := language.Load()
	if err != nil {
		return nil, err
	}
	pages, err := portal.New(texts)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	public, err := newThrottle(cfg.Limits.PublicPerMinute)
	if err != nil {
		return nil, err
	}
	looks, err := newRecentLooks()
	if err != nil {
		return nil, err
	}
	foreign, err := newThrottle(cfg.Limits.NCANodePerMinute)
	if err != nil {
		return nil, err
	}
	quotas, err := newQuotas(cfg.Limits.ClientPerMinute)
	if err != nil {
		return nil, err
	}
	described, err := reference.Read(openapi)
	if err != nil {
		return nil, err
	}
	decoder, err := newValidationDecoder()
	if err != nil {
		return nil, err
	}
	keys, err := passkey.New(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	phones, err := egovqr.NewReader()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, texts: texts, pages: pages, statuses: statuses(), metrics: m, public: public, looks: looks, foreign: foreign,
		memory:  semaphore.NewWeighted(cfg.Limits.BodyMemory),
		judging: semaphore.NewWeighted(int64(cfg.Limits.Validations)),
		streams: [2]*semaphore.Weighted{
			semaphore.NewWeighted(int64(cfg.Limits.Streams)), semaphore.NewWeighted(int64(cfg.Limits.Streams)),
		},
		quotas:   quotas,
		times:    watch.NewRecorder(classPay, classJudge, classOther),
		feeding:  semaphore.NewWeighted(feedsAtOnce),
		sealing:  semaphore.NewWeighted(int64(cfg.Limits.Seals)),
		contract: newAsset(typeYAML, openapi), reference: described, validations: decoder, passkeys: keys, phones: phones,
	}
	table, err := s.routes()
	if err != nil {
		return nil, err
	}
	s.router = newRouter(s, slices.Concat(table, s.pageRoutes(), s.verifyRoutes(), s.roomRoutes(), s.cataloguePages(), s.incidentPages(), s.mobileRoutes())).Handler
	s.front = newFront(s)
	s.base, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Serve answers requests from the listener until Shutdown, and closes it. It may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	// A Shutdown that comes before fasthttp knows the listener closes nothing there, and Serve would wait for ever.
	release := context.AfterFunc(s.base, func() { _ = ln.Close() })
	defer release()
	if err := s.front.Serve(watching{ln}); err != nil {
		return fmt.Errorf("couldn't serve HTTP on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops listening and waits for the requests in flight. When ctx ends first, it cancels them and returns the
// context's error; what they had committed stays committed, and clients repeat the rest with their keys.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.stop()
	defer s.errands.Wait() // each has an end of its own
	if err := s.front.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("couldn't finish all requests: %w", err)
	}
	return nil
}
