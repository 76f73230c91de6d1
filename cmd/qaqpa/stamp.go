package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/fetch"
)

// stampCmd proves since when files exist. It needs no database and no key.
type stampCmd struct {
	Make   stampMakeCmd   `cmd:"" help:"Have any number of files stamped by one time stamp; each gets an evidence record (RFC 4998) beside it, FILE.ers."`
	Verify stampVerifyCmd `cmd:"" help:"Hold a file against its evidence record. Nobody is asked."`
}

type stampMakeCmd struct {
	Files   []string      `arg:"" type:"existingfile" help:"Files to stamp. An existing record is not overwritten."`
	Private bool          `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Ask an authority at a loopback or private address."`
	Trust   trustSettings `embed:""`
	TSA     tsaSettings   `embed:""`
}

const recordSuffix = ".ers"

func (c *stampMakeCmd) Run(ctx context.Context, io streams) error {
	if c.TSA.URL == "" {
		return errors.New("a time stamp comes from an authority: give --tsa")
	}
	digests := make([][]byte, len(c.Files))
	for i, file := range c.Files {
		if err := checkNew(file + recordSuffix); err != nil {
			return err
		}
		content, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			return fmt.Errorf("couldn't read a file to stamp: %w", err)
		}
		sum := sha256.Sum256(content)
		digests[i] = sum[:]
	}
	client, err := fetch.New(fetch.Config{AllowPrivate: c.Private, Now: time.Now})
	if err != nil {
		return fmt.Errorf("couldn't set up the asking of authorities: %w", err)
	}
	defer client.Close()
	s, err := stampService(c.Trust, signer.Config{Fetch: client, TSA: c.TSA.URL, TSAPolicy: c.TSA.Policy})
	if err != nil {
		return err
	}
	records, err := s.StampDigests(ctx, algo.SHA256, digests)
	if err != nil {
		return fmt.Errorf("couldn't have the files stamped: %w", err)
	}
	for i, file := range c.Files {
		if err := writeNew(file+recordSuffix, records[i]); err != nil {
			return err
		}
		fmt.Fprintln(io.out, file+recordSuffix)
	}
	return nil
}

func stampService(t trustSettings, cfg signer.Config) (*signer.Service, error) {
	var err error
	if cfg.Trust, err = t.store(); err != nil {
		return nil, err
	}
	cfg.Now = time.Now
	s, err := signer.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up time stamps: %w", err)
	}
	return s, nil
}

type stampVerifyCmd struct {
	File   string        `arg:"" type:"existingfile" help:"The file."`
	Record string        `arg:"" optional:"" type:"existingfile" help:"Its evidence record; FILE.ers if not given."`
	Trust  trustSettings `embed:""`
}

// Run ends with exit code 4 when the record does not hold.
func (c *stampVerifyCmd) Run(io streams) error {
	if c.Record == "" {
		c.Record = c.File + recordSuffix
	}
	document, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("couldn't read the file: %w", err)
	}
	record, err := os.ReadFile(c.Record)
	if err != nil {
		return fmt.Errorf("couldn't read the evidence record: %w", err)
	}
	s, err := stampService(c.Trust, signer.Config{Revocation: signer.RevocationOffline})
	if err != nil {
		return err
	}
	got, err := s.VerifyRecord(document, record)
	if errors.Is(err, signer.ErrRecord) {
		fmt.Fprintf(io.out, "%s: %v\n", c.File, err)
		return exitError{exitFailed}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s: existed at %s, by %s, policy %s\n", c.File, got.At.Format(time.RFC3339), got.Authority, got.Policy)
	if got.Renewals > 0 {
		fmt.Fprintf(io.out, "    %d further time stamps of the record were not judged\n", got.Renewals)
	}
	return nil
}
