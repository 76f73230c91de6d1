package pki

import (
	"context"
	"crypto"
	"errors"
	"testing"
	"time"
)

var errUnbuilt = errors.New("not built yet")

// PKI is the whole infrastructure.
type PKI struct{ opts Options }

// CA is one authority: a root or a national CA.
type CA struct {
	Family      Family
	Root        bool
	Certificate []byte // DER
}

// Reason is a CRLReason (RFC 5280 5.3.1).
type Reason int

// Reasons seen in the national CRLs.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
)

// CMSOptions change what [Identity.SignCMS] builds; the zero value is NCALayer's attached form.
type CMSOptions struct {
	Detached               bool
	SigningTime            time.Time // zero: the PKI's clock
	NoSigningTime          bool
	NoSigningCertificateV2 bool
	NoSignedAttributes     bool
	NoCertificate          bool
	Chain                  bool // include the CA certificates
	Hash                   crypto.Hash
	TimeStamp              bool
}

// New opens or creates the PKI in opts.Dir.
func New(opts Options) (*PKI, error) { return &PKI{opts: opts}, errUnbuilt }

// ForTest makes a PKI in t.TempDir with the given families (zero: all).
func ForTest(t testing.TB, families ...Family) *PKI { t.Helper(); t.Fatal(errUnbuilt); return nil }

// Root returns the root of a family.
func (p *PKI) Root(f Family) *CA { return nil }

// NCA returns the national CA of a family.
func (p *PKI) NCA(f Family) *CA { return nil }

// BaseURL is the address in the certificates.
func (p *PKI) BaseURL() string { return p.opts.BaseURL }

// Issue makes a key and a certificate.
func (p *PKI) Issue(prof Profile) (*Identity, error) { return nil, errUnbuilt }

// IssueFor makes a certificate for a key held elsewhere: *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or *gostref.PublicKey.
func (p *PKI) IssueFor(prof Profile, pub crypto.PublicKey) (*Identity, error) { return nil, errUnbuilt }

// IssueCSR makes a certificate for a PKCS#10 request (DER), whose signature is checked; the subject comes from the profile.
func (p *PKI) IssueCSR(prof Profile, csr []byte) (*Identity, error) { return nil, errUnbuilt }

// Identity finds an issued identity by name.
func (p *PKI) Identity(name string) (*Identity, error) { return nil, ErrUnknown }

// Revoke puts the certificate on the list of its issuer.
func (p *PKI) Revoke(id *Identity, reason Reason, at time.Time) error { return errUnbuilt }

// CRL returns the full list (DER) of an authority, as of now.
func (p *PKI) CRL(ca *CA) ([]byte, error) { return nil, errUnbuilt }

// DeltaCRL returns the delta list.
func (p *PKI) DeltaCRL(ca *CA) ([]byte, error) { return nil, errUnbuilt }

// OCSP answers a DER request.
func (p *PKI) OCSP(request []byte) ([]byte, error) { return nil, errUnbuilt }

// TimeStamp answers a DER TimeStampReq.
func (p *PKI) TimeStamp(request []byte) ([]byte, error) { return nil, errUnbuilt }

// Server is the running HTTP services.
type Server struct{}

// Serve starts the services on the PKI's port; they stop when ctx ends or on Close.
func (p *PKI) Serve(ctx context.Context) (*Server, error) { return nil, errUnbuilt }

// Close stops the server and waits.
func (s *Server) Close() error { return nil }

// SignCMS builds a SignedData (DER).
func (id *Identity) SignCMS(content []byte, opts CMSOptions) ([]byte, error) { return nil, errUnbuilt }

// PEM returns the certificate as PEM.
func (id *Identity) PEM() []byte { return nil }

// PKCS8 returns the private key in the national PKCS#8 form (DER).
func (id *Identity) PKCS8() ([]byte, error) { return nil, errUnbuilt }
