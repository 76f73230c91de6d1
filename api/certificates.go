package api

import (
	"context"
	"encoding/json"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
)

// certificateRequest is a certificate to judge without a document.
type certificateRequest struct {
	// Certificate is DER or PEM; PEM may go on with those above it.
	Certificate []byte `json:"certificate" limit:"1048576"`
	// Evidence are certificates, lists and OCSP responses that the caller knows.
	Evidence [][]byte  `json:"evidence,omitempty" limit:"64"`
	At       time.Time `json:"at,omitzero"`
	// Policy names the rules, PolicyDocument brings them.
	Policy         string          `json:"policy,omitempty" limit:"32"`
	PolicyDocument json.RawMessage `json:"policy_document,omitempty"`
	// Revocation and AuthorityRevocation take the place of the policy's modes.
	Revocation          string `json:"revocation,omitempty" limit:"16"`
	AuthorityRevocation string `json:"authority_revocation,omitempty" limit:"16"`
	// KeyUsage and Purposes are what the key has to be for.
	KeyUsage []string `json:"key_usage,omitempty" limit:"9"`
	Purposes []string `json:"purposes,omitempty" limit:"16"`
	// PathLength bounds the authorities between the certificate and its anchor.
	PathLength *int `json:"path_length_max,omitempty"`
	// IssuerRules holds issuers to RFC 5280 4, too.
	IssuerRules bool `json:"issuer_rules,omitempty"`
	// CertificatePolicies are the inputs of RFC 5280 6.1.1 (c) to (g).
	CertificatePolicies *policyInputs `json:"certificate_policies,omitempty"`
}

type policyInputs struct {
	Acceptable       []string `json:"acceptable,omitempty" limit:"64"`
	Explicit         bool     `json:"explicit,omitempty"`
	MappingInhibited bool     `json:"mapping_inhibited,omitempty"`
	AnyInhibited     bool     `json:"any_inhibited,omitempty"`
}

// validateCertificate judges a certificate alone. Nothing is stored.
func (s *Server) validateCertificate(ctx context.Context, _ *request, in certificateRequest) (reply[signer.CertificateVerdict], error) {
	if in.At.After(s.cfg.Now()) {
		return reply[signer.CertificateVerdict]{}, badField("/at")
	}
	demands, err := in.demands()
	if err != nil {
		return reply[signer.CertificateVerdict]{}, err
	}
	release, err := s.turn(ctx)
	if err != nil {
		return reply[signer.CertificateVerdict]{}, err
	}
	defer release()
	v, err := s.cfg.Signer.ValidateCertificate(ctx, signer.CertificateRequest{
		Certificate: in.Certificate, Evidence: in.Evidence, At: in.At, Policy: in.Policy, PolicyDocument: in.PolicyDocument,
		Demands: demands,
	})
	return reply[signer.CertificateVerdict]{Body: v}, err
}

// keyUsages are the bits of RFC 5280 4.2.1.3 by their names there.
var keyUsages = map[string]pkix.KeyUsage{
	"digitalSignature": pkix.DigitalSignature, "nonRepudiation": pkix.NonRepudiation, "keyEncipherment": pkix.KeyEncipherment,
	"dataEncipherment": pkix.DataEncipherment, "keyAgreement": pkix.KeyAgreement, "keyCertSign": pkix.KeyCertSign,
	"cRLSign": pkix.CRLSign, "encipherOnly": pkix.EncipherOnly, "decipherOnly": pkix.DecipherOnly,
}

// revocationModes are the modes by their names in policy documents.
var revocationModes = map[string]path.Mode{"required": path.Required, "if-available": path.IfAvailable, "off": path.Off}

// demands reads what the caller wants of the path.
func (in *certificateRequest) demands() (d signer.CertificateDemands, err error) {
	for _, name := range in.KeyUsage {
		bit, known := keyUsages[name]
		if !known {
			return d, badField("/key_usage")
		}
		d.KeyUsage |= bit
	}
	if in.PathLength != nil && *in.PathLength < 0 {
		return d, badField("/path_length_max")
	}
	d.Purposes, d.PathLength, d.Strict = in.Purposes, in.PathLength, in.IssuerRules
	if d.Revocation, err = revocationMode(in.Revocation, "/revocation"); err != nil {
		return d, err
	}
	if d.AuthorityRevocation, err = revocationMode(in.AuthorityRevocation, "/authority_revocation"); err != nil {
		return d, err
	}
	if p := in.CertificatePolicies; p != nil {
		d.Policies = path.PolicyInputs{
			Initial: p.Acceptable, Explicit: p.Explicit, MappingInhibited: p.MappingInhibited, AnyInhibited: p.AnyInhibited,
		}
	}
	return d, nil
}

// revocationMode reads a mode; nil when none is given.
func revocationMode(name, field string) (*path.Mode, error) {
	if name == "" {
		return nil, nil
	}
	m, known := revocationModes[name]
	if !known {
		return nil, badField(field)
	}
	return &m, nil
}
