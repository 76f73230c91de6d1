package api

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// ServeTLS answers requests over TLS from the listener until Shutdown, beside [Server.Serve]. Clients may show certificates there: a key
// that is bound to one serves only over a connection on which the private key of that certificate was proved. The configuration says which
// authorities are believed; TLS 1.2 and older suites, renegotiation and resumption are its caller's business, see [MutualConfig].
func (s *Server) ServeTLS(ln net.Listener, cfg *tls.Config) error {
	if len(cfg.Certificates) == 0 {
		return errors.Join(errors.New("a listener with TLS needs a certificate"), ln.Close())
	}
	return s.Serve(tls.NewListener(ln, cfg))
}

// MutualConfig is how the gateway speaks TLS itself: 1.2 or newer, HTTP/1.1, and no resumption, so that every connection proves its
// certificate anew. clients, where given, asks for certificates below its authorities; required refuses connections without one.
func MutualConfig(own tls.Certificate, clients *x509.CertPool, required bool) *tls.Config {
	cfg := &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
	}
	if clients != nil {
		cfg.ClientCAs, cfg.ClientAuth = clients, tls.VerifyClientCertIfGiven
		if required {
			cfg.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	return cfg
}

// clientKey is SHA-256 of the public key (SubjectPublicKeyInfo) of the certificate that the client proved on this connection; nil without
// one. A renewed certificate with the same key is the same client. A certificate in a header, as proxies add it, is never looked at: whoever
// reaches the gateway past the proxy could write one.
func clientKey(c net.Conn) []byte {
	w, ok := c.(*watched)
	if !ok {
		return nil
	}
	t, ok := w.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := t.ConnectionState()
	if !state.HandshakeComplete || len(state.VerifiedChains) == 0 {
		return nil
	}
	sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return sum[:]
}
