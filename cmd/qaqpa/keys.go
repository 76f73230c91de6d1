package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"qaqpa/hsm"
)

// keysCmd is what an operator does with keys. A private key is made in the token and never leaves it.
type keysCmd struct {
	InitToken  keysInitTokenCmd  `cmd:"" help:"Initialise a free slot as a token. The PINs come from files."`
	Generate   keysGenerateCmd   `cmd:"" help:"Make a key pair in the token; its public key is printed as PEM."`
	List       keysListCmd       `cmd:"" help:"List the keys of the token."`
	CSR        keysCSRCmd        `cmd:"" name:"csr" help:"Print a certificate request (PKCS#10, PEM) for a key."`
	ImportCert keysImportCertCmd `cmd:"" help:"Put the certificate of a key into the token; it must fit the key."`
	Inventory  keysInventoryCmd  `cmd:"" help:"Write down all keys of the token in a sealed document."`
	Attest     keysAttestCmd     `cmd:"" help:"Write down one key in a sealed document, with a signature of its own."`

	Rotate        keysRotateCmd        `cmd:"" help:"Have a new key take the place of one; two operators."`
	Retire        keysRetireCmd        `cmd:"" help:"Take a key out of use without destroying it; two operators."`
	Destroy       keysDestroyCmd       `cmd:"" help:"Destroy a key and its certificates for good; two operators."`
	RecoveryKey   keysRecoveryKeyCmd   `cmd:"" help:"Make the key for which keys of another token are backed up; its public half is printed as PEM."`
	TrustRecovery keysTrustRecoveryCmd `cmd:"" help:"Have a token trust another token's recovery key; by its security officer."`
	WrapBackup    keysWrapBackupCmd    `cmd:"" help:"Wrap a key for stored data for the token with the recovery key; two operators. What signs never leaves."`
	RestoreBackup keysRestoreBackupCmd `cmd:"" help:"Restore a wrapped key into the token with the recovery key; two operators."`

	Approve  keysApproveCmd  `cmd:"" help:"Approve what another operator asked."`
	Requests keysRequestsCmd `cmd:"" help:"List what waits for an approval, or was approved and not done yet."`
}

type keysInitTokenCmd struct {
	tokenSettings `embed:""`
	SOPINFile     string `name:"hsm-so-pin-file" required:"" placeholder:"FILE" help:"File with the security officer's PIN."`
}

func (c *keysInitTokenCmd) Run(io streams) error {
	if c.Module == "" || c.Label == "" {
		return errors.New("no token: give --hsm-module and --hsm-token")
	}
	soPIN, err := readSecret(c.SOPINFile)
	if err != nil {
		return err
	}
	pin, err := c.pin(io)
	if err != nil {
		return err
	}
	if err := hsm.InitToken(c.Module, c.Label, soPIN, pin); err != nil {
		return fmt.Errorf("couldn't initialise token %q: %w", c.Label, err)
	}
	fmt.Fprintf(io.out, "token %s is ready\n", c.Label)
	return nil
}

type keysGenerateCmd struct {
	tokenSettings `embed:""`
	Key           string `arg:"" help:"Label of the new key."`
	Algorithm     string `enum:"rsa-2048,rsa-3072,rsa-4096,ecdsa-p256,ecdsa-p384,ecdsa-p521,ed25519,gost-256,gost-256-cryptopro,gost-512,aes-256,hmac-sha256" default:"ecdsa-p256" help:"Kind of key: ${enum}. Those of GOST where the module has the mechanisms; the last two are for stored personal data."`
	Backup        bool   `help:"The key can be backed up by wrapping (wrap-backup). For stored personal data alone: a key that signs never leaves its token."`
}

func (c *keysGenerateCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return withToken(ctx, c.tokenSettings, io, log, func(token *hsm.Token) error {
		if a := hsm.Algorithm(c.Algorithm); a == hsm.AES256 || a == hsm.HMACSHA256 {
			generate := token.GenerateSecret
			if c.Backup {
				generate = token.GenerateWrappable
			}
			id, err := generate(ctx, c.Key, a)
			if err != nil {
				return fmt.Errorf("couldn't generate key %q: %w", c.Key, err)
			}
			fmt.Fprintf(io.out, "key %s, id %x\n", c.Key, id)
			return nil
		}
		if c.Backup {
			return fmt.Errorf("no backup of %q: a key that signs never leaves its token; make replicas, or rotate it when it is lost", c.Key)
		}
		key, err := token.Generate(ctx, c.Key, hsm.Algorithm(c.Algorithm))
		if err != nil {
			return fmt.Errorf("couldn't generate key %q: %w", c.Key, err)
		}
		return writePEM(io, "PUBLIC KEY", key.SPKI())
	})
}

func writePublic(io streams, public crypto.PublicKey) error {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("couldn't encode the public key: %w", err)
	}
	return writePEM(io, "PUBLIC KEY", der)
}

func writePEM(io streams, kind string, der []byte) error {
	if err := pem.Encode(io.out, &pem.Block{Type: kind, Bytes: der}); err != nil {
		return fmt.Errorf("couldn't print the %s: %w", kind, err)
	}
	return nil
}

type keysListCmd struct {
	tokenSettings `embed:""`
}

func (c *keysListCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return withToken(ctx, c.tokenSettings, io, log, func(token *hsm.Token) error {
		keys, err := token.Keys(ctx)
		if err != nil {
			return fmt.Errorf("couldn't list the keys: %w", err)
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "LABEL\tID\tALGORITHM\tCERTIFICATE\tSTATE")
		for _, k := range keys {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.Label, hex.EncodeToString(k.ID), k.Algorithm, describeCertificate(k.Certificate), stateOf(k))
		}
		secrets, err := token.Secrets(ctx)
		if err != nil {
			return fmt.Errorf("couldn't list the keys: %w", err)
		}
		for _, k := range secrets {
			fmt.Fprintf(w, "%s\t%s\t%s\tnone\t%s\n", k.Label, hex.EncodeToString(k.ID), k.Algorithm, stateOfSecret(k))
		}
		return w.Flush()
	})
}

func stateOf(k hsm.KeyInfo) string {
	if k.Recovery {
		return "recovery key: unwraps backups of another token's keys, and does nothing else"
	}
	if k.Problem != nil {
		return k.Problem.Error()
	}
	return "usable"
}

// stateOfSecret also says whether the key can leave the token, and whether it came from another one.
func stateOfSecret(k hsm.SecretInfo) string {
	switch {
	case k.Problem != nil:
		return k.Problem.Error()
	case k.Restored:
		return "usable, restored from a backup, wrappable for a trusted key"
	case k.Wrappable:
		return "usable, wrappable for a trusted key"
	}
	return "usable"
}

func describeCertificate(der []byte) string {
	if der == nil {
		return "none"
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "unreadable"
	}
	return fmt.Sprintf("%s, until %s", cert.Subject.CommonName, cert.NotAfter.UTC().Format("2006-01-02"))
}

// keysCSRCmd needs the database: a request is signed with its key, and each use of a key is in the audit log before the signature leaves.
type keysCSRCmd struct {
	tokenSettings `embed:""`
	Database      databaseSettings `embed:""`
	Key           string           `arg:"" help:"Label of the key."`
	CommonName    string           `required:"" placeholder:"NAME" help:"Name of the information system."`
	Organisation  string           `required:"" placeholder:"NAME" help:"Name of the owner."`
	BIN           string           `name:"bin" required:"" placeholder:"DIGITS" help:"BIN of the owner, 12 digits."`
}

func (c *keysCSRCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return withRecord(ctx, c.Database, func(record recordUse) error {
		return withToken(ctx, c.tokenSettings, io, log, func(token *hsm.Token) error { return c.request(ctx, io, token, record) })
	})
}

func (c *keysCSRCmd) request(ctx context.Context, io streams, token *hsm.Token, record recordUse) error {
	key, err := token.Key(ctx, c.Key)
	if err != nil {
		return fmt.Errorf("couldn't find key %q: %w", c.Key, err)
	}
	subject := pkix.Name{
		Country: []string{"KZ"}, Organization: []string{c.Organisation}, OrganizationalUnit: []string{"BIN" + c.BIN},
		ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: c.CommonName}},
	}
	var der []byte
	if _, _, is := gostDigest(key); is {
		der, err = gostRequest(ctx, key, record, subject)
	} else {
		der, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key.Recorded(record))
	}
	if err != nil {
		return fmt.Errorf("couldn't make the certificate request: %w", err)
	}
	return writePEM(io, "CERTIFICATE REQUEST", der)
}

type keysImportCertCmd struct {
	tokenSettings `embed:""`
	Key           string `arg:"" help:"Label of the key."`
	File          string `arg:"" type:"existingfile" help:"Certificate, PEM or DER."`
}

func (c *keysImportCertCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	der, err := readCertificate(c.File)
	if err != nil {
		return err
	}
	return withToken(ctx, c.tokenSettings, io, log, func(token *hsm.Token) error {
		if err := token.ImportCertificate(ctx, c.Key, der); err != nil {
			return fmt.Errorf("couldn't import the certificate of key %q: %w", c.Key, err)
		}
		fmt.Fprintf(io.out, "%s: %s\n", c.Key, describeCertificate(der))
		return nil
	})
}

// readCertificate reads one certificate, PEM or DER.
func readCertificate(path string) ([]byte, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("couldn't read the certificate: %w", err)
	}
	if block, _ := pem.Decode(b); block != nil {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s holds a %s, not a certificate", path, block.Type)
		}
		b = block.Bytes
	}
	if _, err := x509.ParseCertificate(b); err != nil {
		return nil, fmt.Errorf("couldn't parse the certificate in %s: %w", path, err)
	}
	return b, nil
}

// withToken opens the token, calls use and closes it.
func withToken(ctx context.Context, s tokenSettings, io streams, log *logSettings, use func(*hsm.Token) error) (err error) {
	token, err := s.open(ctx, io, log.logger(io.err), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	return use(token)
}
