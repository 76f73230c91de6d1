package agency

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrRefused means that openssl refuses a receipt; anything else, that it couldn't be asked.
var ErrRefused = errors.New("openssl refuses the receipt")

// verification is what openssl found about a receipt.
type verification struct {
	valid   bool
	content []byte // what was signed; nil if not valid
	command string
	output  string
}

// VerifyReceipt runs openssl over an attached CMS (DER): signature, chain to the anchors, the binding
// of the signer's certificate (CAdES) and, if configured, the gateway's BIN in it. It returns the
// signed content and what openssl said; [ErrRefused] if the receipt doesn't hold.
func (a *Agency) VerifyReceipt(ctx context.Context, cms []byte) (content []byte, output string, err error) {
	file, err := os.CreateTemp(a.dir, "check-*.p7m")
	if err != nil {
		return nil, "", fmt.Errorf("couldn't keep the receipt: %w", err)
	}
	base := strings.TrimSuffix(file.Name(), ".p7m")
	defer func() {
		for _, ext := range []string{".p7m", ".json", ".signer.pem"} {
			os.Remove(base + ext) // a leftover in a scratch folder
		}
	}()
	if err := file.Close(); err != nil {
		return nil, "", fmt.Errorf("couldn't keep the receipt: %w", err)
	}
	v, err := a.verify(ctx, base, cms)
	if err == nil && !v.valid {
		err = ErrRefused
	}
	return v.content, v.output, err
}

// verify writes base.p7m and, if it holds, base.json.
func (a *Agency) verify(ctx context.Context, base string, cms []byte) (verification, error) {
	if err := os.WriteFile(base+".p7m", cms, 0o600); err != nil {
		return verification{}, err
	}
	os.Remove(base + ".json") // it is usually not there
	v, err := a.run(ctx, "cms", "-verify", "-cades", "-inform", "DER", "-in", base+".p7m", "-CAfile", a.path("anchors.pem"),
		"-purpose", "any", "-signer", base+".signer.pem", "-out", base+".json")
	if err != nil || !v.valid {
		return v, err
	}
	if v.content, err = os.ReadFile(filepath.Clean(base + ".json")); err != nil {
		return verification{}, err
	}
	if a.cfg.GatewayBIN == "" {
		return v, nil
	}
	who, err := a.run(ctx, "x509", "-noout", "-subject", "-nameopt", "multiline,utf8,-esc_msb", "-in", base+".signer.pem")
	if err != nil {
		return verification{}, err
	}
	v.output += who.output
	if !signedBy(who.output, a.cfg.GatewayBIN) {
		v.valid, v.content = false, nil
		v.output += "the signer's certificate is not that of BIN" + a.cfg.GatewayBIN + "\n"
	}
	return v, nil
}

// signedBy looks for the line of the organisational unit in openssl's multi-line subject.
func signedBy(subject, bin string) bool {
	for line := range strings.Lines(subject) {
		attribute, value, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(attribute) == "organizationalUnitName" && strings.TrimSpace(value) == "BIN"+bin {
			return true
		}
	}
	return false
}

// run calls openssl; valid means that it exited with 0.
func (a *Agency) run(ctx context.Context, args ...string) (verification, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.cfg.OpenSSL, args...) // the program is the operator's choice, the arguments are ours
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return verification{}, fmt.Errorf("couldn't run openssl: %w", err)
	}
	if ctx.Err() != nil {
		return verification{}, fmt.Errorf("couldn't wait for openssl: %w", ctx.Err())
	}
	return verification{valid: err == nil, command: a.cfg.OpenSSL + " " + strings.Join(args, " "), output: string(out)}, nil
}

// notice is what the agency reads of the webhook's body.
type notice struct {
	Type string `json:"type"`
	Data struct {
		Order     string `json:"order"`
		Amount    int64  `json:"amount"`
		Currency  string `json:"currency"`
		ReceiptID string `json:"receipt_id"`
		Receipt   []byte `json:"receipt_cms"` // base64 of DER
	} `json:"data"`
}

// receipt is what the agency compares of the signed receipt.
type receipt struct {
	ID       string `json:"id"`
	Order    string `json:"order"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// compare lists where the notice and its receipt tell different stories.
func compare(n notice, content []byte) []string {
	var r receipt
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&r); err != nil {
		return []string{"the receipt is not JSON: " + err.Error()}
	}
	var problems []string
	differ := func(field string, same bool) {
		if !same {
			problems = append(problems, "notice and receipt differ in "+field)
		}
	}
	differ("order", r.Order == n.Data.Order)
	differ("amount", r.Amount == n.Data.Amount)
	differ("currency", r.Currency == n.Data.Currency)
	differ("receipt_id", r.ID == n.Data.ReceiptID)
	return problems
}
