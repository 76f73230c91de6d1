package main

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"qaqpa/api/auth"
	"qaqpa/hsm"
	"qaqpa/signer/audit"
	"qaqpa/signer/dual"
)

// ceremonySettings say who does something to a key that needs a second operator. Operators are told apart by their API keys, so
// that one person cannot be two by calling himself otherwise.
type ceremonySettings struct {
	Database    databaseSettings `embed:""`
	OperatorKey string           `name:"operator-key-file" env:"QAQPA_OPERATOR_KEY_FILE" required:"" placeholder:"FILE" help:"File with the operator's own API key (qaqpa clients add-key, kind operator): who you are."`
}

// ceremony is an operator at work.
type ceremony struct {
	gateway
	book     *dual.Book
	operator string
}

func (s ceremonySettings) open(ctx context.Context, io streams, log *logSettings) (c *ceremony, err error) {
	c = &ceremony{gateway: gateway{log: log.logger(io.err), registry: newRegistry()}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	secret, err := readSecret(s.OperatorKey)
	if err != nil {
		return c, err
	}
	if c.db, err = s.Database.connect(ctx); err != nil {
		return c, err
	}
	if c.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		return c, err
	}
	if c.keys, err = auth.New(auth.Config{DB: c.db, Audit: c.audit, Now: time.Now, Registerer: c.registry}); err != nil {
		return c, fmt.Errorf("couldn't set up the keys of clients: %w", err)
	}
	who, err := c.keys.Authenticate(ctx, secret)
	if err != nil {
		return c, fmt.Errorf("couldn't recognise the operator: %w", err)
	}
	if who.Kind != auth.Operator {
		return c, fmt.Errorf("the key in %s is that of a %s, not of an operator", s.OperatorKey, who.Kind)
	}
	c.operator = who.Actor()
	c.book = dual.New(c.db, c.audit, time.Now)
	return c, nil
}

// ask writes down what shall be done and says how it goes on.
func (c *ceremony) ask(ctx context.Context, io streams, a dual.Action) error {
	id, err := c.book.Ask(ctx, a, c.operator)
	if err != nil {
		return err
	}
	fmt.Fprintln(io.out, id)
	fmt.Fprintf(io.err, "asked to %s key %q (id %s) of token %q; another operator approves: qaqpa keys approve %s\nthen, within %v: repeat this command with --request=%s\n",
		a.Kind, a.Key, a.KeyID, a.Token, id, dual.Life, id)
	return nil
}

// find is the key in the list, usable or not.
func find(ctx context.Context, token *hsm.Token, label string) (hsm.KeyInfo, error) {
	keys, err := token.Keys(ctx)
	if err != nil {
		return hsm.KeyInfo{}, err
	}
	var found []hsm.KeyInfo
	for _, k := range keys {
		if k.Label == label {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0:
		return hsm.KeyInfo{}, fmt.Errorf("%w: %q", hsm.ErrKeyNotFound, label)
	case len(found) > 1:
		return hsm.KeyInfo{}, fmt.Errorf("%w: %q", hsm.ErrKeyAmbiguous, label)
	}
	return found[0], nil
}

// both are the settings of a command that changes a key by two operators.
type both struct {
	tokenSettings    `embed:""`
	ceremonySettings `embed:""`
}

// run opens operator and token and hands both to do.
func (b both) run(ctx context.Context, io streams, log *logSettings, do func(*ceremony, *hsm.Token) error) (err error) {
	c, err := b.ceremonySettings.open(ctx, io, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return withToken(ctx, b.tokenSettings, io, log, func(token *hsm.Token) error { return do(c, token) })
}

type keysDestroyCmd struct {
	both    `embed:""`
	Key     string `arg:"" help:"Label of the key."`
	Request string `placeholder:"ID" help:"Approved request; without it the request is made."`
}

func (k *keysDestroyCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return k.run(ctx, io, log, func(c *ceremony, token *hsm.Token) error {
		found, err := find(ctx, token, k.Key)
		if err != nil {
			return err
		}
		a := dual.Action{Kind: "destroy", Token: k.Label, Key: k.Key, KeyID: hex.EncodeToString(found.ID)}
		if k.Request == "" {
			return c.ask(ctx, io, a)
		}
		if err := c.book.Use(ctx, k.Request, a, c.operator); err != nil {
			return err
		}
		if err := token.Destroy(ctx, k.Key, found.ID); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "key %s is destroyed\n", k.Key)
		return nil
	})
}

type keysRetireCmd struct {
	both    `embed:""`
	Key     string `arg:"" help:"Label of the key."`
	Request string `placeholder:"ID" help:"Approved request; without it the request is made."`
}

func (k *keysRetireCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return k.run(ctx, io, log, func(c *ceremony, token *hsm.Token) error {
		found, err := find(ctx, token, k.Key)
		if err != nil {
			return err
		}
		a := dual.Action{Kind: "retire", Token: k.Label, Key: k.Key, KeyID: hex.EncodeToString(found.ID)}
		if k.Request == "" {
			return c.ask(ctx, io, a)
		}
		if err := c.book.Use(ctx, k.Request, a, c.operator); err != nil {
			return err
		}
		return retire(ctx, io, token, found)
	})
}

// retire gives a key a label by which nobody signs. It stays in the token, so that it can be shown to have been there.
func retire(ctx context.Context, io streams, token *hsm.Token, k hsm.KeyInfo) error {
	to := k.Label + ".retired-" + time.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(k.ID[:min(4, len(k.ID))])
	if err := token.Relabel(ctx, k.Label, k.ID, to); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "key %s is now %s\n", k.Label, to)
	return nil
}

type keysRotateCmd struct {
	both    `embed:""`
	Key     string `arg:"" help:"Label of the key."`
	Request string `placeholder:"ID" help:"Approved request; without it the next key is made, if it is not there, and the request."`
}

// next is the label of the key that will take a key's place.
func next(label string) string { return label + ".next" }

func (k *keysRotateCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return k.run(ctx, io, log, func(c *ceremony, token *hsm.Token) error {
		old, err := find(ctx, token, k.Key)
		if errors.Is(err, hsm.ErrKeyNotFound) {
			return finishRotation(ctx, io, token, k.Key)
		}
		if err != nil {
			return err
		}
		a := dual.Action{Kind: "rotate", Token: k.Label, Key: k.Key, KeyID: hex.EncodeToString(old.ID)}
		if k.Request == "" {
			if err := prepareNext(ctx, io, token, old); err != nil {
				return err
			}
			return c.ask(ctx, io, a)
		}
		if err := fitToFollow(ctx, token, old); err != nil {
			return err
		}
		if err := c.book.Use(ctx, k.Request, a, c.operator); err != nil {
			return err
		}
		if err := retire(ctx, io, token, old); err != nil {
			return err
		}
		return finishRotation(ctx, io, token, k.Key)
	})
}

// prepareNext makes the next key, of the same kind, unless it is there.
func prepareNext(ctx context.Context, io streams, token *hsm.Token, old hsm.KeyInfo) error {
	if _, err := find(ctx, token, next(old.Label)); err == nil {
		return nil
	}
	made, err := token.Generate(ctx, next(old.Label), old.Algorithm)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.err, "key %q was made; where the old one has a certificate: qaqpa keys csr %s …, then qaqpa keys import-cert %s\n",
		made.Label(), made.Label(), made.Label())
	return nil
}

// fitToFollow says whether the next key can take over: it must be usable, and have a certificate that is in date when the old one
// has one. Otherwise the gateway would be left without a seal.
func fitToFollow(ctx context.Context, token *hsm.Token, old hsm.KeyInfo) error {
	k, err := find(ctx, token, next(old.Label))
	switch {
	case err != nil:
		return err
	case k.Problem != nil:
		return fmt.Errorf("key %q can't follow: %w", k.Label, k.Problem)
	case old.Certificate == nil:
		return nil
	case k.Certificate == nil:
		return fmt.Errorf("key %q can't follow: %w", k.Label, hsm.ErrCertificateNotFound)
	}
	cert, err := x509.ParseCertificate(k.Certificate)
	if err != nil {
		return fmt.Errorf("key %q can't follow: couldn't parse its certificate: %w", k.Label, err)
	}
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return fmt.Errorf("key %q can't follow: its certificate is valid from %s until %s", k.Label, cert.NotBefore, cert.NotAfter)
	}
	return nil
}

// finishRotation gives the next key the label. It is also what is left to do when a rotation broke off after the old key was
// retired, which two operators had approved.
func finishRotation(ctx context.Context, io streams, token *hsm.Token, label string) error {
	k, err := find(ctx, token, next(label))
	if err != nil {
		return err
	}
	if err := token.Relabel(ctx, k.Label, k.ID, label); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "key %s is now %s; restart the gateway to sign with it\n", k.Label, label)
	return nil
}

type keysApproveCmd struct {
	ceremonySettings `embed:""`
	ID               string `arg:"" help:"Id of the request."`
}

func (k *keysApproveCmd) Run(ctx context.Context, io streams, log *logSettings) (err error) {
	c, err := k.open(ctx, io, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.book.Approve(ctx, k.ID, c.operator); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s is approved by %s\n", k.ID, c.operator)
	return nil
}

type keysRequestsCmd struct {
	ceremonySettings `embed:""`
}

func (k *keysRequestsCmd) Run(ctx context.Context, io streams, log *logSettings) (err error) {
	c, err := k.open(ctx, io, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	open, err := c.book.Open(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REQUEST\tWHAT\tKEY\tID\tTOKEN\tASKED BY\tAPPROVED BY")
	for _, r := range open {
		approved := "nobody yet"
		if r.Approved != nil {
			approved = *r.Approved
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Kind, r.Key, r.KeyID, r.Token, r.Asked, approved)
	}
	return w.Flush()
}
