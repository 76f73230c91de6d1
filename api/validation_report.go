package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"qaqpa/api/auth"
	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/signer/report/paper"
)

// reportForms are the forms of a report by their name in the query, the one for programs first.
func reportForms() []struct{ name, media string } {
	return []struct{ name, media string }{{"json", typeJSON}, {"html", typeHTML}, {"pdf", typePDF}, {"xml", typeXML}}
}

func (s *Server) reportRoute() route {
	r := get("/v1/validations/{verdict}/report", auth.ValidationsWrite, s.getReport, "format", "lang", "sealed")
	for _, f := range reportForms()[1:] {
		r.offers = append(r.offers, f.media)
	}
	return r
}

// getReport shows a stored verdict as a report. It says whether the verdict was judged anew from what is stored, and with what outcome;
// nothing is fetched for it.
func (s *Server) getReport(ctx context.Context, r *request) (*response, error) {
	media, err := reportForm(r)
	if err != nil {
		return nil, err
	}
	sealed, known := map[string]bool{"": false, "0": false, "1": true}[r.arg("sealed")]
	if !known || sealed && media != typePDF {
		return nil, refuse(codeQuery).of("sealed")
	}
	release, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	reader := r.caller.Actor()
	if r.caller.Allows(auth.ValidationsRead) {
		reader = ""
	}
	stored, outcome, err := s.cfg.Signer.Reproduce(ctx, r.param("verdict"), reader)
	if err != nil {
		return nil, err
	}
	lang := report.Lang(s.pageLanguage(r, r.arg("lang")))
	body, err := drawReport(stored, media, lang)
	if err == nil && sealed {
		body, err = s.sealReport(ctx, body, r.caller.Actor())
	}
	if err != nil {
		return nil, err
	}
	resp := &response{contentType: media, body: body}
	if media == typeHTML {
		resp.contentType += "; charset=utf-8"
		resp.set("Content-Security-Policy", paper.ContentPolicy()+"; frame-ancestors 'none'")
	}
	resp.set("Content-Language", string(lang))
	resp.set("Vary", "Accept, Accept-Language")
	resp.set("Qaqpa-Reproduced", string(outcome))
	resp.status = 200
	return resp, nil
}

// reportForm is the form that the query names, else the one that Accept likes most.
func reportForm(r *request) (string, error) {
	if name := r.arg("format"); name != "" {
		for _, f := range reportForms() {
			if f.name == name {
				return f.media, nil
			}
		}
		return "", refuse(codeQuery).of("format")
	}
	return r.wants, nil
}

func drawReport(v signer.Verdict, media string, lang report.Lang) ([]byte, error) {
	switch media {
	case typeHTML:
		return paper.HTML(v, lang)
	case typeXML:
		return v.ETSI(), nil
	case typePDF:
		return paper.PDF(v, lang)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("couldn't write the answer: %w", err)
	}
	return body, nil
}

// sealReport certifies the PDF with the gateway's key; no later change is allowed.
func (s *Server) sealReport(ctx context.Context, pdf []byte, actor string) ([]byte, error) {
	pdf, err := s.cfg.Signer.SealPDF(ctx, signer.SealPDFRequest{Document: pdf, PDFOptions: signer.PDFOptions{Permission: 1}, Actor: actor})
	if errors.Is(err, signer.ErrNoSealKey) {
		return nil, refuse(codeUnavailable).because(err)
	}
	return pdf, err
}
