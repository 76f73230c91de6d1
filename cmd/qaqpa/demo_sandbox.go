//go:build !release

package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"qaqpa/testenv/pki"
)

func (w *world) sandboxFile() string { return filepath.Join(w.home, "sandbox.json") }

// openSandbox publishes a service, loads debts, and writes down what developers may use: the developers' page shows it.
func (w *world) openSandbox(ctx context.Context, say *narrator) error {
	s := &story{world: w, agencyClient: client{w, "agency", w.keys["agency"]}, portal: client{w, "portal", w.keys["portal"]}}
	say.quiet = true
	defer func() { say.quiet = false }()
	r, err := s.agencyClient.post(ctx, "/v1/services", licenceService())
	if err != nil {
		return err
	}
	var service struct{ ID string }
	if err := r.into(http.StatusCreated, &service); err != nil {
		return err
	}
	payer, err := w.pki.IssueOnce(pki.Profile{Name: "tester", Family: pki.ECDSA, Kind: pki.Citizen, Surname: "СЫНАҚОВА", Given: "ҮЛГІ", IIN: pki.IIN(21)})
	if err != nil {
		return fmt.Errorf("couldn't issue the certificate of the sandbox's payer: %w", err)
	}
	// Those that were paid meanwhile are refused, which changes nothing.
	debts := make([]map[string]any, 3)
	for i := range debts {
		debts[i] = map[string]any{"reference": fmt.Sprintf("SANDBOX-%d", i+1), "service": service.ID, "payer": map[string]string{"id": payer.IIN(), "name": "СЫНАҚОВА ҮЛГІ"}}
	}
	if r, err = s.agencyClient.post(ctx, "/v1/debts", map[string]any{"debts": debts}); err != nil {
		return err
	}
	if err := r.into(http.StatusOK, nil); err != nil {
		return err
	}
	key, err := payer.PKCS8()
	if err != nil {
		return fmt.Errorf("couldn't write the key of the sandbox's payer: %w", err)
	}
	b, err := json.MarshalIndent(map[string]string{
		"agency_key": w.keys["agency"], "portal_key": w.keys["portal"], "service": service.ID, "payer": payer.IIN(), "bank": bankBIC,
		"payer_pem": string(payer.PEM()) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("couldn't write down the sandbox: %w", err)
	}
	return os.WriteFile(w.sandboxFile(), b, 0o600)
}
