package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
)

// sealedFiles are settings of commands whose files leave under the gateway's seal: beside each FILE lies FILE.p7s, a detached CMS.
type sealedFiles struct {
	Trust    trustSettings `embed:""`
	SealKey  string        `env:"QAQPA_SEAL_KEY" default:"seal" help:"Label of the key that seals the files."`
	Unsealed bool          `help:"Write the files without their seals (FILE.p7s), for a look without the token."`
}

// sealedFile is one file on its way.
type sealedFile struct {
	path    string
	content []byte
}

// write seals the files, then writes them with their seals. None is overwritten, and none is written unless all are sealed: a file
// without its seal would look finished. It returns the paths of what was written, in order.
func (s sealedFiles) write(ctx context.Context, io streams, database databaseSettings, token tokenSettings, files []sealedFile) (paths []string, err error) {
	var seals [][]byte
	if !s.Unsealed && len(files) > 0 {
		for _, f := range files { // before the key is used for what could not be written
			if err := errors.Join(checkNew(f.path), checkNew(f.path+".p7s")); err != nil {
				return nil, err
			}
		}
		if seals, err = s.seals(ctx, io, database, token, files); err != nil {
			return nil, fmt.Errorf("couldn't seal the files (--unsealed writes them without): %w", err)
		}
	}
	for i, f := range files {
		if err := writeNew(f.path, f.content); err != nil {
			return paths, err
		}
		paths = append(paths, f.path)
		if len(seals) > 0 {
			if err := writeNew(f.path+".p7s", seals[i]); err != nil {
				return paths, err
			}
		}
	}
	return paths, nil
}

// seals makes a detached seal of each file; the audit log has an entry for each before it leaves.
func (s sealedFiles) seals(ctx context.Context, io streams, database databaseSettings, token tokenSettings, files []sealedFile) (seals [][]byte, err error) {
	g := &gateway{log: slog.New(slog.DiscardHandler), registry: newRegistry()}
	defer func() { err = errors.Join(err, g.close()) }()
	if g.db, err = database.connect(ctx); err != nil {
		return nil, err
	}
	if g.token, err = token.fleet(ctx, io, g.log, g.registry); err != nil {
		return nil, err
	}
	if g.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		return nil, err
	}
	if err := g.openSigner(ctx, &serveCmd{SealKey: s.SealKey, Database: database, Token: token, Trust: s.Trust}); err != nil {
		return nil, err
	}
	for _, f := range files {
		seal, err := g.signer.Seal(ctx, signer.SealRequest{Document: f.content, Detached: true, Actor: operatorActor()})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		seals = append(seals, seal)
	}
	return seals, nil
}
