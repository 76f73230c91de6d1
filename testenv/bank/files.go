package bank

import (
	"errors"
	"net/http"

	"qaqpa/testenv/pki"
)

// putFile is PUT /files/{name}: a sealed pain.001. It is taken at once and worked on; what became of it is asked for.
func (b *Bank) putFile(w http.ResponseWriter, r *http.Request) {
	content, f, ok := b.opened(w, r, OnPayments, 16*maxOrder)
	if !ok {
		return
	}
	code, reason := CodeExecuted, ""
	switch f.Kind {
	case FaultRefuse:
		code, reason = CodeRefused, "AM04"
	case FaultPendingForever:
		code = CodePending
	}
	if err := b.Files().Take(content, code, reason); err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errOther) {
			status = http.StatusConflict
		}
		http.Error(w, err.Error(), status)
		return
	}
	if !b.stopsAfter(w, r, f) {
		w.WriteHeader(http.StatusAccepted)
	}
}

// getReport is GET /files/{name}: the signed pain.002 about a file.
func (b *Bank) getReport(w http.ResponseWriter, r *http.Request) {
	f, _ := b.faults.Take(OnLookup)
	if b.stopsBefore(w, r, f) {
		return
	}
	signer := b.cfg.Signer
	if f.Kind == FaultOtherSigner {
		signer = b.cfg.OtherSigner
	}
	cms, err := signer.SignCMS(b.Files().Report(r.PathValue("name"), nil), pki.CMSOptions{CorruptSignature: f.Kind == FaultBadSignature})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime")
	w.Write(cms) //nolint:errcheck // the client is gone
}

// TakeSealed takes a file from a shared folder and executes it.
func (b *Bank) TakeSealed(sealed []byte) error {
	b.mu.Lock()
	gateway := b.gateway
	b.mu.Unlock()
	content, err := openSeal(sealed, gateway, b.cfg.Now())
	if err != nil {
		return err
	}
	return b.desk.Take(content, CodeExecuted, "")
}

// Files is the bank's desk for files.
func (b *Bank) Files() *Desk { return b.desk }
