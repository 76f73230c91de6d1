package pki

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/loopback"
)

// Services that faults can be on.
const (
	onOCSP = "ocsp"
	onCRL  = "crl"
	onTSP  = "tsp"
	onCert = "cert"
)

// Kinds of faults: down (503), slow (DelayMS before a good answer), drop (connection cut), garbage and
// empty (200 with a useless body) on every service; the rest as their names say.
const (
	FaultDown           = "down"
	FaultSlow           = "slow"
	FaultDrop           = "drop"
	FaultGarbage        = "garbage"
	FaultEmpty          = "empty"
	FaultTryLater       = "try_later"       // ocsp: status 3, unsigned
	FaultWrongSignature = "wrong_signature" // ocsp, crl, tsp
	FaultWrongResponder = "wrong_responder" // ocsp: signed by a TSA, which has no OCSPSigning; tsp: by a responder
	FaultStale          = "stale"           // ocsp, crl: true ten days ago
	FaultFuture         = "future"          // ocsp, crl: true tomorrow
	FaultOtherSerial    = "other_serial"    // ocsp: about another certificate
	FaultNoNonce        = "no_nonce"        // ocsp
	FaultWrongNonce     = "wrong_nonce"     // ocsp, tsp
	FaultUnknown        = "unknown"         // ocsp: RFC 6960 unknown
	FaultWrongImprint   = "wrong_imprint"   // tsp
	FaultReject         = "reject"          // tsp
)

func faultKinds() map[string][]string {
	every := []string{onOCSP, onCRL, onTSP, onCert}
	return map[string][]string{
		FaultDown: every, FaultSlow: every, FaultDrop: every, FaultGarbage: every, FaultEmpty: every,
		FaultTryLater: {onOCSP}, FaultWrongSignature: {onOCSP, onCRL, onTSP}, FaultWrongResponder: {onOCSP, onTSP},
		FaultStale: {onOCSP, onCRL}, FaultFuture: {onOCSP, onCRL}, FaultOtherSerial: {onOCSP}, FaultNoNonce: {onOCSP},
		FaultWrongNonce: {onOCSP, onTSP}, FaultUnknown: {onOCSP}, FaultWrongImprint: {onTSP}, FaultReject: {onTSP},
	}
}

// Server is the running services.
type Server struct {
	// URL is http://127.0.0.1:port.
	URL string
	// Faults arms knobs; also at /faults.
	Faults *fault.Set

	pki  *PKI
	http *loopback.Server
}

// Serve starts OCSP (/ocsp/, POST and GET), lists (/crl/NAME.crl), certificates (/cert/NAME.cer) and
// time stamps (/tsp/) on the PKI's own port. They stop when ctx ends or on Close.
func (p *PKI) Serve(ctx context.Context) (*Server, error) {
	s := &Server{pki: p, Faults: fault.NewSet(faultKinds())}
	p.mu.Lock()
	listener := p.listener
	p.listener = nil
	p.mu.Unlock()
	if listener != nil {
		s.http = loopback.Serve(ctx, listener, s.handler())
	} else {
		var err error
		if s.http, err = loopback.Start(ctx, fmt.Sprintf("127.0.0.1:%d", p.index.Port), s.handler()); err != nil {
			return nil, err
		}
	}
	s.URL = s.http.URL
	return s, nil
}

// Close stops the services and waits for them.
func (s *Server) Close() error { return s.http.Close() }

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ocsp/", s.with(onOCSP, s.postOCSP))
	mux.HandleFunc("GET /crl/{file}", s.with(onCRL, s.crl))
	mux.HandleFunc("GET /cert/{file}", s.with(onCert, s.certificate))
	mux.HandleFunc("POST /tsp/", s.with(onTSP, s.timeStamp))
	mux.Handle("/faults", s.Faults)
	get := s.with(onOCSP, s.getOCSP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Base64 may hold "//", which ServeMux would redirect to another request.
		if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/ocsp/") {
			get(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// with applies the faults that any service can have and hands the others on.
func (s *Server) with(service string, next func(http.ResponseWriter, *http.Request, fault.Fault)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, _ := s.Faults.Take(service)
		switch f.Kind {
		case FaultDown:
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		case FaultDrop:
			panic(http.ErrAbortHandler) // net/http cuts the connection and logs nothing
		case FaultGarbage:
			w.Write([]byte("Try again")) //nolint:errcheck // the client is gone
			return
		case FaultEmpty:
			return
		case FaultSlow:
			loopback.Sleep(r.Context(), f.Delay(30*time.Second))
		}
		next(w, r, f)
	}
}

func (s *Server) postOCSP(w http.ResponseWriter, r *http.Request, f fault.Fault) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.answerOCSP(w, body, f)
}

// getOCSP reads the request from the path (RFC 6960 A.1).
func (s *Server) getOCSP(w http.ResponseWriter, r *http.Request, f fault.Fault) {
	text, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/ocsp/"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.answerOCSP(w, body, f)
}

func (s *Server) answerOCSP(w http.ResponseWriter, request []byte, f fault.Fault) {
	var o OCSPOptions
	now := s.pki.opts.Now()
	switch f.Kind {
	case FaultTryLater:
		send(w, "application/ocsp-response", ocspError(ocspTryLater))
		return
	case FaultWrongSignature:
		o.CorruptSignature = true
	case FaultWrongResponder:
		o.Responder = s.stranger(request)
	case FaultStale:
		o.ThisUpdate, o.ProducedAt, o.NextUpdate = now.AddDate(0, 0, -10), now.AddDate(0, 0, -10), now.AddDate(0, 0, -9)
	case FaultFuture:
		o.ThisUpdate, o.ProducedAt = now.AddDate(0, 0, 1), now.AddDate(0, 0, 1)
	case FaultOtherSerial:
		o.OtherSerial = true
	case FaultNoNonce:
		o.NoNonce = true
	case FaultWrongNonce:
		o.WrongNonce = true
	case FaultUnknown:
		o.Status = Unknown
	}
	send(w, "application/ocsp-response", s.pki.OCSPWith(request, o))
}

// stranger is an identity of the same CA that may not answer: its TSA.
func (s *Server) stranger(request []byte) *Identity {
	req, err := parseOCSPRequest(request)
	if err != nil {
		return nil
	}
	s.pki.mu.Lock()
	defer s.pki.mu.Unlock()
	ca := s.pki.issuerByHash(req.ids[0])
	if ca == nil {
		return nil
	}
	id, err := s.pki.identity("tsa_" + string(ca.Family))
	if err != nil {
		return nil
	}
	return id
}

func (s *Server) crl(w http.ResponseWriter, r *http.Request, f fault.Fault) {
	file := strings.TrimSuffix(r.PathValue("file"), ".crl")
	ca, delta := s.pki.listByFile(file)
	if ca == nil {
		http.NotFound(w, r)
		return
	}
	now := s.pki.opts.Now()
	o := CRLOptions{Delta: delta}
	switch f.Kind {
	case FaultWrongSignature:
		o.CorruptSignature = true
	case FaultStale:
		o.ThisUpdate, o.NextUpdate = now.AddDate(0, 0, -10), now.AddDate(0, 0, -9)
	case FaultFuture:
		o.ThisUpdate = now.AddDate(0, 0, 1)
	}
	var der []byte
	var err error
	if f.Kind == "" && !delta {
		der, err = s.pki.served(ca)
	} else {
		der, err = s.pki.CRLWith(ca, o)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "application/pkix-crl", der)
}

func (s *Server) certificate(w http.ResponseWriter, r *http.Request, _ fault.Fault) {
	ca, _ := s.pki.listByFile(strings.TrimSuffix(r.PathValue("file"), ".cer"))
	if ca == nil {
		http.NotFound(w, r)
		return
	}
	send(w, "application/pkix-cert", ca.Certificate)
}

func (s *Server) timeStamp(w http.ResponseWriter, r *http.Request, f fault.Fault) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o := TSPOptions{
		CorruptSignature: f.Kind == FaultWrongSignature, WrongImprint: f.Kind == FaultWrongImprint,
		WrongNonce: f.Kind == FaultWrongNonce, Reject: f.Kind == FaultReject,
	}
	if f.Kind == FaultWrongResponder {
		if o.Authority, err = s.pki.Identity("ocsp_" + string(s.pki.index.Families[0])); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	send(w, "application/timestamp-reply", s.pki.TimeStampWith(body, o))
}

func send(w http.ResponseWriter, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Write(body) //nolint:errcheck // the client is gone
}

// authorities are all that have a name on the server; p.mu is held.
func (p *PKI) authorities() []*CA {
	var list []*CA
	for _, f := range p.index.Families {
		list = append(list, p.hierarchies[f].root, p.hierarchies[f].nca)
	}
	for _, ca := range p.below {
		list = append(list, ca)
	}
	return list
}

// authorityNamed finds a CA by the name of its file, impostors included; p.mu is held.
func (p *PKI) authorityNamed(file string) *CA {
	for _, h := range p.impostors {
		for _, ca := range []*CA{h.root, h.nca} {
			if ca.file() == file {
				return ca
			}
		}
	}
	for _, ca := range p.authorities() {
		if ca.file() == file {
			return ca
		}
	}
	return nil
}

// listByFile finds the CA whose full or delta list has the name.
func (p *PKI) listByFile(file string) (ca *CA, delta bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ca := range p.authorities() {
		switch file {
		case ca.Name:
			return ca, false
		case ca.deltaName():
			return ca, true
		}
	}
	return nil, false
}
