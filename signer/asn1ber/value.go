package asn1ber

import (
	"bytes"
	"fmt"
	"math/big"
)

// Boolean is the value of a BOOLEAN (any tag: the caller has checked it). DER knows 00 and FF only.
func (e Element) Boolean() (bool, error) {
	if e.Constructed || len(e.Content) != 1 {
		return false, fmt.Errorf("%w: BOOLEAN of %d octets", ErrSyntax, len(e.Content))
	}
	if v := e.Content[0]; e.enc == DER && v != 0 && v != 0xff {
		return false, fmt.Errorf("%w: BOOLEAN %02x", ErrSyntax, v)
	}
	return e.Content[0] != 0, nil
}

// Integer is the contents of an INTEGER or ENUMERATED: big-endian two's complement. Not minimal is ErrSyntax
// (X.690 8.3.2 forbids it in BER too).
func (e Element) Integer() ([]byte, error) {
	c := e.Content
	if e.Constructed || len(c) == 0 {
		return nil, fmt.Errorf("%w: INTEGER without contents", ErrSyntax)
	}
	if len(c) > 1 && (c[0] == 0 && c[1] < 0x80 || c[0] == 0xff && c[1] >= 0x80) {
		return nil, fmt.Errorf("%w: INTEGER not minimal", ErrSyntax)
	}
	return c, nil
}

// Int64 is the value of an INTEGER or ENUMERATED that fits 64 bits.
func (e Element) Int64() (int64, error) {
	c, err := e.Integer()
	if err != nil {
		return 0, err
	}
	if len(c) > 8 {
		return 0, fmt.Errorf("%w: INTEGER of %d octets", ErrSyntax, len(c))
	}
	v := int64(int8(c[0])) //nolint:gosec // G115: the sign octet is meant to wrap
	for _, o := range c[1:] {
		v = v<<8 | int64(o)
	}
	return v, nil
}

// BigInt is the value of an INTEGER of at most maxOctets octets; beyond is ErrLimit.
func (e Element) BigInt(maxOctets int) (*big.Int, error) {
	c, err := e.Integer()
	if err != nil {
		return nil, err
	}
	if len(c) > maxOctets {
		return nil, fmt.Errorf("%w: INTEGER of %d octets, at most %d allowed", ErrLimit, len(c), maxOctets)
	}
	v := new(big.Int).SetBytes(c)
	if c[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(c))*8))
	}
	return v, nil
}

// Null checks the contents of a NULL.
func (e Element) Null() error {
	if e.Constructed || len(e.Content) != 0 {
		return fmt.Errorf("%w: NULL with contents", ErrSyntax)
	}
	return nil
}

// OctetString is the value of an OCTET STRING, under its own or an implicit tag. A primitive one aliases the input; a
// constructed one (BER) is joined in a new slice of at most the input's length.
func (e Element) OctetString() ([]byte, error) {
	if !e.Constructed {
		return e.Content, nil
	}
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(e.Content))
	return joinOctets(out, r)
}

// joinOctets appends the segments of a constructed OCTET STRING (X.690 8.7.3), which may themselves be constructed.
func joinOctets(out []byte, r Reader) ([]byte, error) {
	for !r.Empty() {
		segment, err := r.Read(OctetString)
		if err != nil {
			return nil, err
		}
		if !segment.Constructed {
			out = append(out, segment.Content...)
			continue
		}
		inner, err := segment.Children()
		if err != nil {
			return nil, err
		}
		if out, err = joinOctets(out, inner); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// BitString is the value of a BIT STRING: its octets and the number of unused bits (0 to 7) in the last. Constructed
// ones (BER) are joined. In DER the unused bits must be zero (X.690 11.2.1).
func (e Element) BitString() (bits []byte, unused int, err error) {
	if e.Constructed {
		return e.joinBits()
	}
	if len(e.Content) == 0 || e.Content[0] > 7 || len(e.Content) == 1 && e.Content[0] != 0 {
		return nil, 0, fmt.Errorf("%w: BIT STRING", ErrSyntax)
	}
	bits, unused = e.Content[1:], int(e.Content[0])
	if e.enc == DER && unused > 0 && bits[len(bits)-1]&(1<<unused-1) != 0 {
		return nil, 0, fmt.Errorf("%w: BIT STRING with unused bits set", ErrSyntax)
	}
	return bits, unused, nil
}

func (e Element) joinBits() (bits []byte, unused int, err error) {
	r, err := e.Children()
	if err != nil {
		return nil, 0, err
	}
	bits = make([]byte, 0, len(e.Content))
	for !r.Empty() {
		if unused != 0 {
			return nil, 0, fmt.Errorf("%w: unused bits inside a BIT STRING", ErrSyntax)
		}
		segment, err := r.Read(BitString)
		if err != nil {
			return nil, 0, err
		}
		part, n, err := segment.BitString()
		if err != nil {
			return nil, 0, err
		}
		bits, unused = append(bits, part...), n
	}
	return bits, unused, nil
}

// Octets is the value of a BIT STRING whose bits are whole octets, as keys and signatures are.
func (e Element) Octets() ([]byte, error) {
	bits, unused, err := e.BitString()
	if err != nil {
		return nil, err
	}
	if unused != 0 {
		return nil, fmt.Errorf("%w: BIT STRING of %d unused bits where octets are due", ErrSyntax, unused)
	}
	return bits, nil
}

// Is reports whether e is an OBJECT IDENTIFIER with these contents octets (see [EncodeOID]).
func (e Element) Is(oid []byte) bool {
	return e.Tag == OID && !e.Constructed && bytes.Equal(e.Content, oid)
}
