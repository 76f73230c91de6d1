package p12

import (
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// Open reads a PKCS #12 file (DER or BER, nothing after it) and decrypts what is in it. password is UTF-8. Zero limits
// mean the defaults. The result does not alias the file.
//
// Errors: ErrPassword, ErrDamaged, ErrUnsupported, ErrKeyMismatch, asn1ber.ErrLimit.
func Open(file []byte, password string, limits Limits) (*Store, error) {
	s, err := open(file, password, limits.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("couldn't open PKCS #12 file: %w", damaged(err))
	}
	return s, nil
}

func open(file []byte, password string, limits Limits) (*Store, error) {
	p, err := readPFX(file, limits)
	if err != nil {
		return nil, err
	}
	candidates, err := secrets(password)
	if err != nil {
		return nil, err
	}
	w := &work{left: limits.Work}
	verified := -1
	if p.mac != nil {
		if verified, err = p.mac.fit(w, p.safe, candidates); err != nil {
			return nil, err
		}
	}
	if verified >= 0 {
		candidates = candidates[verified : verified+1]
	}
	var best *reading
	for _, c := range candidates {
		if d := p.read(c, limits, w); best == nil || d.opened > best.opened {
			best = d
		}
	}
	if err := best.outcome(p.mac != nil, verified >= 0); err != nil {
		return nil, err
	}
	return best.store(verified >= 0)
}

// pfx is PFX (RFC 7292 4): the outer shell.
type pfx struct {
	root asn1ber.Element
	safe []byte // AuthenticatedSafe
	mac  *macData
}

// readPFX reads SEQUENCE { version 3, ContentInfo, MacData OPTIONAL }.
func readPFX(file []byte, limits Limits) (*pfx, error) {
	root, err := asn1ber.Parse(file, asn1ber.BER, limits.asn1())
	if err != nil {
		return nil, err
	}
	if root.Tag != asn1ber.Sequence {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, root.Tag)
	}
	r, err := root.Children()
	if err != nil {
		return nil, err
	}
	version, err := r.Read(asn1ber.Integer)
	if err != nil {
		return nil, err
	}
	if v, err := version.Int64(); err != nil || v != 3 {
		return nil, fmt.Errorf("%w: version", ErrDamaged)
	}
	info, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	oid, content, err := readContentInfo(info)
	if err != nil {
		return nil, err
	}
	if names[string(oid)] != oidData {
		return nil, fmt.Errorf("%w: integrity by %s", ErrUnsupported, dotted(oid))
	}
	p := &pfx{root: content}
	if p.safe, err = octetsInside(content); err != nil {
		return nil, err
	}
	if !r.Empty() {
		mac, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return nil, err
		}
		if p.mac, err = readMAC(mac); err != nil {
			return nil, fmt.Errorf("MAC: %w", err)
		}
	}
	return p, r.End()
}

func (p *pfx) read(password secret, limits Limits, w *work) *reading {
	d := &reading{limits: limits, work: w, password: password}
	d.safe(p.root.Inside(p.safe, asn1ber.BER))
	return d
}

// outcome is what the errors of a reading mean, given whether there was a MAC and whether it held.
func (d *reading) outcome(hasMAC, verified bool) error {
	switch {
	case hasMAC && !verified && d.opened > 0:
		return fmt.Errorf("%w: the password opens it, but it was changed", ErrDamaged)
	case verified && errors.Is(d.err, errNoise):
		return fmt.Errorf("%w: a part is under another one than the file", ErrPassword)
	case d.opened > 0 && errors.Is(d.err, errNoise):
		return fmt.Errorf("%w: the password opens only a part of it", ErrDamaged)
	case errors.Is(d.err, errNoise):
		return ErrPassword
	case d.err != nil:
		return d.err // what is in the open, or under the right password, is broken or of another kind
	case hasMAC && !verified:
		return ErrPassword
	}
	return nil
}
