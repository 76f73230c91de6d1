package p12

import (
	"crypto/hmac"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// macData is MacData (RFC 7292 4).
type macData struct {
	stretch           // of the key; its hash is that of the PRF where keyOctets is set
	hash    algo.Hash // of the HMAC
	digest  []byte
	// keyOctets is the length of a PBMAC1 key (RFC 9579), 0 for the MAC of RFC 7292.
	keyOctets int
}

var oidPBMAC1 = []byte(asn1ber.MustOID("1.2.840.113549.1.5.14"))

// readMAC reads SEQUENCE { SEQUENCE { AlgorithmIdentifier, digest }, salt, iterations DEFAULT 1 }.
func readMAC(e asn1ber.Element) (*macData, error) {
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	info, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	m := &macData{}
	if m.salt, err = readOctets(&r); err != nil {
		return nil, err
	}
	m.iterations = 1
	if !r.Empty() {
		count, err := r.Read(asn1ber.Integer)
		if err != nil {
			return nil, err
		}
		if m.iterations, err = readIterations(count); err != nil {
			return nil, err
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if err := m.readDigestInfo(info); err != nil {
		return nil, err
	}
	return m, checkSalt(m.salt)
}

func (m *macData) readDigestInfo(info asn1ber.Element) error {
	r, err := info.Children()
	if err != nil {
		return err
	}
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if m.digest, err = readOctets(&r); err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	oid, params, err := readIdentifier(id)
	if err != nil {
		return err
	}
	if string(oid) == string(oidPBMAC1) {
		return m.readPBMAC1(params)
	}
	h, err := algo.ParseHash(id.Raw)
	if err != nil || h == algo.MD5 {
		return fmt.Errorf("%w: MAC under %s", ErrUnsupported, dotted(oid))
	}
	m.hash, m.stretch.hash = h, h
	return nil
}

// minPBMAC1Key is the least length of a PBMAC1 key; RFC 9579 5 warns of shorter ones, which can be guessed.
const minPBMAC1Key = 20

// readPBMAC1 reads PBMAC1-params (RFC 8018 A.5), whose salt and iterations stand in place of those of MacData.
func (m *macData) readPBMAC1(params *asn1ber.Element) error {
	kdf, mac, err := readPair(params)
	if err != nil {
		return err
	}
	var keyed bool
	if m.stretch, m.keyOctets, keyed, err = readPBKDF2(kdf); err != nil {
		return err
	}
	if !keyed || m.keyOctets < minPBMAC1Key { // RFC 9579 4: keyLength must be present
		return fmt.Errorf("%w: PBMAC1 key of %d octets", ErrUnsupported, m.keyOctets)
	}
	m.hash, err = readHMAC(mac)
	return err
}

// fit is the index of the reading of the password under which the MAC over content holds, -1 if there is none.
func (m *macData) fit(w *work, content []byte, readings []secret) (int, error) {
	for i, password := range readings {
		if ok, err := m.holds(w, content, password); ok || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// holds compares the MAC over content in constant time.
func (m *macData) holds(w *work, content []byte, password secret) (bool, error) {
	for _, derive := range m.derivations() {
		key, err := derive(w, password)
		if err != nil {
			return false, err
		}
		h := hmac.New(m.hash.New, key)
		h.Write(content)
		if hmac.Equal(h.Sum(nil), m.digest) {
			return true, nil
		}
	}
	return false, nil
}

// derivations are the ways in which the key may have been made. For GOST hashes there are two: the one of RFC 9548 5.1,
// and that of RFC 7292 in files of older tools.
func (m *macData) derivations() []func(*work, secret) ([]byte, error) {
	classic := func(w *work, password secret) ([]byte, error) {
		return m.pkcs12(w, forMAC, password.bmp, m.hash.Size())
	}
	switch {
	case m.keyOctets > 0:
		return []func(*work, secret) ([]byte, error){func(w *work, password secret) ([]byte, error) {
			return m.pbkdf2(w, password.text, m.keyOctets)
		}}
	case m.hash >= algo.GOST94Test:
		return []func(*work, secret) ([]byte, error){m.gostKey, classic}
	}
	return []func(*work, secret) ([]byte, error){classic}
}

// gostKey is the key of RFC 9548 5.1: the last 32 of 96 octets of PBKDF2.
func (m *macData) gostKey(w *work, password secret) ([]byte, error) {
	material, err := m.pbkdf2(w, password.text, 96)
	if err != nil {
		return nil, err
	}
	return material[64:], nil
}
