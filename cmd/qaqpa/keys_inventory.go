package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qaqpa/hsm"
	"qaqpa/signer"
	"qaqpa/signer/audit"
)

// inventory is a signed document on what a token holds. Attributes are not listed one by one: a key is "usable" only when it can
// neither leave the token nor do anything but sign, and else its state names each rule that it breaks. Of keys for stored data the state
// says, too, which can be wrapped for a trusted key, and which were restored.
type inventory struct {
	Kind  string         `json:"kind"`
	At    time.Time      `json:"at"`
	By    string         `json:"by"`
	Token hsm.TokenInfo  `json:"token"`
	Keys  []inventoryKey `json:"keys"`
}

type inventoryKey struct {
	Label             string `json:"label"`
	ID                string `json:"id"`
	Algorithm         string `json:"algorithm"`
	PublicKey         []byte `json:"public_key,omitempty"` // SubjectPublicKeyInfo
	CertificateSHA256 string `json:"certificate_sha256,omitempty"`
	State             string `json:"state"`
	// Proof is a signature of the key itself over the ASCII text "qaqpa attestation v1 ID AT", AT as in the document: the key was
	// in the token then, and works. For RSA and ECDSA over its SHA-256, for GOST over its Streebog.
	Proof []byte `json:"proof,omitempty"`
}

const proofText = "qaqpa attestation v1 %s %s"

// sealedSettings say by which key a document on keys is sealed, and where it goes.
type sealedSettings struct {
	Output   string           `short:"o" required:"" placeholder:"FILE" help:"Where the sealed document goes (CMS, DER). An existing file is not overwritten."`
	SealKey  string           `env:"QAQPA_SEAL_KEY" default:"seal" help:"Label of the key that seals it."`
	Token    tokenSettings    `embed:""`
	Database databaseSettings `embed:""`
	Trust    trustSettings    `embed:""`
}

type keysInventoryCmd struct {
	sealedSettings `embed:""`
}

func (k *keysInventoryCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return k.seal(ctx, io, log, "key inventory", func(token *hsm.Token, _ time.Time, _ recordUse) ([]inventoryKey, error) {
		keys, err := token.Keys(ctx)
		if err != nil {
			return nil, err
		}
		out := make([]inventoryKey, 0, len(keys))
		for _, key := range keys {
			out = append(out, entryOf(key))
		}
		secrets, err := token.Secrets(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range secrets {
			out = append(out, inventoryKey{Label: k.Label, ID: hex.EncodeToString(k.ID), Algorithm: string(k.Algorithm), State: stateOfSecret(k)})
		}
		return out, nil
	})
}

type keysAttestCmd struct {
	sealedSettings `embed:""`
	Key            string `arg:"" help:"Label of the key."`
}

func (k *keysAttestCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return k.seal(ctx, io, log, "key attestation", func(token *hsm.Token, at time.Time, record recordUse) ([]inventoryKey, error) {
		found, err := find(ctx, token, k.Key)
		if err != nil {
			return nil, err
		}
		entry := entryOf(found)
		key, err := token.Key(ctx, k.Key) // refuses what is not usable
		if err != nil {
			return nil, err
		}
		text := fmt.Appendf(nil, proofText, entry.ID, at.Format(time.RFC3339))
		opts := crypto.SignerOpts(crypto.Hash(0))
		if hash, _, is := gostDigest(key); is {
			text = hash.Sum(nil, text)
		} else if _, ok := key.Public().(ed25519.PublicKey); !ok {
			digest := sha256.Sum256(text)
			text, opts = digest[:], crypto.SHA256
		}
		if entry.Proof, err = key.Recorded(record).SignContext(ctx, text, opts); err != nil {
			return nil, err
		}
		return []inventoryKey{entry}, nil
	})
}

func entryOf(k hsm.KeyInfo) inventoryKey {
	e := inventoryKey{Label: k.Label, ID: hex.EncodeToString(k.ID), Algorithm: string(k.Algorithm), PublicKey: k.SPKI, State: stateOf(k)}
	if k.Certificate != nil {
		sum := sha256.Sum256(k.Certificate)
		e.CertificateSHA256 = hex.EncodeToString(sum[:])
	}
	return e
}

// gatherer reads from the token what a document says.
type gatherer func(*hsm.Token, time.Time, recordUse) ([]inventoryKey, error)

// seal gathers the document from the token and seals it; the seal is on record.
func (s sealedSettings) seal(ctx context.Context, io streams, log *logSettings, kind string, gather gatherer) (err error) {
	t := s.Token
	doc := inventory{Kind: kind, At: time.Now().UTC().Truncate(time.Second), By: operatorActor()}
	err = withRecord(ctx, s.Database, func(record recordUse) error {
		return withToken(ctx, t, io, log, func(token *hsm.Token) (err error) {
			if doc.Token, err = token.Info(ctx); err != nil {
				return err
			}
			doc.Keys, err = gather(token, doc.At, record)
			return err
		})
	})
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("couldn't write the %s: %w", kind, err)
	}
	g := &gateway{log: log.logger(io.err), registry: newRegistry()}
	defer func() { err = errors.Join(err, g.close()) }()
	if g.db, err = s.Database.connect(ctx); err != nil {
		return err
	}
	if g.token, err = t.fleet(ctx, io, g.log, g.registry); err != nil {
		return err
	}
	if g.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		return err
	}
	if err = g.openSigner(ctx, &serveCmd{SealKey: s.SealKey, Database: s.Database, Token: t, Trust: s.Trust}); err != nil {
		return err
	}
	sealed, err := g.signer.Seal(ctx, signer.SealRequest{Document: append(raw, '\n'), Actor: doc.By})
	if err != nil {
		return fmt.Errorf("couldn't seal the %s: %w", kind, err)
	}
	if err := writeNew(s.Output, sealed); err != nil {
		return err
	}
	fmt.Fprintln(io.out, s.Output)
	return nil
}
