package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/language"
	"qaqpa/api/portal"
	"qaqpa/payment/receipt"
)

// pageLanguage is the reader's choice, else the browser's, else Kazakh, the state language.
func (s *Server) pageLanguage(r *request, chosen string) language.Lang {
	for _, tag := range []string{chosen, find(r.cookies, cookieLanguage)} {
		if l, ok := language.Parse(tag); ok {
			return l
		}
	}
	return s.texts.Negotiate(r.lang, language.KK)
}

// verifyFrame is the same for everybody: who looks is not asked.
func (s *Server) verifyFrame(r *request) portal.Frame { return s.frame(r, auth.Session{}) }

// verifyPage shows the form or, with a code, the receipt that it names.
func (s *Server) verifyPage(ctx context.Context, r *request) (*response, error) {
	v := portal.View{Frame: s.verifyFrame(r), Code: strings.TrimSpace(r.arg("code"))}
	if v.Code == "" {
		return s.page(r, v, nil)
	}
	// Only a code costs a look-up and could be guessed; the empty form is free.
	if !s.public.allow(r.remote, s.cfg.Now()) {
		return s.page(r, v, refuse(codeTooMany))
	}
	check, err := s.receiptCheck(ctx, v.Code)
	if err != nil {
		return s.page(r, v, err)
	}
	v.Receipt = check.receipt()
	return s.page(r, v, nil)
}

// sealedReceipt recognises content that is a receipt of this gateway, byte for byte; nil for anything else. A failing
// database leaves it unrecognised, which takes nothing from the verdict.
func (s *Server) sealedReceipt(ctx context.Context, content []byte) *portal.Receipt {
	core, err := receipt.Decode(content)
	if err != nil {
		return nil
	}
	stored, err := s.cfg.Payments.ReceiptByCode(ctx, core.Code)
	if err != nil || !bytes.Equal(stored.Core, content) {
		return nil
	}
	check, err := checkOf(content)
	if err != nil {
		return nil
	}
	check.PDFSHA256 = stored.PDFSHA256
	return check.receipt()
}

// failedPage is the page for a request that did not pass the gates.
func (s *Server) failedPage(r *request, err error) (*response, error) {
	return s.page(r, portal.View{Frame: s.verifyFrame(r)}, err)
}

// page renders a view. An error becomes a notice in words for people, with the status of its problem.
func (s *Server) page(r *request, v portal.View, err error) (*response, error) {
	v.SizeMB = s.cfg.Limits.DocumentBytes >> 20
	resp := &response{status: http.StatusOK, contentType: typeHTML + "; charset=utf-8"}
	if err != nil {
		p := classify(err)
		resp.status, resp.code, resp.err = s.statuses[p.code], p.code, err
		v.Notice, v.TraceID = noticeOf(p.code, resp.status), r.id
		if v.Notice == portal.DocumentMissing {
			resp.status = http.StatusBadRequest
		}
	}
	body, err := s.pages.Render(v)
	if err != nil {
		return nil, err
	}
	resp.body = body
	resp.set("Content-Security-Policy", verifyPolicy)
	resp.set("Content-Language", string(v.Lang))
	resp.set("Vary", "Accept-Language")
	return resp, nil
}

// noticeOf chooses the words for a problem.
func noticeOf(c code, status int) portal.Notice {
	switch {
	case c == codeDocument:
		return portal.DocumentMissing
	case c == codeBodyTooLarge:
		return portal.TooLarge
	case c == codeTooMany:
		return portal.TooMany
	case status == http.StatusNotFound:
		return portal.ReceiptUnknown
	case status >= http.StatusInternalServerError:
		return portal.Unavailable
	}
	return portal.FormInvalid
}
