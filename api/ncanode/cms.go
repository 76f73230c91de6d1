package ncanode

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
)

// cmsSignRequest is that of /cms/sign and /cms/sign/add.
type cmsSignRequest struct {
	CMS       string       `json:"cms,omitempty"`
	Data      string       `json:"data,omitempty"`
	Signers   []keyRequest `json:"signers" limit:"32"`
	WithTSP   bool         `json:"withTsp,omitempty"`
	TSAPolicy string       `json:"tsaPolicy,omitempty"`
	Detached  bool         `json:"detached,omitempty"`
}

// policies of the national time-stamping authority.
var policies = map[string]string{
	"":                    "1.2.398.3.3.2.6.4",
	"TSA_GOST2015_POLICY": "1.2.398.3.3.2.6.4",
	"TSA_GOST_POLICY":     "1.2.398.3.3.2.6.1",
	"TSA_GOSTGT_POLICY":   "1.2.398.3.3.2.6.3",
}

type cmsAnswer struct {
	done
	CMS string `json:"cms"`
}

func (g *Gateway) cmsSign(ctx context.Context, c Call, in cmsSignRequest) (cmsAnswer, error) {
	if in.Data == "" {
		return cmsAnswer{}, refuse(CodeData, "data must not be empty")
	}
	in.CMS = ""
	return g.signCMS(ctx, c, in)
}

func (g *Gateway) cmsSignAdd(ctx context.Context, c Call, in cmsSignRequest) (cmsAnswer, error) {
	if in.CMS == "" {
		return cmsAnswer{}, refuse(CodeCMS, "CMS argument not specified")
	}
	return g.signCMS(ctx, c, in)
}

// signCMS lets each key sign in turn, beside those that have signed already.
func (g *Gateway) signCMS(ctx context.Context, c Call, in cmsSignRequest) (cmsAnswer, error) {
	policy, err := g.tsaPolicy(in.WithTSP, in.TSAPolicy)
	if err != nil {
		return cmsAnswer{}, err
	}
	req := signer.SignCMSRequest{Detached: in.Detached, TimeStamp: in.WithTSP, TSAPolicy: policy, Actor: c.Actor}
	if in.CMS != "" {
		if req.CMS, err = document(in.CMS, "cms"); err != nil {
			return cmsAnswer{}, err
		}
	}
	if req.Document, err = optionalData(in.Data); err != nil {
		return cmsAnswer{}, err
	}
	keys, err := signingKeys(in.Signers)
	if err != nil {
		return cmsAnswer{}, err
	}
	for i, key := range keys {
		req.Key = key
		if req.CMS, err = g.cfg.Signer.SignCMS(ctx, req); err != nil {
			return cmsAnswer{}, bySigner(i, err)
		}
	}
	return cmsAnswer{ok(), base64.StdEncoding.EncodeToString(req.CMS)}, nil
}

// bySigner says whose key was refused.
func bySigner(i int, err error) error {
	err = ofSigner(err)
	if p, ok := errors.AsType[*Error](err); ok {
		return p.at(fmt.Sprintf("signers[%d]", i))
	}
	return err
}

type cmsVerifyRequest struct {
	CMS             string   `json:"cms"`
	Data            string   `json:"data,omitempty"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
}

// optionalData decodes what may be absent; nil then.
func optionalData(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := fromBase64(s)
	if err != nil {
		return nil, refuse(CodeBase64, "data is not base64")
	}
	return b, nil
}

type cmsVerification struct {
	done
	Valid   bool        `json:"valid"`
	Signers []cmsSigner `json:"signers"`
	outcome
}

// cmsSigner is one signature of a CMS.
type cmsSigner struct {
	Certificates []*certificateInfo `json:"certificates"`
	TSP          *tspInfo           `json:"tsp"`
	outcome
}

func readCMS(s string) ([]byte, *cms.SignedData, error) {
	doc, err := document(s, "cms")
	if err != nil {
		return nil, nil, err
	}
	sd, err := cms.ParseArmoured(doc, cms.Limits{})
	if err != nil {
		return nil, nil, refuse(CodeCMS, "cms is not a CMS SignedData").because(err)
	}
	return doc, sd, nil
}

func (g *Gateway) cmsVerify(ctx context.Context, c Call, in cmsVerifyRequest) (cmsVerification, error) {
	check, err := in.RevocationCheck.check()
	if err != nil {
		return cmsVerification{}, err
	}
	doc, sd, err := readCMS(in.CMS)
	if err != nil {
		return cmsVerification{}, err
	}
	data, err := optionalData(in.Data)
	if err != nil {
		return cmsVerification{}, err
	}
	req := signer.ValidateRequest{Document: doc, Check: check}
	if !sd.HasContent {
		req.Detached = data
	}
	v, err := g.cfg.Signer.Validate(ctx, req)
	if err != nil {
		return cmsVerification{}, ofSigner(err)
	}
	if len(v.Signatures) != len(sd.Signers) { // a time-stamp token, or what claims to be one: signed, but no signed document
		none := cmsVerification{done: ok(), Signers: []cmsSigner{}, outcome: summary(c, v)}
		none.add(c, report.ReasonNotSigned, "a time-stamp token is no signed document")
		return none, nil
	}
	out := cmsVerification{done: ok(), Valid: v.Passed(), Signers: make([]cmsSigner, len(v.Signatures)), outcome: summary(c, v)}
	// The attack: a good attached signature beside data that nobody signed, which the client then goes on with.
	if data != nil && sd.HasContent && !bytes.Equal(data, sd.Content) {
		out.Valid = false
		out.add(c, report.ReasonContentChanged, "the content of the CMS is not the data that came with it")
	}
	for i := range v.Signatures {
		one, err := g.signature(ctx, c, v.Signatures[i], poolOf(sd, i), check)
		if err != nil {
			return cmsVerification{}, err
		}
		out.Signers[i] = cmsSigner{Certificates: []*certificateInfo{}, TSP: tspOf(&v.Signatures[i], &sd.Signers[i]), outcome: one.outcome}
		if one.info != nil {
			out.Signers[i].Certificates = append(out.Signers[i].Certificates, one.info)
		}
		out.Valid = out.Valid && one.valid
	}
	return out, nil
}

// poolOf are the certificates of a CMS and those that one of its signers carries.
func poolOf(sd *cms.SignedData, signer int) pool {
	p := pool{}
	p.add(sd.Certificates...)
	if ev, err := sd.Signers[signer].Evidence(); err == nil {
		p.add(ev.Certificates...)
	}
	return p
}

type cmsExtractRequest struct {
	CMS string `json:"cms"`
}

type cmsData struct {
	done
	Data string `json:"data"`
}

// cmsExtract gives the content. Nothing is verified here, as in NCANode.
func (g *Gateway) cmsExtract(_ context.Context, _ Call, in cmsExtractRequest) (cmsData, error) {
	_, sd, err := readCMS(in.CMS)
	if err != nil {
		return cmsData{}, err
	}
	if !sd.HasContent {
		return cmsData{}, refuse(CodeNoContent, "CMS doesn't have signed content")
	}
	return cmsData{ok(), base64.StdEncoding.EncodeToString(sd.Content)}, nil
}
