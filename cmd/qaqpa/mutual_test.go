package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pair writes a self-signed certificate and its key, and returns their names with the key.
func pair(t *testing.T) (certificate, key string, signer crypto.Signer) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pay"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key, private
}

func TestTLSSettings(t *testing.T) {
	certificate, key, signer := pair(t)
	other, _, stranger := pair(t)
	holds := func(key crypto.Signer) func(context.Context, string) (crypto.Signer, error) {
		return func(_ context.Context, label string) (crypto.Signer, error) {
			if label != "tls" {
				return nil, errors.New("no such key")
			}
			return key, nil
		}
	}
	cfg, err := tlsSettings{Certificate: certificate, Key: key}.config(t.Context(), nil)
	if err != nil || cfg.ClientAuth != tls.NoClientCert || cfg.MinVersion < tls.VersionTLS12 || !cfg.SessionTicketsDisabled {
		t.Errorf("%+v, %v", cfg, err)
	}
	cfg, err = tlsSettings{Certificate: certificate, TokenKey: "tls", Clients: []string{other}, Required: true}.config(t.Context(), holds(signer))
	if err != nil || cfg.ClientAuth != tls.RequireAndVerifyClientCert || cfg.ClientCAs == nil || cfg.Certificates[0].PrivateKey != signer {
		t.Errorf("%+v, %v", cfg, err)
	}
	for name, s := range map[string]tlsSettings{
		"no certificate":         {Key: key},
		"no key":                 {Certificate: certificate},
		"two keys":               {Certificate: certificate, Key: key, TokenKey: "tls"},
		"another key":            {Certificate: other, Key: key},
		"another key of token":   {Certificate: other, TokenKey: "tls"},
		"no such key":            {Certificate: certificate, TokenKey: "x"},
		"required of nobody":     {Certificate: certificate, Key: key, Required: true},
		"authorities are a key":  {Certificate: certificate, Key: key, Clients: []string{key}},
		"certificate is a key":   {Certificate: key, TokenKey: "tls"},
		"no file":                {Certificate: "/nonexistent", TokenKey: "tls"},
		"no file of authorities": {Certificate: certificate, Key: key, Clients: []string{"/nonexistent"}},
	} {
		if _, err := s.config(t.Context(), holds(signer)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := (tlsSettings{Certificate: certificate, TokenKey: "tls"}).config(t.Context(), holds(stranger)); err == nil {
		t.Error("the token's key is another")
	}
	if spki, err := clientSPKIOf(certificate); err != nil || len(spki) != 32 {
		t.Errorf("%x, %v", spki, err)
	}
	for _, file := range []string{key, "/nonexistent"} {
		if _, err := clientSPKIOf(file); err == nil {
			t.Errorf("%s: taken", file)
		}
	}
}
