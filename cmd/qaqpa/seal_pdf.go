package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"qaqpa/signer"
)

// pdfSettings say how a PDF document is sealed.
type pdfSettings struct {
	Level    string  `enum:"B,T,LT,LTA" default:"B" help:"PAdES level: ${enum}. Above B it needs --tsa."`
	Field    string  `placeholder:"NAME" help:"Empty signature field of the document to fill; a new one if not given."`
	Reason   string  `help:"Reason that readers show."`
	Location string  `help:"Place that readers show."`
	Code     string  `placeholder:"TEXT" help:"Make the seal visible, with this content in its QR code."`
	Page     int     `default:"-1" help:"Page of the visible seal, from 0; -1 is the last one."`
	X        float64 `default:"36" help:"Its left edge, in points."`
	Y        float64 `default:"36" help:"Its lower edge, in points."`
	Certify  int     `enum:"0,1,2,3" default:"0" help:"What later changes the seal allows: 1 none, 2 forms and signatures, 3 annotations as well; 0 says nothing."`
}

func (p *pdfSettings) options() signer.PDFOptions {
	o := signer.PDFOptions{
		Level: signer.PDFLevel(p.Level), Field: p.Field, Reason: p.Reason, Location: p.Location, Permission: p.Certify,
	}
	if p.Code != "" {
		o.Mark = &signer.PDFMark{Page: p.Page, X: p.X, Y: p.Y, Code: p.Code}
	}
	return o
}

var errPDFOptions = errors.New("--detached, --timestamp and --evidence go with --format=cades; give --pdf-level or --xades-level instead")

// seal makes the seal in the format that was asked for.
func (c *sealCmd) seal(ctx context.Context, s *signer.Service, document []byte) ([]byte, error) {
	if c.Format == formatPAdES {
		return s.SealPDF(ctx, signer.SealPDFRequest{Document: document, PDFOptions: c.PDF.options(), Actor: operatorActor()})
	}
	if c.Format == formatXAdES {
		return s.SealXAdES(ctx, signer.SealXAdESRequest{Document: document, XAdESOptions: c.XAdES.options(c.TSA.Policy), Actor: operatorActor()})
	}
	return s.Seal(ctx, signer.SealRequest{
		Document: document, Detached: c.Detached, TimeStamp: c.Stamp, Evidence: c.Evidence, Actor: operatorActor(),
	})
}

// Formats of seals, as flags name them.
const (
	formatCAdES = "cades"
	formatPAdES = "pades"
	formatXAdES = "xades"
)

// printChanges tells what later revisions of a PDF document changed.
func printChanges(w io.Writer, s signer.SignatureVerdict) {
	if s.Revisions == 0 {
		return
	}
	fmt.Fprintf(w, "    revision %d of %d\n", s.Revision, s.Revisions)
	for _, c := range s.Changes {
		forbidden := ""
		if c.Forbidden {
			forbidden = ", forbidden"
		}
		fmt.Fprintf(w, "    later, in revision %d: %s%s (%s)\n", c.Revision, c.Kind, forbidden, c.Detail)
	}
}
