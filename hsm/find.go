package hsm

import (
	"crypto"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/miekg/pkcs11"
)

// foundKey is a private key as a search saw it.
type foundKey struct {
	handle pkcs11.ObjectHandle
	label  string
	id     []byte
	pub    crypto.PublicKey
}

// checkLabel refuses labels that could not be told apart in a list or a log.
func checkLabel(label string) error {
	unprintable := func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }
	if label == "" || len(label) > labelMax || strings.ContainsFunc(label, unprintable) {
		return fmt.Errorf("label %q must have 1 to %d bytes of printable UTF-8", label, labelMax)
	}
	return nil
}

// findKey finds the one private key that ref names and checks its attributes.
func (s session) findKey(ref Ref) (foundKey, error) {
	handles, err := s.search(ref.template(pkcs11.CKO_PRIVATE_KEY)...)
	if err != nil {
		return foundKey{}, err
	}
	switch len(handles) {
	case 0:
		return foundKey{}, ErrKeyNotFound
	case 1:
		return s.describe(handles[0])
	default:
		return foundKey{}, fmt.Errorf("%w: %d keys", ErrKeyAmbiguous, len(handles))
	}
}

// describe reads a private key. What could be read is returned with the error that makes the key unusable.
func (s session) describe(handle pkcs11.ObjectHandle) (foundKey, error) {
	values, err := s.values(handle, attributesToRead()...)
	if err != nil {
		return foundKey{}, err
	}
	k := foundKey{handle: handle, label: string(values[pkcs11.CKA_LABEL]), id: values[pkcs11.CKA_ID]}
	keyType, ok := number(values[pkcs11.CKA_KEY_TYPE])
	if !ok || len(k.id) == 0 {
		return k, fmt.Errorf("%w: no CKA_KEY_TYPE or CKA_ID", ErrKeyAttributes)
	}
	if k.pub, err = s.publicKey(handle, keyType, k.id); err != nil {
		return k, err
	}
	return k, checkRules(values)
}
