package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qaqpa/payment"
)

// actorInbox brings the files of the folder, in the audit log.
const actorInbox = "system:inbox"

const (
	// inboxPause lies between looks into the folder.
	inboxPause = 3 * time.Second
	// inboxSettle is how long a file must not have changed: a bank's program may still be writing it.
	inboxSettle = 2 * time.Second
)

// inbox takes in the statements that banks drop into a folder. A file is moved after it was booked or refused; when the process dies in
// between it is taken again, and its digest says that it was booked.
type inbox struct {
	dir  string
	take func(context.Context, payment.StatementFile) (payment.FileReport, bool, error)
	log  *slog.Logger
}

// watch works until ctx ends. A folder that cannot be read is logged and tried again.
func (b inbox) watch(ctx context.Context) error {
	tick := time.NewTicker(inboxPause)
	defer tick.Stop()
	for {
		if err := b.look(ctx); err != nil && ctx.Err() == nil {
			b.log.ErrorContext(ctx, "inbox of statements failed", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (b inbox) look(ctx context.Context) error {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return fmt.Errorf("couldn't read the inbox: %w", err)
	}
	for _, e := range entries {
		// Programs write under a hidden name, or one that ends so, and rename when they are done.
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".part") || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < inboxSettle {
			continue
		}
		if err := b.one(ctx, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// one takes in a file. What could not be decided, such as when the database is away, stays and is tried again.
func (b inbox) one(ctx context.Context, name string) error {
	f, err := os.Open(filepath.Join(b.dir, name)) //nolint:gosec // G304: a name that the folder itself listed
	if err != nil {
		return fmt.Errorf("couldn't open a statement: %w", err)
	}
	report, repeated, err := b.take(ctx, payment.StatementFile{Body: f, Name: name, Source: payment.SourceFolder, Actor: actorInbox})
	if closeErr := f.Close(); closeErr != nil {
		return fmt.Errorf("couldn't close a statement: %w", closeErr)
	}
	var refusal *payment.Error
	if err != nil && (!errors.As(err, &refusal) || refusal.Kind == payment.KindUnavailable) {
		return err
	}
	var result any = report
	to := "done"
	if err != nil {
		to, result = "refused", refusal
	}
	b.log.InfoContext(ctx, "statement from the inbox", slog.String("file", name), slog.String("result", to), slog.Bool("repeated", repeated))
	return b.move(name, to, result)
}

// move puts the file and the report about it into a folder beside.
func (b inbox) move(name, to string, result any) error {
	dir := filepath.Join(b.dir, to)
	const mode = 0o750
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("couldn't make %s: %w", dir, err)
	}
	body, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return fmt.Errorf("couldn't write the report: %w", err)
	}
	// Two files of one name on two days are both kept.
	kept := time.Now().UTC().Format("20060102T150405.000000") + "-" + name
	if err := os.WriteFile(filepath.Join(dir, kept+".json"), append(body, '\n'), 0o600); err != nil {
		return fmt.Errorf("couldn't write the report: %w", err)
	}
	if err := os.Rename(filepath.Join(b.dir, name), filepath.Join(dir, kept)); err != nil {
		return fmt.Errorf("couldn't move a statement: %w", err)
	}
	return nil
}
