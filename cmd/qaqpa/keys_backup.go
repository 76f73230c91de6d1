package main

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	goio "io"
	"os"
	"time"

	"qaqpa/hsm"
	"qaqpa/signer/dual"
)

// backupFile is a backup as it is written: all that the recovery token needs, and whence it comes. Nothing in it is secret.
type backupFile struct {
	Kind  string     `json:"kind"`
	At    time.Time  `json:"at"`
	By    string     `json:"by"`
	Token string     `json:"token"`
	Key   hsm.Backup `json:"key"`
}

const (
	backupKind = "qaqpa key backup v1"
	// backupMax bounds a backup file, in bytes; one has less than two thousand.
	backupMax = 64 << 10
)

type keysRecoveryKeyCmd struct {
	tokenSettings `embed:""`
	Key           string `arg:"" help:"Label of the recovery key."`
}

func (c *keysRecoveryKeyCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return withToken(ctx, c.tokenSettings, io, log, func(token *hsm.Token) error {
		pub, err := token.GenerateRecovery(ctx, c.Key)
		if err != nil {
			return err
		}
		return writePublic(io, pub)
	})
}

type keysTrustRecoveryCmd struct {
	tokenSettings `embed:""`
	SOPINFile     string `name:"hsm-so-pin-file" required:"" placeholder:"FILE" help:"File with the security officer's PIN."`
	Key           string `arg:"" help:"Label that the recovery key gets in this token."`
	File          string `arg:"" type:"existingfile" help:"Public half of the recovery key (PEM), as recovery-key printed it."`
}

func (c *keysTrustRecoveryCmd) Run(io streams) error {
	if c.Module == "" || c.Label == "" {
		return errors.New("no token: give --hsm-module and --hsm-token")
	}
	soPIN, err := readSecret(c.SOPINFile)
	if err != nil {
		return err
	}
	pub, err := readRSAPublic(c.File)
	if err != nil {
		return err
	}
	if err := hsm.TrustRecovery(c.Module, c.Label, soPIN, c.Key, pub); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "token %s trusts recovery key %s: keys that were generated with --backup can be wrapped for it\n", c.Label, c.Key)
	return nil
}

func readRSAPublic(path string) (*rsa.PublicKey, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("couldn't read the recovery key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%s holds no PEM PUBLIC KEY", path)
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("couldn't parse the recovery key in %s: %w", path, err)
	}
	if pub, ok := pub.(*rsa.PublicKey); ok {
		return pub, nil
	}
	return nil, fmt.Errorf("%s holds a %T, a recovery key is an RSA key", path, pub)
}

type keysWrapBackupCmd struct {
	both     `embed:""`
	Key      string `arg:"" help:"Label of the key: one for stored data that was generated with --backup."`
	Recovery string `required:"" placeholder:"LABEL" help:"Recovery key for which it is wrapped, as this token calls it."`
	Output   string `short:"o" placeholder:"FILE" help:"Where the backup goes. An existing file is not overwritten."`
	Request  string `placeholder:"ID" help:"Approved request; without it the request is made."`
}

func (k *keysWrapBackupCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return k.run(ctx, io, log, func(c *ceremony, token *hsm.Token) error {
		found, err := findSecret(ctx, token, k.Key)
		if err != nil {
			return err
		}
		recovery, err := token.TrustedRecovery(ctx, k.Recovery)
		if err != nil {
			return err
		}
		// The recovery key is named by its digest: a security officer cannot put his own under the label after it was approved.
		a := dual.Action{Kind: "wrap-backup", Token: k.Label, Key: k.Key, KeyID: fmt.Sprintf("%x for %s %x", found.ID, k.Recovery, recovery)}
		if k.Request == "" {
			return c.ask(ctx, io, a)
		}
		if k.Output == "" {
			return errors.New("no file for the backup: give --output")
		}
		if err := checkNew(k.Output); err != nil {
			return err
		}
		if err := c.book.Use(ctx, k.Request, a, c.operator); err != nil {
			return err
		}
		b, err := token.WrapBackup(ctx, k.Key, found.ID, k.Recovery, recovery)
		if err != nil {
			return err
		}
		raw, err := json.MarshalIndent(backupFile{Kind: backupKind, At: time.Now().UTC().Truncate(time.Second), By: c.operator, Token: k.Label, Key: b}, "", "  ")
		if err != nil {
			return fmt.Errorf("couldn't write the backup: %w", err)
		}
		raw = append(raw, '\n')
		if err := writeNew(k.Output, raw); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "%s\n", k.Output)
		fmt.Fprintf(io.err, "SHA-256 %x; who restores it is asked to approve this very number\n", sha256.Sum256(raw))
		return nil
	})
}

// findSecret is the one secret key with the label, with a word on signing keys, which have no backup.
func findSecret(ctx context.Context, token *hsm.Token, label string) (hsm.SecretInfo, error) {
	all, err := token.Secrets(ctx)
	if err != nil {
		return hsm.SecretInfo{}, err
	}
	var found []hsm.SecretInfo
	for _, k := range all {
		if k.Label == label {
			found = append(found, k)
		}
	}
	switch {
	case len(found) > 1:
		return hsm.SecretInfo{}, fmt.Errorf("%w: %q", hsm.ErrKeyAmbiguous, label)
	case len(found) == 0:
		if _, err := find(ctx, token, label); err == nil {
			return hsm.SecretInfo{}, fmt.Errorf("%w: %q signs, and what signs never leaves its token: it is rotated, not restored", hsm.ErrKeyAttributes, label)
		}
		return hsm.SecretInfo{}, fmt.Errorf("%w: %q", hsm.ErrKeyNotFound, label)
	case found[0].Problem != nil:
		return hsm.SecretInfo{}, found[0].Problem
	case !found[0].Wrappable:
		return hsm.SecretInfo{}, fmt.Errorf("%w: %q was generated without --backup", hsm.ErrKeyAttributes, label)
	}
	return found[0], nil
}

type keysRestoreBackupCmd struct {
	both     `embed:""`
	File     string `arg:"" type:"existingfile" help:"Backup, as wrap-backup wrote it."`
	Recovery string `required:"" placeholder:"LABEL" help:"Recovery key of this token."`
	Request  string `placeholder:"ID" help:"Approved request; without it the request is made. It is for these very octets."`
}

func (k *keysRestoreBackupCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	raw, b, err := readBackup(k.File)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	return k.run(ctx, io, log, func(c *ceremony, token *hsm.Token) error {
		// The file is named by its digest: nobody can exchange it, and with it the key, after it was approved.
		a := dual.Action{Kind: "restore-backup", Token: k.Label, Key: b.Key.Label, KeyID: fmt.Sprintf("%x with %s", sum, k.Recovery)}
		if k.Request == "" {
			return c.ask(ctx, io, a)
		}
		if err := c.book.Use(ctx, k.Request, a, c.operator); err != nil {
			return err
		}
		if err := token.RestoreBackup(ctx, b.Key, k.Recovery); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "key %s is restored\n", b.Key.Label)
		return nil
	})
}

func readBackup(path string) (raw []byte, b backupFile, err error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, b, fmt.Errorf("couldn't read the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if raw, err = goio.ReadAll(goio.LimitReader(f, backupMax)); err != nil {
		return nil, b, fmt.Errorf("couldn't read the backup: %w", err)
	}
	if err := json.Unmarshal(raw, &b); err != nil || b.Kind != backupKind {
		return nil, b, errors.Join(fmt.Errorf("%s is no backup of a key", path), err)
	}
	return raw, b, nil
}
