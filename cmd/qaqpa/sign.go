package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/rawsig"
	"qaqpa/signer/xmldsig"
)

// signCmd signs a document in the name of a certificate other than the seal's: with a key of a PKCS #12 file, or of the token. The
// certificate is judged first (№500/НҚ 4). Each use of a key of the token is in the audit log before the signature leaves.
type signCmd struct {
	File     string `arg:"" type:"existingfile" help:"Document to sign."`
	Format   string `enum:"cms,xml,xades,wsse,jwt,raw" default:"cms" help:"What is made: ${enum}."`
	Output   string `short:"o" placeholder:"FILE" help:"Where it goes; FILE with the ending of the format if not given. An existing file is not overwritten."`
	Detached bool   `help:"cms: leave the document out."`
	CoSign   string `name:"co-sign" type:"existingfile" placeholder:"FILE" help:"cms: a signed CMS that gets one more signature over the document."`
	Stamp    bool   `name:"timestamp" help:"cms: add a signature time stamp of the authority of --tsa (CAdES-T)."`
	Evidence bool   `help:"cms: add OCSP answers, or small lists, that show that the certificate is not revoked."`
	Element  string `name:"id" placeholder:"ID" help:"xml: sign the element with this identifier instead of the whole document."`
	WSSToken string `name:"wsse-token" enum:"key-identifier,issuer-serial,binary" default:"key-identifier" help:"wsse: how the certificate is named: ${enum}."`
	Form     string `name:"raw-form" enum:"usual,pair,national,rfc" default:"usual" help:"raw: layout of the numbers: ${enum}. The usual one is DER for ECDSA and the national one for GOST."`
	Chain    bool   `help:"cms, xml, xades, wsse: add the certificates of the authorities above the signer's, but for the root."`
	Private  bool   `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Fetch evidence and time stamps from loopback and private addresses too."`

	XAdES    xadesSettings    `embed:"" prefix:"xades-" group:"XAdES"`
	Key      signKeySettings  `embed:""`
	TSA      tsaSettings      `embed:""`
	Trust    trustSettings    `embed:""`
	Database databaseSettings `embed:""`
	Token    tokenSettings    `embed:""`
}

func (c *signCmd) Run(ctx context.Context, io streams, logging *logSettings) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	document, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("couldn't read the document: %w", err)
	}
	path := c.output()
	if err := checkNew(path); err != nil {
		return err
	}
	g := &gateway{log: logging.logger(io.err), registry: newRegistry()}
	defer func() { err = errors.Join(err, g.close()) }()
	key, err := c.open(ctx, g, io)
	if err != nil {
		return err
	}
	signed, remark, err := c.sign(ctx, g.signer, document, key)
	if err != nil {
		return fmt.Errorf("couldn't sign %s: %w", c.File, err)
	}
	if err := writeNew(path, signed); err != nil {
		return err
	}
	fmt.Fprintln(io.out, path+remark)
	return nil
}

// check refuses options that would have no effect: whoever asks for a time stamp must not get a document without one.
func (c *signCmd) check() error {
	for _, o := range []struct {
		given        bool
		name, format string
	}{
		{c.Detached, "--detached", "cms"},
		{c.CoSign != "", "--co-sign", "cms"},
		{c.Stamp, "--timestamp", "cms"},
		{c.Evidence, "--evidence", "cms"},
		{c.Element != "", "--id", "xml"},
		{c.WSSToken != "key-identifier", "--wsse-token", "wsse"},
		{c.Form != "usual", "--raw-form", "raw"},
	} {
		if o.given && c.Format != o.format {
			return fmt.Errorf("%s goes with --format=%s", o.name, o.format)
		}
	}
	if c.Stamp && c.TSA.URL == "" {
		return errors.New("--timestamp needs the address of an authority: give --tsa")
	}
	if err := c.XAdES.check(c.Format); err != nil {
		return err
	}
	return c.Key.check()
}

// open opens the key and the service that signs with it. A key of the token is used on record only.
func (c *signCmd) open(ctx context.Context, g *gateway, io streams) (key signer.SigningKey, err error) {
	store, err := c.Trust.store()
	if err != nil {
		return key, err
	}
	if c.Key.HSM != "" || c.Database.DSN != "" || c.Database.DSNFile != "" {
		if g.db, err = c.Database.connect(ctx); err != nil {
			return key, err
		}
		if g.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
			return key, err
		}
	}
	if c.Key.HSM != "" {
		if g.token, err = c.Token.fleet(ctx, io, g.log, g.registry); err != nil {
			return key, err
		}
		key, err = c.Key.ofToken(ctx, g.token)
	} else {
		key, err = c.Key.ofFile(io)
	}
	if err != nil {
		return key, err
	}
	if c.Chain {
		if key.Chain, err = sealChain(key.Chain[0].Raw, store); err != nil {
			return key, err
		}
	}
	cfg := signer.Config{
		DB: g.db, Trust: store, Audit: g.audit, TSA: c.TSA.URL, TSAPolicy: c.TSA.Policy, Now: time.Now, Log: g.log, Registerer: g.registry,
	}
	if err := g.openFetch(c.Private); err != nil {
		return key, err
	}
	cfg.Fetch = g.fetch
	if g.signer, err = signer.New(cfg); err != nil {
		return key, fmt.Errorf("couldn't set up signing: %w", err)
	}
	return key, nil
}

// sign makes the document, and a remark that its reader needs beside it.
func (c *signCmd) sign(ctx context.Context, s *signer.Service, document []byte, key signer.SigningKey) (out []byte, remark string, err error) {
	actor := operatorActor()
	switch c.Format {
	case "xml":
		out, err = s.SignXML(ctx, signer.SignXMLRequest{Document: document, ID: c.Element, Key: key, Actor: actor})
	case formatXAdES:
		out, err = s.SignXAdES(ctx, signer.SignXAdESRequest{Document: document, XAdESOptions: c.XAdES.options(c.TSA.Policy), Key: key, Actor: actor})
	case "wsse":
		token := map[string]xmldsig.Token{
			"key-identifier": xmldsig.TokenKeyIdentifier, "issuer-serial": xmldsig.TokenIssuerSerial, "binary": xmldsig.TokenBinary,
		}[c.WSSToken]
		out, err = s.SignWSSE(ctx, signer.SignWSSERequest{Document: document, Token: token, Key: key, Actor: actor})
	case "jwt":
		var token string
		token, err = s.SignJWT(ctx, signer.SignJWTRequest{Claims: document, Key: key, Actor: actor})
		out = []byte(token)
	case "raw":
		var what rawsig.Result
		form := map[string]rawsig.Form{"pair": rawsig.Pair, "national": rawsig.National, "rfc": rawsig.RFC}[c.Form]
		if out, what, err = s.SignRaw(ctx, signer.SignRawRequest{Document: document, Form: form, Key: key, Actor: actor}); err == nil {
			remark = fmt.Sprintf(" (%s, %s)", what.Algorithm.Name, what.Form)
		}
	default:
		req := signer.SignCMSRequest{
			Document: document, Detached: c.Detached, Key: key, TimeStamp: c.Stamp, Evidence: c.Evidence, Actor: actor,
		}
		if c.CoSign != "" {
			if req.CMS, err = os.ReadFile(c.CoSign); err != nil {
				return nil, "", fmt.Errorf("couldn't read the CMS: %w", err)
			}
		}
		out, err = s.SignCMS(ctx, req)
	}
	return out, remark, err
}

func (c *signCmd) output() string {
	ending := map[string]string{"cms": ".p7m", "xml": ".signed.xml", formatXAdES: ".signed.xml", "wsse": ".signed.xml", "jwt": ".jwt", "raw": ".sig"}[c.Format]
	switch {
	case c.Output != "":
		return c.Output
	case c.Detached:
		return c.File + ".p7s"
	}
	return c.File + ending
}
