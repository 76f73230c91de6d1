package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"qaqpa/hsm"
	"qaqpa/signer"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
)

// tsaSettings say who makes time stamps.
type tsaSettings struct {
	URL    string `name:"tsa" env:"QAQPA_TSA" placeholder:"URL" help:"Time-stamping authority (RFC 3161 over HTTP), such as http://tsp.pki.gov.kz; without it no document gets a time stamp."`
	Policy string `name:"tsa-policy" env:"QAQPA_TSA_POLICY" placeholder:"OID" help:"Policy asked of the authority; that of the national one for GOST-2015 is 1.2.398.3.3.2.6.4. Without it the authority chooses."`
}

// signKeySettings say whose key signs. There is no flag for a password: the arguments of a process can be read by every user.
type signKeySettings struct {
	File         string `name:"key" env:"QAQPA_KEY" type:"existingfile" placeholder:"FILE" help:"PKCS #12 file (.p12) with the key. Its password comes from --key-password-file, QAQPA_KEY_PASSWORD or the terminal."`
	Alias        string `name:"key-alias" env:"QAQPA_KEY_ALIAS" placeholder:"NAME" help:"Which key of the file, when it has several."`
	PasswordFile string `name:"key-password-file" env:"QAQPA_KEY_PASSWORD_FILE" placeholder:"FILE" help:"File that holds the password of the key's file."`
	HSM          string `name:"hsm-key" env:"QAQPA_HSM_KEY" placeholder:"LABEL" help:"Label of a key in the token, with its certificate, instead of a file. Needs the database: its use is put on record."`
}

func (s *signKeySettings) check() error {
	if (s.File == "") == (s.HSM == "") {
		return errors.New("whose key signs? Give either --key (a file) or --hsm-key (a key in the token)")
	}
	return nil
}

// ofFile opens the key of the PKCS #12 file. The chain is the certificate alone, as in national documents.
func (s *signKeySettings) ofFile(io streams) (signer.SigningKey, error) {
	file, err := os.ReadFile(s.File)
	if err != nil {
		return signer.SigningKey{}, fmt.Errorf("couldn't read the key: %w", err)
	}
	password, err := s.password(io)
	if err != nil {
		return signer.SigningKey{}, err
	}
	store, err := p12.Open(file, password, p12.Limits{})
	if err != nil {
		return signer.SigningKey{}, fmt.Errorf("couldn't open %s: %w", s.File, err)
	}
	entry, err := s.choose(store)
	if err != nil {
		return signer.SigningKey{}, err
	}
	if entry.Certificate == nil {
		return signer.SigningKey{}, fmt.Errorf("%s holds no certificate of the key %q", s.File, entry.Alias)
	}
	return signer.SigningKey{Key: entry.Key, Chain: []*pkix.Certificate{entry.Certificate}}, nil
}

func (s *signKeySettings) choose(store *p12.Store) (*p12.Entry, error) {
	names := strings.Join(store.Aliases(), ", ")
	switch {
	case s.Alias != "":
		entry, err := store.Find(s.Alias)
		if err != nil {
			return nil, fmt.Errorf("couldn't find the key %q among %s: %w", s.Alias, names, err)
		}
		return entry, nil
	case len(store.Entries) == 0:
		return nil, fmt.Errorf("%s holds no key", s.File)
	case len(store.Entries) > 1:
		return nil, fmt.Errorf("%s holds several keys, name one by --key-alias: %s", s.File, names)
	}
	return &store.Entries[0], nil
}

// password comes from its file, the environment, or the terminal without being shown.
func (s *signKeySettings) password(io streams) (string, error) {
	if s.PasswordFile != "" {
		return readSecret(s.PasswordFile)
	}
	if password, ok := os.LookupEnv("QAQPA_KEY_PASSWORD"); ok {
		return password, nil
	}
	return io.ask("Password of "+s.File, "no password of the key: give --key-password-file or QAQPA_KEY_PASSWORD, or work at a terminal")
}

// ofToken finds the key and its certificate in the token.
func (s *signKeySettings) ofToken(ctx context.Context, token *hsm.Fleet) (signer.SigningKey, error) {
	key, err := keyOf(ctx, token, s.HSM)
	if err != nil {
		return signer.SigningKey{}, fmt.Errorf("couldn't find the key %q: %w", s.HSM, err)
	}
	der, err := certificateOf(ctx, token, s.HSM)
	if err != nil {
		return signer.SigningKey{}, fmt.Errorf("couldn't find the certificate of the key %q: %w", s.HSM, err)
	}
	certificate, err := pkix.ParseCertificate(der)
	if err != nil {
		return signer.SigningKey{}, fmt.Errorf("couldn't parse the certificate of the key %q: %w", s.HSM, err)
	}
	return signer.SigningKey{Key: key, Chain: []*pkix.Certificate{certificate}}, nil
}
