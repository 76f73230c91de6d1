package ncanode

import (
	"context"
	"fmt"

	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/rawsig"
	"qaqpa/signer/report"
)

type x509InfoRequest struct {
	Certs           []string `json:"certs" limit:"32"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
}

// x509Info judges certificates; one that cannot be read is null.
func (g *Gateway) x509Info(ctx context.Context, c Call, in x509InfoRequest) (verification, error) {
	check, err := in.RevocationCheck.check()
	if err != nil {
		return verification{}, err
	}
	certs := make([]*pkix.Certificate, len(in.Certs))
	for i, text := range in.Certs {
		certs[i] = certificateOf(text)
	}
	return g.describeAll(ctx, c, certs, check)
}

// describeAll judges certificates alone. None at all is not valid.
func (g *Gateway) describeAll(ctx context.Context, c Call, certs []*pkix.Certificate, check *signer.RevocationCheck) (verification, error) {
	out := verification{done: ok(), Valid: len(certs) > 0, Signers: make([]*certificateInfo, len(certs))}
	out.outcome = outcome{Indication: report.TotalPassed, Problems: []reason{}}
	if len(certs) == 0 {
		out.worse(outcome{Indication: report.Indeterminate, SubIndication: report.NoSigningCertificateFound})
		out.add(c, report.ReasonNoCertificate, "")
	}
	for i, cert := range certs {
		if cert == nil {
			out.Valid = false
			out.worse(outcome{Indication: report.TotalFailed, SubIndication: report.FormatFailure})
			out.add(c, report.ReasonMalformed, fmt.Sprintf("number %d", i+1))
			continue
		}
		one, err := g.described(ctx, c, asked{cert: cert, check: check})
		if err != nil {
			return verification{}, err
		}
		out.Signers[i] = one
		out.Valid = out.Valid && one.Valid
		out.worse(*one.outcome)
	}
	return out, nil
}

// worse takes over a graver indication.
func (o *outcome) worse(other outcome) {
	if other.Indication.Worse(o.Indication) {
		o.Indication, o.SubIndication = other.Indication, other.SubIndication
	}
}

type x509VerifyRequest struct {
	Certificate string `json:"certificate"`
	Signature   string `json:"signature"`
	// Data is text: its UTF-8 is what is signed.
	Data            string   `json:"data"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
}

// x509Verify judges a signature that stands alone, and its certificate.
func (g *Gateway) x509Verify(ctx context.Context, c Call, in x509VerifyRequest) (verification, error) {
	check, err := in.RevocationCheck.check()
	if err != nil {
		return verification{}, err
	}
	signature, err := fromBase64(in.Signature)
	if err != nil {
		return verification{}, refuse(CodeBase64, "signature is not base64")
	}
	cert := certificateOf(in.Certificate)
	out, err := g.describeAll(ctx, c, []*pkix.Certificate{cert}, check)
	if err != nil || cert == nil {
		return out, err
	}
	if cert.PublicKeyErr != nil {
		err = cert.PublicKeyErr
	} else {
		_, err = rawsig.Verify(cert.PublicKey, []byte(in.Data), signature, rawsig.Options{})
	}
	if err != nil {
		out.Valid, out.Signers[0].Valid = false, false
		out.worse(outcome{Indication: report.TotalFailed, SubIndication: report.SigCryptoFailure})
		out.add(c, report.ReasonSignatureWrong, err.Error())
	}
	return out, nil
}

type pkcs12Request struct {
	Keys            []keyRequest `json:"keys" limit:"32"`
	RevocationCheck services     `json:"revocationCheck,omitempty" limit:"8"`
}

// pkcs12Info judges the certificates of key files.
func (g *Gateway) pkcs12Info(ctx context.Context, c Call, in pkcs12Request) (verification, error) {
	check, err := in.RevocationCheck.check()
	if err != nil {
		return verification{}, err
	}
	stores, err := openAll(in.Keys, "keys")
	if err != nil {
		return verification{}, err
	}
	certs := make([]*pkix.Certificate, len(stores))
	for i, k := range in.Keys {
		e, err := k.entry(stores[i], fmt.Sprintf("keys[%d]", i))
		if err != nil {
			return verification{}, err
		}
		certs[i] = e.Certificate
	}
	return g.describeAll(ctx, c, certs, check)
}

type aliasesAnswer struct {
	done
	Aliases [][]string `json:"aliases"`
}

// pkcs12Aliases lists the names of the keys in each file.
func (g *Gateway) pkcs12Aliases(_ context.Context, _ Call, in pkcs12Request) (aliasesAnswer, error) {
	stores, err := openAll(in.Keys, "keys")
	if err != nil {
		return aliasesAnswer{}, err
	}
	out := aliasesAnswer{done: ok()}
	for _, s := range stores {
		out.Aliases = append(out.Aliases, s.Aliases())
	}
	return out, nil
}
