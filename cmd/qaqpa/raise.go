package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/sealing"
)

// raiseCmd adds time stamps and evidence to the signatures of a document. It needs no key, but the database: what was raised is in the
// audit log.
type raiseCmd struct {
	File     string           `arg:"" type:"existingfile" help:"CMS, PDF document or XML with XAdES whose signatures are to be judged for longer."`
	Level    string           `enum:"T,LT,LTA" required:"" help:"What its signatures reach: ${enum}. At LTA a further time stamp is added."`
	Original string           `type:"existingfile" placeholder:"FILE" help:"What a detached signature is about."`
	Output   string           `short:"o" placeholder:"FILE" help:"Where the document goes; FILE with .LEVEL before its ending if not given. An existing file is not overwritten."`
	Private  bool             `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Fetch evidence and time stamps from loopback and private addresses too."`
	Database databaseSettings `embed:""`
	Trust    trustSettings    `embed:""`
	TSA      tsaSettings      `embed:""`
}

func (c *raiseCmd) Run(ctx context.Context, io streams, logging *logSettings) (err error) {
	if c.TSA.URL == "" {
		return errors.New("a higher level needs time stamps: give --tsa")
	}
	req := signer.RaiseRequest{Level: sealing.Level(c.Level), Actor: operatorActor()}
	if req.Document, err = os.ReadFile(c.File); err != nil {
		return fmt.Errorf("couldn't read the document: %w", err)
	}
	if c.Original != "" {
		if req.Detached, err = os.ReadFile(c.Original); err != nil {
			return fmt.Errorf("couldn't read the original: %w", err)
		}
	}
	path := c.output()
	if err := checkNew(path); err != nil {
		return err
	}
	g := &gateway{log: logging.logger(io.err), registry: newRegistry()}
	defer func() { err = errors.Join(err, g.close()) }()
	if g.db, err = c.Database.connect(ctx); err != nil {
		return err
	}
	if g.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		return err
	}
	store, err := c.Trust.store()
	if err != nil {
		return err
	}
	if err := g.openFetch(c.Private); err != nil {
		return err
	}
	g.signer, err = signer.New(signer.Config{
		DB: g.db, Trust: store, Fetch: g.fetch, Audit: g.audit, TSA: c.TSA.URL, TSAPolicy: c.TSA.Policy, Now: time.Now, Log: g.log, Registerer: g.registry,
	})
	if err != nil {
		return fmt.Errorf("couldn't set up validation: %w", err)
	}
	raised, err := g.signer.Raise(ctx, req)
	if err != nil {
		return fmt.Errorf("couldn't raise %s: %w", c.File, err)
	}
	if err := writeNew(path, raised.Document); err != nil {
		return err
	}
	fmt.Fprintln(io.out, path)
	return nil
}

func (c *raiseCmd) output() string {
	if c.Output != "" {
		return c.Output
	}
	if i := strings.LastIndexByte(c.File, '.'); i > strings.LastIndexByte(c.File, '/') {
		return c.File[:i] + "." + c.Level + c.File[i:]
	}
	return c.File + "." + c.Level
}
