package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// mutual is a gateway with a listener of TLS, and people with certificates.
type mutual struct {
	*gateway
	dir  string
	base string
}

// authority makes certificates for TLS.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key))
	return authority{cert: must[*x509.Certificate](t)(x509.ParseCertificate(der)), key: key}
}

// issue writes name.pem and name.key into the folder and returns the public key's digest.
func (a authority) issue(t *testing.T, dir, name string, until time.Duration, usage x509.ExtKeyUsage) []byte {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key))
	pkcs8 := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return keyDigest(t, key.Public())
}

func keyDigest(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	sum := sha256.Sum256(must[[]byte](t)(x509.MarshalPKIXPublicKey(key)))
	return sum[:]
}

func startMutual(t *testing.T, required bool) (*mutual, authority) {
	t.Helper()
	m := &mutual{dir: t.TempDir()}
	done, serving := make(chan error, 1), false
	t.Cleanup(func() { // after the gateway's own, whose one Shutdown ends both listeners
		if !serving {
			return
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	m.gateway = serveFront(t, postgres.ForTest(t, signer.Migrate, auth.Migrate), &payment.Service{}, &signer.Service{}, nil)
	ca := newAuthority(t, "Тексеру орталығы")
	ca.issue(t, m.dir, "server", time.Hour, x509.ExtKeyUsageServerAuth)
	if err := os.WriteFile(filepath.Join(m.dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	own := must[tls.Certificate](t)(tls.LoadX509KeyPair(filepath.Join(m.dir, "server.pem"), filepath.Join(m.dir, "server.key")))
	clients := x509.NewCertPool()
	clients.AddCert(ca.cert)
	ln := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	m.base = "https://" + ln.Addr().String()
	serving = true
	go func() { done <- m.ServeTLS(ln, MutualConfig(own, clients, required)) }()
	return m, ca
}

// curl calls with a certificate, or none, and a key, and returns the status; 0 when TLS was refused.
func (m *mutual) curl(t *testing.T, certificate, token string) int {
	t.Helper()
	args := []string{"-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30", "--noproxy", "*", "--cacert", filepath.Join(m.dir, "ca.pem"), "-H", "Authorization: Bearer " + token}
	if certificate != "" {
		args = append(args, "--cert", filepath.Join(m.dir, certificate+".pem"), "--key", filepath.Join(m.dir, certificate+".key"))
	}
	out, err := exec.CommandContext(t.Context(), "curl", append(args, m.base+"/v1/client")...).Output()
	status, _ := strconv.Atoi(string(out))
	if err != nil {
		return 0
	}
	return status
}

// A key that is bound to a certificate serves on connections that proved it and on no others, whoever else is let in.
func TestMutualTLS(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	m, ca := startMutual(t, false)
	bound := ca.issue(t, m.dir, "bank", time.Hour, x509.ExtKeyUsageClientAuth)
	ca.issue(t, m.dir, "other", time.Hour, x509.ExtKeyUsageClientAuth)
	ca.issue(t, m.dir, "expired", -time.Hour, x509.ExtKeyUsageClientAuth)
	ca.issue(t, m.dir, "server-only", time.Hour, x509.ExtKeyUsageServerAuth)
	newAuthority(t, "Бөтен").issue(t, m.dir, "stranger", time.Hour, x509.ExtKeyUsageClientAuth)
	token, key, err := m.keys.Create(t.Context(), auth.NewKey{Kind: auth.Bank, Subject: "TSESKZKA", Actor: "operator:test", ClientSPKI: bound})
	if err != nil || string(key.ClientSPKI) != string(bound) {
		t.Fatalf("%+v, %v", key, err)
	}
	free := m.key(auth.Bank, "CASPKZKA")
	for _, c := range []struct {
		certificate, token string
		want               int
	}{
		{"bank", token, http.StatusOK},
		{"", token, http.StatusUnauthorized},
		{"other", token, http.StatusUnauthorized}, // somebody else's session
		{"expired", token, 0},
		{"stranger", token, 0},
		{"server-only", token, 0},
		{"", free, http.StatusOK}, // a key without a certificate, over TLS
		{"other", free, http.StatusOK},
		{"bank", "", http.StatusUnauthorized}, // a certificate alone is no key
	} {
		if got := m.curl(t, c.certificate, c.token); got != c.want {
			t.Errorf("certificate %q: %d, want %d", c.certificate, got, c.want)
		}
	}
	// Not over the plain listener, whatever a header says.
	if got := m.do(call{method: http.MethodGet, path: "/v1/client", key: token, header: map[string]string{"X-Client-Cert": "bank", "X-SSL-Client-Verify": "SUCCESS"}}); got.status != http.StatusUnauthorized {
		t.Errorf("over plain HTTP: %d", got.status)
	}
	keys, err := m.keys.Keys(t.Context())
	if err != nil || len(keys) != 2 {
		t.Fatalf("%v, %v", keys, err)
	}
	for _, bad := range [][]byte{{1}, make([]byte, 33)} {
		if _, _, err := m.keys.Create(t.Context(), auth.NewKey{Kind: auth.Bank, Subject: "X", Actor: "operator:test", ClientSPKI: bad}); err == nil {
			t.Error("a digest of another length was taken")
		}
	}
}

// Connections without a certificate, and with old TLS, are refused where the operator says so; openssl is the witness.
func TestMutualTLSRequired(t *testing.T) {
	m, ca := startMutual(t, true)
	ca.issue(t, m.dir, "bank", time.Hour, x509.ExtKeyUsageClientAuth)
	handshake := func(more ...string) bool {
		args := append([]string{"s_client", "-connect", strings.TrimPrefix(m.base, "https://"), "-CAfile", filepath.Join(m.dir, "ca.pem"), "-verify_return_error", "-quiet"}, more...)
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Stdin = strings.NewReader("GET /openapi.yaml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		out, _ := cmd.CombinedOutput()
		return strings.Contains(string(out), "HTTP/1.1 200")
	}
	certificate := []string{"-cert", filepath.Join(m.dir, "bank.pem"), "-key", filepath.Join(m.dir, "bank.key")}
	if !handshake(certificate...) || !handshake(append(certificate, "-tls1_2")...) {
		t.Error("a client with its certificate was refused")
	}
	if handshake() || handshake("-tls1_2") {
		t.Error("a client without a certificate was served")
	}
	if handshake(append(certificate, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")...) {
		t.Error("TLS 1.1 was taken")
	}
}

// The end of a TLS connection in the middle of a body is a cut, as it is without TLS: half a message is not a message.
func TestMutualTLSCutBody(t *testing.T) {
	m, ca := startMutual(t, false)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	conn := must[net.Conn](t)(dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(m.base, "https://")))
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/bank-confirmations HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs7-mime\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"); err != nil {
		t.Fatal(err)
	}
	c, _ := conn.(*tls.Conn)
	if err := c.CloseWrite(); err != nil { // close_notify, and the TCP connection stays
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn)
	if !strings.Contains(string(answer), "body_incomplete") {
		t.Errorf("%.200s", answer)
	}
}

func TestServeTLSNeedsCertificate(t *testing.T) {
	m, _ := startMutual(t, false)
	ln := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	if err := m.ServeTLS(ln, &tls.Config{MinVersion: tls.VersionTLS12}); err == nil {
		t.Error("served without a certificate")
	}
}
