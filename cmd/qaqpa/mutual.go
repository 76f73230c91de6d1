package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"

	"qaqpa/api"
)

// tlsSettings are for a listener with TLS of our own, where clients are known by certificates.
type tlsSettings struct {
	Listen      string   `name:"tls-listen" env:"QAQPA_TLS_LISTEN" placeholder:"ADDRESS" help:"Address of a second public interface with TLS of our own, where clients may show certificates; none, if not given."`
	Certificate string   `name:"tls-certificate" env:"QAQPA_TLS_CERTIFICATE" type:"existingfile" placeholder:"FILE" help:"Certificate of that interface with those between it and its root (PEM)."`
	Key         string   `name:"tls-key" env:"QAQPA_TLS_KEY" type:"existingfile" placeholder:"FILE" help:"Its private key (PEM), where it does not live in the token."`
	TokenKey    string   `name:"tls-token-key" env:"QAQPA_TLS_TOKEN_KEY" placeholder:"LABEL" help:"Label of its private key in the token."`
	Clients     []string `name:"tls-client-authorities" env:"QAQPA_TLS_CLIENT_AUTHORITIES" type:"existingfile" placeholder:"FILE" help:"Authorities (PEM) whose certificates clients may show; without them none are asked for."`
	Required    bool     `name:"tls-client-required" env:"QAQPA_TLS_CLIENT_REQUIRED" help:"Refuse connections of clients that show no certificate."`
}

// config reads the files. token finds a key by its label.
func (t tlsSettings) config(ctx context.Context, token func(context.Context, string) (crypto.Signer, error)) (*tls.Config, error) {
	if t.Certificate == "" || (t.Key == "") == (t.TokenKey == "") {
		return nil, errors.New("--tls-listen needs --tls-certificate and either --tls-key or --tls-token-key")
	}
	if t.Required && len(t.Clients) == 0 {
		return nil, errors.New("--tls-client-required needs --tls-client-authorities")
	}
	own, err := t.own(ctx, token)
	if err != nil {
		return nil, err
	}
	var clients *x509.CertPool
	if len(t.Clients) > 0 {
		files, err := readAll(t.Clients)
		if err != nil {
			return nil, err
		}
		clients = x509.NewCertPool()
		for i, file := range files {
			if !clients.AppendCertsFromPEM(file) {
				return nil, fmt.Errorf("%s holds no certificate that TLS can use", t.Clients[i])
			}
		}
	}
	return api.MutualConfig(own, clients, t.Required), nil
}

// own is our certificate with its key. A key that does not belong to it is found here, not by the first client.
func (t tlsSettings) own(ctx context.Context, token func(context.Context, string) (crypto.Signer, error)) (tls.Certificate, error) {
	if t.Key != "" {
		own, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return own, fmt.Errorf("couldn't read certificate and key for TLS: %w", err)
		}
		return own, nil
	}
	text, err := os.ReadFile(t.Certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("couldn't read the certificate for TLS: %w", err)
	}
	var own tls.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			own.Certificate = append(own.Certificate, block.Bytes)
		}
	}
	if len(own.Certificate) == 0 {
		return own, fmt.Errorf("%s holds no certificate in PEM", t.Certificate)
	}
	if own.Leaf, err = x509.ParseCertificate(own.Certificate[0]); err != nil {
		return own, fmt.Errorf("couldn't read the certificate for TLS: %w", err)
	}
	key, err := token(ctx, t.TokenKey)
	if err != nil {
		return own, fmt.Errorf("couldn't find the key of TLS %q: %w", t.TokenKey, err)
	}
	same, ok := own.Leaf.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	if !ok || !same.Equal(key.Public()) {
		return own, fmt.Errorf("the certificate for TLS is of another key than %q", t.TokenKey)
	}
	own.PrivateKey = key
	return own, nil
}

// listen opens the listener; nil, when there shall be none.
func (t tlsSettings) listen(ctx context.Context, g *gateway) (net.Listener, *tls.Config, error) {
	if t.Listen == "" {
		return nil, nil, nil
	}
	cfg, err := t.config(ctx, func(ctx context.Context, label string) (crypto.Signer, error) {
		key, err := keyOf(ctx, g.token, label)
		if err != nil {
			return nil, err
		}
		return g.recorded(key), nil
	})
	if err != nil {
		return nil, nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", t.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't listen for TLS: %w", err)
	}
	return ln, cfg, nil
}

// clientSPKIOf is SHA-256 of the public key of a client's certificate (PEM); nil when no file was named.
func clientSPKIOf(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("couldn't read the client's certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s holds no CERTIFICATE in PEM", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the client's certificate: %w", err)
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return sum[:], nil
}
