//go:build !release

package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/jmoiron/sqlx"
)

// prepareTLS makes a key for TLS in the token and has the authority in ca.pem certify it; the settings for it come back. A certificate of
// another key is refused.
func (s *signing) prepareTLS(t *testing.T, openssl func(args ...string)) map[string]any {
	t.Helper()
	s.run(t, "keys", "generate", "tls")
	s.refused(t, "does not belong to the key", "keys", "import-cert", "tls", filepath.Join(s.dir, "tsa.pem"))
	s.write(t, "tls.csr", []byte(s.run(t, "keys", "csr", "tls", "--common-name=TLS", "--organisation=Qaqpa", "--bin=123456789012")+"\n"))
	s.write(t, "ext-tls", []byte("subjectAltName=IP:127.0.0.1\n"))
	openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext-tls", "-days", "1", "-out", "tls.pem")
	listen, err := address("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"tls-listen": listen, "tls-certificate": filepath.Join(s.dir, "tls.pem"), "tls-token-key": "tls"}
}

// checkTLS greets the gateway: the key of the token answers, and each of its uses is on record by then.
func (s *signing) checkTLS(t *testing.T, settings map[string]any) {
	t.Helper()
	address, _ := settings["tls-listen"].(string)
	authority, err := os.ReadFile(filepath.Join(s.dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	db, err := sqlx.Open("postgres", s.pg.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for want := 2; want <= 3; want++ { // the first was the request for its certificate
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close() // the handshake is what counts
		var uses int
		if err := db.GetContext(t.Context(), &uses, `SELECT count(*) FROM audit_entries WHERE action = 'key.used' AND subject = 'key:tls'`); err != nil {
			t.Fatal(err)
		}
		if uses != want {
			t.Errorf("%d uses of the key of TLS are on record after %d handshakes and a request for a certificate", uses, want-1)
		}
	}
}
