package ncanode

import (
	"context"
	"encoding/base64"

	"qaqpa/signer"
)

type pdfSignRequest struct {
	PDF       string          `json:"pdf"`
	Signers   []pdfKeyRequest `json:"signers" limit:"32"`
	WithTSP   bool            `json:"withTsp,omitempty"`
	TSAPolicy string          `json:"tsaPolicy,omitempty"`
}

// pdfKeyRequest is a key with what readers are to show beside its signature. ContactInfo is taken and not written.
type pdfKeyRequest struct {
	Signer      keyRequest `json:"signer"`
	Reason      string     `json:"reason,omitempty" limit:"200"`
	Location    string     `json:"location,omitempty" limit:"200"`
	ContactInfo string     `json:"contactInfo,omitempty" limit:"200"`
}

type pdfAnswer struct {
	done
	PDF string `json:"pdf"`
}

// pdfSign lets each key sign in turn. The signatures show nothing on a page, so that each leaves those before it as they were.
func (g *Gateway) pdfSign(ctx context.Context, c Call, in pdfSignRequest) (pdfAnswer, error) {
	options, err := g.stamping(in.WithTSP, in.TSAPolicy)
	if err != nil {
		return pdfAnswer{}, err
	}
	doc, _, err := readPDF(in.PDF)
	if err != nil {
		return pdfAnswer{}, err
	}
	list := make([]keyRequest, len(in.Signers))
	for i, s := range in.Signers {
		list[i] = s.Signer
	}
	keys, err := signingKeys(list)
	if err != nil {
		return pdfAnswer{}, err
	}
	for i, key := range keys {
		options.Reason, options.Location = in.Signers[i].Reason, in.Signers[i].Location
		if doc, err = g.cfg.Signer.SignPDF(ctx, signer.SignPDFRequest{Document: doc, PDFOptions: options, Key: key, Actor: c.Actor}); err != nil {
			return pdfAnswer{}, bySigner(i, err)
		}
	}
	return pdfAnswer{ok(), base64.StdEncoding.EncodeToString(doc)}, nil
}

// stamping turns the wish for time stamps into a level of the PAdES baseline.
func (g *Gateway) stamping(wanted bool, policy string) (signer.PDFOptions, error) {
	oid, err := g.tsaPolicy(wanted, policy)
	if err != nil || !wanted {
		return signer.PDFOptions{Level: signer.PDFBasic}, err
	}
	return signer.PDFOptions{Level: signer.PDFTime, TSAPolicy: oid}, nil
}

// tsaPolicy finds the policy that is asked of the time-stamping authority, and refuses what cannot be had.
func (g *Gateway) tsaPolicy(wanted bool, name string) (string, error) {
	oid, known := policies[name]
	switch {
	case !known:
		return "", refuse(CodePolicy, "tsaPolicy takes TSA_GOST2015_POLICY, TSA_GOST_POLICY and TSA_GOSTGT_POLICY")
	case wanted && !g.cfg.Signer.StampsTime():
		return "", refuse(CodeNoTSA, "withTsp: no time-stamping authority is set on this server")
	}
	return oid, nil
}
