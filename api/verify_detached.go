package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/report"
	"qaqpa/signer/report/paper"
)

// verifyPolicy lets the page of verification, and pages that wait, have a script of ours, which asks nobody but us.
const verifyPolicy = pagePolicy + "; script-src 'self'; connect-src 'self'"

// verifyRoutes are what the page of verification has beside the two operations of the contract.
func (s *Server) verifyRoutes() []route {
	needs := post("/verify/hashes", "", s.cfg.Limits.DocumentBytes, s.verifyHashes).slowly()
	needs.consumes = []string{typeBytes}
	sheet := post("/verify/report.pdf", "", s.cfg.Limits.DocumentBytes+free, s.verifyReport).slowly().as(typePDF).or(typeHTML)
	sheet.consumes, sheet.args, sheet.forPeople, sheet.refused = []string{typeForm}, []string{"lang"}, true, s.failedPage
	return []route{needs, sheet, s.scriptRoute("/verify/verify.js"), s.scriptRoute("/verify/hash.js"), s.scriptRoute("/cabinet/ncalayer.js"), s.scriptRoute("/cabinet/wait.js")}
}

// verifyHashes says which digests of its original a signature needs, so that the browser works them out and keeps the original. The
// list is empty where digests do not serve.
func (s *Server) verifyHashes(ctx context.Context, r *request) (*response, error) {
	release, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	var out struct {
		Hashes []string `json:"hashes"`
	}
	out.Hashes = []string{}
	for _, h := range signer.OriginalHashes(r.body) {
		out.Hashes = append(out.Hashes, h.Name())
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("couldn't write the answer: %w", err)
	}
	return &response{status: http.StatusOK, contentType: typeJSON, body: body}, nil
}

// digestsMax bounds the digests of a form: no signature needs more.
const digestsMax = 8

// formDigests reads "SHA-256:9f86… Streebog-256:3f53…" of the form.
func formDigests(text string) (map[algo.Hash][]byte, error) {
	fields := strings.Fields(text)
	if len(fields) > digestsMax {
		return nil, refuse(codeForm).of("digests")
	}
	out := make(map[algo.Hash][]byte, len(fields))
	for _, f := range fields {
		name, digits, _ := strings.Cut(f, ":")
		h, known := digestNames[name]
		digest, err := hex.DecodeString(digits)
		if err != nil || !known || len(digest) != h.Size() || out[h] != nil {
			return nil, refuse(codeForm).of("digests")
		}
		out[h] = digest
	}
	return out, nil
}

// upload is what the form of the page of verification brings.
type upload struct {
	document, detached []byte
	digests            map[algo.Hash][]byte
}

func (s *Server) readUpload(r *request) (u upload, err error) {
	form, err := readForm(r, "document", "detached", "digests")
	if err != nil {
		return u, err
	}
	u.document, u.detached = form["document"], form["detached"]
	if u.digests, err = formDigests(string(form["digests"])); err != nil {
		return u, err
	}
	if len(u.document) == 0 {
		u.document, u.detached = u.detached, nil // only the second field was filled in
	}
	switch {
	case len(u.document) == 0:
		return u, refuse(codeDocument)
	case len(u.document)+len(u.detached) > s.cfg.Limits.DocumentBytes:
		return u, refuse(codeBodyTooLarge)
	case len(u.digests) > 0 && u.detached != nil:
		return u, refuse(codeForm).of("digests")
	}
	return u, nil
}

// judgeUpload validates, and when the first file is no signature, tries with the two files exchanged: people put
// them into the wrong fields.
func (s *Server) judgeUpload(ctx context.Context, u upload) (signer.Verdict, error) {
	if len(u.digests) > 0 {
		return s.judge(ctx, signer.ValidateRequest{Document: u.document, DetachedDigests: u.digests})
	}
	v, err := s.judge(ctx, signer.ValidateRequest{Document: u.document, Detached: u.detached})
	if err != nil || v.Format != "UNKNOWN" || len(u.detached) == 0 {
		return v, err
	}
	other, err := s.judge(ctx, signer.ValidateRequest{Document: u.detached, Detached: u.document})
	if err == nil && other.Format != "UNKNOWN" {
		return other, nil
	}
	return v, err
}

// verifyUpload judges an uploaded document and shows the verdict. Nothing of it is kept.
func (s *Server) verifyUpload(ctx context.Context, r *request) (*response, error) {
	v := portal.View{Frame: s.verifyFrame(r)}
	u, err := s.readUpload(r)
	if err != nil {
		return s.page(r, v, err)
	}
	if code, own := receipt.CodeOfPDF(u.document); own && u.detached == nil {
		if resp, done, err := s.receiptFile(ctx, r, u.document, code); done {
			return resp, err
		}
	}
	verdict, err := s.judgeUpload(ctx, u)
	if err != nil {
		return s.page(r, v, err)
	}
	v.Verdict = &verdict
	if verdict.Passed() {
		v.Receipt = s.sealedReceipt(ctx, verdict.Content)
	}
	return s.page(r, v, nil)
}

// receiptFile shows what is known of a PDF that says it is a receipt; done is false where no receipt has its code, so that it is
// judged like any document. The attack: a changed PDF keeps the code of a true receipt. The digest of the file tells.
func (s *Server) receiptFile(ctx context.Context, r *request, pdf []byte, code string) (resp *response, done bool, err error) {
	check, err := s.receiptCheck(ctx, code)
	if err != nil {
		return nil, false, nil //nolint:nilerr // then it is no receipt of ours, or judged without it
	}
	v := portal.View{Frame: s.verifyFrame(r), Code: code}
	sum := sha256.Sum256(pdf)
	own, err := s.cfg.Payments.HasPage(ctx, payment.Receipt{ID: check.Receipt, PDFSHA256: check.PDFSHA256}, hex.EncodeToString(sum[:]))
	if err != nil {
		return nil, true, err
	}
	if !own {
		if v, err := s.judge(ctx, signer.ValidateRequest{Document: pdf}); err == nil && v.Passed() {
			return nil, false, nil // its seal was raised, or it was signed since: the signature says what it is worth
		}
		v.Notice = portal.ReceiptChanged
		resp, err = s.page(r, v, nil)
		return resp, true, err
	}
	v.Receipt, v.File = check.receipt(), true
	resp, err = s.page(r, v, nil)
	return resp, true, err
}

// verifyReport judges as verifyUpload does and gives the report as a file.
func (s *Server) verifyReport(ctx context.Context, r *request) (*response, error) {
	u, err := s.readUpload(r)
	if err != nil {
		return s.failedPage(r, err)
	}
	verdict, err := s.judgeUpload(ctx, u)
	if err != nil {
		return s.failedPage(r, err)
	}
	pdf, err := paper.PDF(verdict, report.Lang(s.pageLanguage(r, r.arg("lang"))))
	if err != nil {
		return nil, err
	}
	resp := &response{status: http.StatusOK, contentType: typePDF, body: pdf}
	resp.set("Content-Disposition", `attachment; filename="report.pdf"`)
	return resp, nil
}
