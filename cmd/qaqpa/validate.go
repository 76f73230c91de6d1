package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/fetch"
	"qaqpa/signer/report"
)

// validateCmd judges documents without a database: nothing is stored.
//
// Exit codes: 0 every document passed; 5 what is signed holds, but of at least one document it is only a part; 3 at least one is
// indeterminate; 4 at least one failed; 1 at least one could not be judged; 2 usage.
type validateCmd struct {
	Files        []string          `arg:"" type:"existingfile" name:"file" help:"Signed documents."`
	Detached     string            `type:"existingfile" placeholder:"FILE" help:"The original, when the one document is a detached signature."`
	Originals    map[string]string `name:"original" mapsep:"none" placeholder:"NAME=FILE" help:"One of several originals of an XML signature, by the name that its references give it; repeatable."`
	Evidence     []string          `type:"existingfile" placeholder:"FILE" help:"Certificates, a revocation list or an OCSP response that you know, weighed like any other; repeatable."`
	Certificates bool              `name:"certificate" help:"The files are certificates (PEM or DER; those above it may follow): judge these."`
	At           time.Time         `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"Judge for this time (RFC 3339) instead of now."`
	JSON         bool              `name:"json" xor:"form" help:"Print the verdicts as JSON, one a line."`
	ETSI         bool              `name:"etsi" xor:"form" help:"Print the report of the one document as XML (ETSI TS 119 102-2)."`
	Report       string            `placeholder:"FILE" help:"Write the report on the one document for people: FILE.pdf or FILE.html. An existing file is not overwritten."`
	Policy       string            `enum:",kz-2026,standard,strict" default:"" help:"Judge by this policy: kz-2026 (the usual one), standard or strict."`
	Rules        string            `name:"policy-file" type:"existingfile" placeholder:"FILE" help:"Judge by the policy in this file (JSON or YAML)."`
	Language     string            `enum:"kk,ru,en" default:"en" env:"QAQPA_LANGUAGE" help:"Language of the reasons: ${enum}."`
	Offline      bool              `help:"Use only the evidence that the document carries; fetch nothing."`
	Private      bool              `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Fetch evidence from loopback and private addresses too."`
	Trust        trustSettings     `embed:""`
}

// Exit codes of validate.
const (
	exitIndeterminate = 3
	exitFailed        = 4
	exitPartial       = 5
)

func (c *validateCmd) Run(ctx context.Context, io streams) error {
	if err := c.check(); err != nil {
		return err
	}
	service, err := c.service()
	if err != nil {
		return err
	}
	if c.Certificates {
		return c.judgeCertificates(ctx, service, io)
	}
	bar := newProgress(io.err, c.octets())
	var all tally
	for _, path := range c.Files {
		bar.label = path
		verdict, err := c.judge(ctx, service, path, bar)
		bar.clear()
		switch {
		case err != nil && (len(c.Files) == 1 || ctx.Err() != nil):
			return fmt.Errorf("couldn't judge %s: %w", path, err)
		case err != nil: // the others are judged all the same
			all.undecided = true
			fmt.Fprintf(io.err, "qaqpa: couldn't judge %s: %v\n", path, err)
			continue
		}
		all.count(verdict)
		if err := c.print(io.out, path, verdict); err != nil {
			return err
		}
		if err := c.writeReport(verdict); err != nil {
			return err
		}
	}
	return all.exit()
}

// check refuses flags that do not go together.
func (c *validateCmd) check() error {
	switch {
	case c.Policy != "" && c.Rules != "": // kong's xor would count the default of --policy as given
		return errors.New("--policy and --policy-file cannot be used together")
	case c.Detached != "" && len(c.Files) != 1:
		return errors.New("--detached goes with one signature")
	case len(c.Originals) > 0 && (len(c.Files) != 1 || c.Detached != ""):
		return errors.New("--original goes with one signature, and takes the place of --detached")
	case c.ETSI && len(c.Files) != 1:
		return errors.New("--etsi goes with one document")
	case c.Certificates && (c.ETSI || c.Report != "" || c.Detached != "" || len(c.Originals) > 0):
		return errors.New("--certificate goes with neither originals nor reports, which are of documents")
	}
	return c.checkReport()
}

// octets is how much there is to read; a file whose size is not known counts nothing.
func (c *validateCmd) octets() (total int64) {
	for _, path := range append([]string{c.Detached}, c.Files...) {
		if info, err := os.Stat(path); err == nil {
			total += info.Size()
		}
	}
	return total
}

// tally is what became of all documents.
type tally struct{ undecided, failed, open, partial bool }

func (t *tally) count(v signer.Verdict) {
	switch v.Indication {
	case report.TotalPassed:
		// A SOAP message is signed in parts by nature, and its Body is one of them.
		t.partial = t.partial || v.Coverage == "PARTIAL" && v.Format != "WSSE"
	case report.Indeterminate:
		t.open = true
	case report.TotalFailed:
		fallthrough
	default:
		t.failed = true
	}
}

func (t *tally) exit() error {
	switch {
	case t.undecided:
		return exitError{1}
	case t.failed:
		return exitError{exitFailed}
	case t.open:
		return exitError{exitIndeterminate}
	case t.partial:
		return exitError{exitPartial}
	}
	return nil
}

func (c *validateCmd) service() (*signer.Service, error) {
	store, err := c.Trust.store()
	if err != nil {
		return nil, err
	}
	cfg := signer.Config{Trust: store, Now: time.Now, Revocation: signer.RevocationRequired}
	if c.Offline {
		cfg.Revocation = signer.RevocationOffline
	} else if cfg.Fetch, err = fetch.New(fetch.Config{AllowPrivate: c.Private, Now: time.Now}); err != nil {
		return nil, fmt.Errorf("couldn't set up the fetching of evidence: %w", err)
	}
	service, err := signer.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up validation: %w", err)
	}
	return service, nil
}

func (c *validateCmd) judge(ctx context.Context, service *signer.Service, path string, bar *progress) (signer.Verdict, error) {
	req, err := c.request(path)
	if err != nil {
		return signer.Verdict{}, err
	}
	bar.add(int64(len(req.Document)))
	for name, file := range c.Originals {
		octets, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			return signer.Verdict{}, fmt.Errorf("couldn't read an original: %w", err)
		}
		req.Originals = append(req.Originals, signer.NamedOriginal{Name: name, Octets: octets})
	}
	if c.Detached != "" {
		original, err := os.Open(c.Detached)
		if err != nil {
			return signer.Verdict{}, fmt.Errorf("couldn't read the original: %w", err)
		}
		defer func() { _ = original.Close() }() // it was only read
		req.DetachedStream = bar.reading(original)
	}
	return service.Validate(ctx, req)
}

// request reads a file, and what is said for all of them.
func (c *validateCmd) request(path string) (req signer.ValidateRequest, err error) {
	req = signer.ValidateRequest{At: c.At, Policy: c.Policy}
	if req.Document, err = os.ReadFile(path); err != nil { //nolint:gosec // the user names the file
		return req, fmt.Errorf("couldn't read the document: %w", err)
	}
	if c.Rules != "" {
		if req.PolicyDocument, err = os.ReadFile(c.Rules); err != nil {
			return req, fmt.Errorf("couldn't read the policy: %w", err)
		}
	}
	for _, file := range c.Evidence {
		octets, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			return req, fmt.Errorf("couldn't read the evidence: %w", err)
		}
		req.Evidence = append(req.Evidence, octets)
	}
	return req, nil
}

func (c *validateCmd) print(w io.Writer, path string, v signer.Verdict) error {
	if c.ETSI {
		_, err := w.Write(v.ETSI())
		return err
	}
	if c.JSON {
		line, err := json.Marshal(struct {
			File string `json:"file"`
			signer.Verdict
		}{path, v})
		if err != nil {
			return fmt.Errorf("couldn't write down the verdict: %w", err)
		}
		fmt.Fprintf(w, "%s\n", line)
		return nil
	}
	fmt.Fprintf(w, "%s: %s\n", path, outcome(v.Indication, v.Sub))
	c.printReasons(w, "  ", v.Reasons)
	for _, t := range v.TimeStamps {
		fmt.Fprintf(w, "  time stamp of %s by %s\n", t.GenTime.Format(time.RFC3339), t.TSA)
		c.printReasons(w, "    ", t.Reasons)
	}
	for i, s := range v.Signatures {
		fmt.Fprintf(w, "  signature %d: %s\n", i+1, outcome(s.Indication, s.Sub))
		c.printSigner(w, s)
		c.printReasons(w, "    ", s.Reasons)
		c.printReasons(w, "    note: ", s.Remarks)
	}
	return nil
}

func outcome(i report.Indication, sub report.SubIndication) string {
	if sub == "" {
		return string(i)
	}
	return string(i) + " (" + string(sub) + ")"
}

func (c *validateCmd) printSigner(w io.Writer, s signer.SignatureVerdict) {
	fmt.Fprintf(w, "    covers %s, %s, %s\n", s.Covers, s.Algorithm, s.Level)
	fmt.Fprintf(w, "    %s\n", integrity(s.Integrity))
	printChanges(w, s)
	if s.Signer == nil {
		return
	}
	who := []string{s.Signer.Name}
	if s.Signer.IIN != "" {
		who = append(who, "IIN "+s.Signer.IIN)
	}
	if s.Signer.Organisation != "" {
		who = append(who, s.Signer.Organisation)
	}
	if s.Signer.BIN != "" {
		who = append(who, "BIN "+s.Signer.BIN)
	}
	for _, role := range s.Signer.Roles {
		who = append(who, role.Name.In(report.Lang(c.Language)))
	}
	fmt.Fprintf(w, "    by %s\n", strings.Join(who, ", "))
	fmt.Fprintf(w, "    judged for %s\n", s.BestAt.Format(time.RFC3339))
}

func (c *validateCmd) printReasons(w io.Writer, indent string, reasons []report.Reason) {
	lang := report.Lang(c.Language)
	for _, r := range reasons {
		fmt.Fprintf(w, "%s%s %s [%s %s]", indent, r.Text.In(lang), r.Advice.In(lang), r.Code, r.Clause)
		if r.Detail != "" {
			fmt.Fprintf(w, " (%s)", r.Detail)
		}
		fmt.Fprintln(w)
	}
}

// integrity says in a line what the octets of a signature say by themselves.
func integrity(i report.Integrity) string {
	out := "signature value " + i.Value
	if i.Key == report.KeyOfDocument {
		out += " for a key that the document itself brings"
	}
	out += ", what it refers to " + i.References
	if i.Manifests != "" {
		out += ", what its manifests list " + i.Manifests
	}
	return out
}
