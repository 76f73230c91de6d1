package ncanode

import (
	"errors"
	"fmt"
	"io"

	"qaqpa/signer"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
)

// secret is a password. It hides itself from fmt, JSON and logs.
type secret string

// Format keeps the password out of every verb of fmt, and so out of text logs.
func (secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "hidden") }

// MarshalJSON keeps the password out of JSON, and so out of JSON logs.
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"hidden"`), nil }

// keyRequest is a PKCS #12 file in base64 with its password.
type keyRequest struct {
	Key      string `json:"key"`
	Password secret `json:"password"`
	// KeyAlias chooses the key; empty: the first.
	KeyAlias string `json:"keyAlias,omitempty"`
	// ReferenceURI names the element to sign in XML, such as "#id"; empty: the whole document.
	ReferenceURI string `json:"referenceUri,omitempty"`
}

// openAll opens the files of a request, all before the first is used. They share the work that one file may cost, so that
// many files with absurd iteration counts are no dearer than one.
func openAll(keys []keyRequest, list string) ([]*p12.Store, error) {
	if len(keys) == 0 {
		return nil, refuse(CodeSigners, list+" must not be empty")
	}
	limits := p12.DefaultLimits()
	limits.Work /= len(keys)
	out := make([]*p12.Store, len(keys))
	for i, k := range keys {
		var err error
		if out[i], err = k.open(fmt.Sprintf("%s[%d]", list, i), limits); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// open decrypts one file and overwrites it.
func (k keyRequest) open(where string, limits p12.Limits) (*p12.Store, error) {
	file, err := fromBase64(k.Key)
	if err != nil {
		return nil, refuse(CodeKeyBase64, "Key reading error: the key is not base64.").at(where)
	}
	defer clear(file)
	store, err := p12.Open(file, string(k.Password), limits)
	switch {
	case err == nil && len(store.Entries) == 0:
		return nil, refuse(CodeKeyEmpty, "Key reading error: there is no private key in the file.").at(where)
	case err == nil:
		return store, nil
	case errors.Is(err, p12.ErrPassword):
		return nil, refuse(CodeKeyPassword, "Key reading error: Password incorrect.").at(where)
	case errors.Is(err, p12.ErrKeyMismatch):
		return nil, refuse(CodeKeyMismatch, "Key reading error: key and certificate do not belong together.").at(where)
	case errors.Is(err, p12.ErrUnsupported):
		return nil, refuse(CodeKeyUnsupported, "Key reading error: the algorithms of the file are not supported.").at(where).because(err)
	}
	return nil, refuse(CodeKeyDamaged, "Key reading error: not a PKCS #12 file, or a damaged one.").at(where).because(err)
}

// entry chooses the key of an opened file.
func (k keyRequest) entry(store *p12.Store, where string) (*p12.Entry, error) {
	e := &store.Entries[0]
	if k.KeyAlias != "" {
		var err error
		if e, err = store.Find(k.KeyAlias); err != nil {
			return nil, refuse(CodeKeyAlias, fmt.Sprintf("Key reading error: no single key under the alias %.64q.", k.KeyAlias)).at(where)
		}
	}
	if e.Certificate == nil {
		return nil, refuse(CodeKeyEmpty, "Key reading error: there is no certificate of the key in the file.").at(where)
	}
	return e, nil
}

// signingKeys opens all files and chooses their keys.
func signingKeys(keys []keyRequest) ([]signer.SigningKey, error) {
	stores, err := openAll(keys, "signers")
	if err != nil {
		return nil, err
	}
	out := make([]signer.SigningKey, len(keys))
	for i, k := range keys {
		e, err := k.entry(stores[i], fmt.Sprintf("signers[%d]", i))
		if err != nil {
			return nil, err
		}
		out[i] = keyOf(e)
	}
	return out, nil
}

// signingKey opens the one file of a request that has no list.
func (k keyRequest) signingKey() (signer.SigningKey, error) {
	store, err := k.open("", p12.DefaultLimits())
	if err != nil {
		return signer.SigningKey{}, err
	}
	e, err := k.entry(store, "")
	if err != nil {
		return signer.SigningKey{}, err
	}
	return keyOf(e), nil
}

// keyOf takes the certificate alone into documents, as NCANode does.
func keyOf(e *p12.Entry) signer.SigningKey {
	return signer.SigningKey{Key: e.Key, Chain: []*pkix.Certificate{e.Certificate}}
}
