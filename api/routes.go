package api

import (
	"errors"
	"net/http"
	"slices"

	"qaqpa/api/auth"
)

// route is one operation: what it is called by, what it asks of the caller, and what answers it.
type route struct {
	method, path string
	scope        auth.Scope // "" for operations open to everybody
	mayIdentify  bool       // open to everybody, but a key adds to it
	anyScope     bool       // needs a key, whatever its scopes
	limited      bool       // open to everybody, within a rate
	idempotent   bool       // changes something: needs Idempotency-Key
	bodyMax      int        // bytes; 0 means that there is no body
	spooled      bool       // the body goes to disk and not into memory
	streamed     bool       // a form is read by the endpoint, part by part, and may be longer than bodyMax
	byLine       bool       // the endpoint reads the body while it comes
	consumes     []string
	produces     string
	offers       []string                                       // what it can produce as well, chosen by Accept
	args         []string                                       // query parameters it knows
	forPeople    bool                                           // refusals are pages, too
	ownForm      bool                                           // taken from our own pages only
	bodyOptional bool                                           // an empty body is a form without fields
	refused      func(r *request, err error) (*response, error) // the page of a refusal; nil means problemPage
	serve        endpoint

	rate   *throttle                             // nil: the one of all operations open to everybody
	copies int                                   // how often the body is in memory; 0: bodyCopies
	secret bool                                  // the body holds secrets and is overwritten when it was answered
	shape  func(r *request, err error) *response // of refusals; nil means problems
}

// routes is the whole interface. openapi.yaml says the same for clients; a test compares the two both ways.
func (s *Server) routes() ([]route, error) {
	table := []route{
		get("/v1/services", auth.ServicesRead, answer(s.listServices), "agency", "starting_after", "limit"),
		get("/v1/services/{service}", auth.ServicesRead, answer(s.getService)),
		get("/v1/services/{service}/quote", auth.ServicesRead, answer(s.quoteService), "on", "paid_on", "claim", "amount"),
		get("/v1/banks", auth.ServicesRead, answer(s.listBanks)),
		get("/v1/banks/{bank}/exposure", auth.LedgerRead, answer(s.getExposure)),
		get("/v1/debts/{debt}", auth.DebtsRead, answer(s.getDebt)),
		get("/v1/debts/{debt}/payment", auth.DebtsRead, answer(s.getPaymentFact)),
		get("/v1/orders/{order}", auth.OrdersRead, answer(s.getOrder)),
		get("/v1/orders/{order}/document", auth.OrdersRead, s.getOrderDocument).as(typeBytes),
		get("/v1/orders/{order}/events", auth.OrdersRead, answer(s.listOrderEvents)),
		get("/v1/receipts/{receipt}", auth.ReceiptsRead, answer(s.getReceipt)),
		get("/v1/receipts/{receipt}/cms", auth.ReceiptsRead, s.getReceiptCMS).as(typeCMS),
		get("/v1/receipts/{receipt}/pdf", auth.ReceiptsRead, s.getReceiptPDF, "lang").as(typePDF),
		get("/v1/receipts/{receipt}/pdf-seal", auth.ReceiptsRead, s.getReceiptPDFSeal, "lang").as(typeSignature),
		get("/v1/receipt-codes/{code}", "", answer(s.getReceiptByCode)).slowly(),
		get("/v1/checkpoints/latest", "", answer(s.getCheckpoint)),
		get("/v1/transfers/{transfer}/proof", auth.LedgerRead, answer(s.getProof)),
		get("/v1/validations/{verdict}", auth.ValidationsRead, s.getVerdict).or(typeXML),
		s.reportRoute(),
		s.clientRoute(),
		get("/v1/agencies/{agency}/events", auth.ReceiptsRead, answer(s.listEvents), "after", "limit"),
		get("/v1/webhook-keys", "", answer(s.listWebhookKeys)),
		get("/openapi.yaml", "", s.getContract).as(typeYAML),
		get("/problems/{code}", "", answer(s.explainProblem)),
		get("/verify", "", s.verifyPage, "code", "lang").as(typeHTML),
		s.staticRoute("/verify/style.css", typeCSS, func() ([]byte, error) { return s.pages.Style(), nil }),
		s.staticRoute("/verify/icon.svg", typeSVG, func() ([]byte, error) { return s.pages.Icon(), nil }),
	}
	l := s.cfg.Limits
	cancel := change("/v1/orders/{order}/cancel", auth.OrdersWrite, 0, answer(s.cancelOrder))
	authorise := change("/v1/orders/{order}/authorisation", auth.OrdersWrite, l.SignatureBytes, answer(s.authoriseOrder))
	authorise.consumes = []string{typeCMS, typeSignature, typeText}
	confirm := post("/v1/bank-confirmations", "", l.SignatureBytes, answer(s.confirmPayment))
	confirm.consumes = []string{typeCMS}
	validate := post("/v1/validations", "", l.documentBody(), s.validate).slowly().or(typeXML)
	validate.mayIdentify, validate.streamed, validate.args = true, true, documentArgs()
	validate.consumes = []string{typeJSON, typeForm, typeBytes, typeCMS, typeSignature, typePDF, typeXML, typeTextXML, typeTimeReply, typeJOSE, typeJOSEJSON}
	upload := post("/verify", "", l.DocumentBytes+free, s.verifyUpload).slowly().as(typeHTML)
	upload.consumes, upload.args, upload.forPeople = []string{typeForm}, []string{"lang"}, true
	upload.refused = s.failedPage
	typed, err := s.typedRoutes()
	codes, errCodes := s.codeRoutes()
	table, err = slices.Concat(table, s.counterRoutes(), codes), errors.Join(err, errCodes)
	foreign, err2 := s.ncanodeRoutes()
	statements, err3 := s.reconRoutes()
	feeds, err4 := s.feedRoutes()
	seals, err5 := s.sealRoutes()
	refunds, err6 := s.refundRoutes()
	registers, err7 := s.registerRoutes()
	questions, err8 := s.questionRoutes()
	court, err10 := s.courtRoutes()
	fees, err9 := s.feeRoutes()
	mandates, err11 := s.mandateRoutes()
	queries, err12 := s.bankQueryRoutes()
	webhooks, err13 := s.webhookRoutes()
	table = append(append(table, cancel, authorise, confirm, validate, upload, s.timeStampRoute()), typed...)
	return slices.Concat(table, foreign, statements, feeds, seals, refunds, registers, questions, fees, court, mandates, queries, webhooks, s.ledgerRoutes()), errors.Join(err, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13)
}

// typedRoutes are those whose JSON body is read strictly into a Go type.
func (s *Server) typedRoutes() ([]route, error) {
	l := s.cfg.Limits
	publish, err1 := handle(s.publishService)
	submit, err2 := handle(s.submitDebts)
	search, err3 := handle(s.searchDebts)
	recall, err4 := handle(s.recallDebt)
	order, err5 := handle(s.createOrder)
	certificate, err6 := handle(s.validateCertificate)
	batch, err7 := handle(s.validateBatch)
	alone := post("/v1/certificates/validations", "", l.documentBody(), certificate).slowly()
	alone.mayIdentify = true
	return []route{
		alone,
		post("/v1/validations/batch", auth.ValidationsWrite, l.documentBody(), batch),
		change("/v1/services", auth.ServicesWrite, l.JSONBytes, publish),
		change("/v1/debts", auth.DebtsWrite, l.BatchBytes, submit),
		post("/v1/debts/search", auth.DebtsRead, l.JSONBytes, search),
		change("/v1/debts/{debt}/recall", auth.DebtsWrite, l.JSONBytes, recall),
		change("/v1/orders", auth.OrdersWrite, l.JSONBytes, order),
	}, errors.Join(err1, err2, err3, err4, err5, err6, err7)
}

func get(path string, scope auth.Scope, serve endpoint, args ...string) route {
	return route{method: http.MethodGet, path: path, scope: scope, produces: typeJSON, args: args, serve: serve}
}

func post(path string, scope auth.Scope, bodyMax int, serve endpoint) route {
	return route{
		method: http.MethodPost, path: path, scope: scope, bodyMax: bodyMax,
		consumes: []string{typeJSON}, produces: typeJSON, serve: serve,
	}
}

// change is a POST that takes an Idempotency-Key.
func change(path string, scope auth.Scope, bodyMax int, serve endpoint) route {
	r := post(path, scope, bodyMax, serve)
	r.idempotent = true
	return r
}

func (rt route) as(produces string) route { rt.produces = produces; return rt }

// or adds what the operation can produce as well.
func (rt route) or(offers ...string) route { rt.offers = offers; return rt }

// slowly limits the rate of callers without a key.
func (rt route) slowly() route { rt.limited = true; return rt }
