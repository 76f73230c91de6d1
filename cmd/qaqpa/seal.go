package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"qaqpa/signer/audit"
)

// sealCmd signs one document with the gateway's key. It needs the database: each use of the key is in the audit log
// before the signature leaves.
type sealCmd struct {
	File     string           `arg:"" type:"existingfile" help:"Document to sign."`
	Output   string           `short:"o" placeholder:"FILE" help:"Where the CMS (DER) or the sealed PDF or XML goes; FILE.p7m, FILE.p7s, FILE.sealed.pdf or FILE.sealed.xml if not given. An existing file is not overwritten."`
	Format   string           `enum:"cades,pades,xades" default:"cades" help:"A CMS about the document, a signature inside of a PDF document, or one in XML: ${enum}."`
	PDF      pdfSettings      `embed:"" prefix:"pdf-" group:"PDF"`
	XAdES    xadesSettings    `embed:"" prefix:"xades-" group:"XAdES"`
	Detached bool             `help:"Leave the document out of the CMS."`
	Stamp    bool             `name:"timestamp" help:"Add a signature time stamp of the authority of --tsa (CAdES-T)."`
	Evidence bool             `help:"Add OCSP answers, or small lists, that show that the certificate is not revoked."`
	Private  bool             `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Fetch evidence and time stamps from loopback and private addresses too."`
	SealKey  string           `env:"QAQPA_SEAL_KEY" default:"seal" help:"Label of the key."`
	Database databaseSettings `embed:""`
	Token    tokenSettings    `embed:""`
	Trust    trustSettings    `embed:""`
	TSA      tsaSettings      `embed:""`
}

func (c *sealCmd) Run(ctx context.Context, io streams, logging *logSettings) (err error) {
	if c.Format != formatCAdES && (c.Detached || c.Stamp || c.Evidence) {
		return errPDFOptions
	}
	if err := c.XAdES.check(c.Format); err != nil {
		return err
	}
	if c.Stamp && c.TSA.URL == "" {
		return errors.New("--timestamp needs the address of an authority: give --tsa")
	}
	document, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("couldn't read the document: %w", err)
	}
	path := c.output()
	if err := checkNew(path); err != nil {
		return err
	}
	serve := &serveCmd{SealKey: c.SealKey, Database: c.Database, Token: c.Token, Trust: c.Trust, TSA: c.TSA, AllowPrivate: c.Private}
	g := &gateway{log: logging.logger(io.err), registry: newRegistry()}
	defer func() { err = errors.Join(err, g.close()) }()
	if g.db, err = c.Database.connect(ctx); err != nil {
		return err
	}
	if g.token, err = c.Token.fleet(ctx, io, g.log, g.registry); err != nil {
		return err
	}
	if g.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		return err
	}
	if err = g.openSigner(ctx, serve); err != nil {
		return err
	}
	sealed, err := c.seal(ctx, g.signer, document)
	if err != nil {
		return fmt.Errorf("couldn't seal %s: %w", c.File, err)
	}
	if err := writeNew(path, sealed); err != nil {
		return err
	}
	fmt.Fprintln(io.out, path)
	return nil
}

func (c *sealCmd) output() string {
	switch {
	case c.Output != "":
		return c.Output
	case c.Format == formatPAdES:
		return strings.TrimSuffix(c.File, ".pdf") + ".sealed.pdf"
	case c.Format == formatXAdES:
		return strings.TrimSuffix(c.File, ".xml") + ".sealed.xml"
	case c.Detached:
		return c.File + ".p7s"
	default:
		return c.File + ".p7m"
	}
}

// checkNew refuses a file that is there, before a key is used for what could not be written.
func checkNew(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("couldn't write %s: %w", path, cmp.Or(err, fs.ErrExist))
	}
	return nil
}

// writeNew writes a file that must not be there yet, so that no seal is lost to another.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("couldn't write the seal: %w", err)
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(fmt.Errorf("couldn't write the seal: %w", err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("couldn't write the seal: %w", err)
	}
	return nil
}

// operatorActor names who works at the command line, for the audit log.
func operatorActor() string {
	if name := os.Getenv("USER"); name != "" {
		return "operator:" + name
	}
	return fmt.Sprintf("operator:uid-%d", os.Getuid())
}
