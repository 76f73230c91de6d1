package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"qaqpa/signer"
)

// judgeCertificates judges the files as certificates, as POST /v1/certificates/validations does. Exit codes are those of documents.
func (c *validateCmd) judgeCertificates(ctx context.Context, service *signer.Service, io streams) error {
	var all tally
	for _, path := range c.Files {
		v, err := c.judgeCertificate(ctx, service, path)
		switch {
		case err != nil && (len(c.Files) == 1 || ctx.Err() != nil):
			return fmt.Errorf("couldn't judge %s: %w", path, err)
		case err != nil: // the others are judged all the same
			all.undecided = true
			fmt.Fprintf(io.err, "qaqpa: couldn't judge %s: %v\n", path, err)
			continue
		}
		all.count(signer.Verdict{Indication: v.Indication})
		if err := c.printCertificate(io.out, path, v); err != nil {
			return err
		}
	}
	return all.exit()
}

func (c *validateCmd) judgeCertificate(ctx context.Context, service *signer.Service, path string) (signer.CertificateVerdict, error) {
	req, err := c.request(path)
	if err != nil {
		return signer.CertificateVerdict{}, err
	}
	return service.ValidateCertificate(ctx, signer.CertificateRequest{
		Certificate: req.Document, Evidence: req.Evidence, At: req.At, Policy: req.Policy, PolicyDocument: req.PolicyDocument,
	})
}

func (c *validateCmd) printCertificate(w io.Writer, path string, v signer.CertificateVerdict) error {
	if c.JSON {
		line, err := json.Marshal(struct {
			File string `json:"file"`
			signer.CertificateVerdict
		}{path, v})
		if err != nil {
			return fmt.Errorf("couldn't write down the verdict: %w", err)
		}
		fmt.Fprintf(w, "%s\n", line)
		return nil
	}
	fmt.Fprintf(w, "%s: %s\n", path, outcome(v.Indication, v.Sub))
	fmt.Fprintf(w, "  of %s, issued by %s\n", v.Subject.Name, v.Subject.Issuer)
	c.printReasons(w, "  ", v.Reasons)
	c.printReasons(w, "  note: ", v.Remarks)
	return nil
}
