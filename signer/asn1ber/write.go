package asn1ber

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// AppendHeader appends the DER identifier and definite length octets of an element with length octets of contents.
func AppendHeader(out []byte, tag Tag, constructed bool, length int) []byte {
	first := byte(tag>>30) << 6
	if constructed {
		first |= 0x20
	}
	if n := tag & numberMask; n < 0x1f {
		out = append(out, first|byte(n))
	} else {
		out = appendBase128(append(out, first|0x1f), uint64(n))
	}
	if length < 0x80 {
		return append(out, byte(length)) //nolint:gosec // G115: below 0x80
	}
	var be [8]byte
	binary.BigEndian.PutUint64(be[:], uint64(length))
	skip := 0
	for be[skip] == 0 {
		skip++
	}
	out = append(out, 0x80|byte(8-skip)) //nolint:gosec // G115: at most 8
	return append(out, be[skip:]...)
}

// Append appends a DER element with the given contents.
func Append(out []byte, tag Tag, constructed bool, contents ...[]byte) []byte {
	n := 0
	for _, c := range contents {
		n += len(c)
	}
	out = slices.Grow(out, n+12)
	out = AppendHeader(out, tag, constructed, n)
	for _, c := range contents {
		out = append(out, c...)
	}
	return out
}

// Wrap is a constructed DER element around encoded children.
func Wrap(tag Tag, children ...[]byte) []byte { return Append(nil, tag, true, children...) }

// Primitive is a primitive DER element.
func Primitive(tag Tag, contents []byte) []byte { return Append(nil, tag, false, contents) }

// SetOf is a DER SET OF: the encoded members in ascending order (X.690 11.6). The members slice is not changed.
func SetOf(tag Tag, members ...[]byte) []byte {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, bytes.Compare)
	return Append(nil, tag, true, sorted...)
}

// EncodedOID is a whole OBJECT IDENTIFIER element of a dotted form.
func EncodedOID(dotted string) ([]byte, error) {
	var room [64]byte
	c, err := appendOID(room[:0], dotted)
	if err != nil {
		return nil, err
	}
	return Primitive(OID, c), nil
}

// EncodedInt is a whole INTEGER element.
func EncodedInt(v int64) []byte {
	var be [8]byte
	binary.BigEndian.PutUint64(be[:], uint64(v)) //nolint:gosec // G115: two's complement is meant
	skip := 0
	for skip < 7 && (be[skip] == 0 && be[skip+1] < 0x80 || be[skip] == 0xff && be[skip+1] >= 0x80) {
		skip++
	}
	return Primitive(Integer, be[skip:])
}

// EncodedUint is a whole INTEGER element of an unsigned big-endian number.
func EncodedUint(be []byte) []byte {
	be = bytes.TrimLeft(be, "\x00")
	if len(be) == 0 || be[0] >= 0x80 {
		return Append(nil, Integer, false, []byte{0}, be)
	}
	return Primitive(Integer, be)
}

// EncodedTime is a whole UTCTime for the years 1950 to 2049 and a GeneralizedTime otherwise, to the second, as RFC
// 5280 4.1.2.5 and RFC 5652 11.3 demand. Years outside 0 to 9999 are an error.
func EncodedTime(t time.Time) ([]byte, error) {
	t = t.UTC()
	switch y := t.Year(); {
	case y >= 1950 && y < 2050:
		return Primitive(UTCTime, t.AppendFormat(nil, "060102150405Z")), nil
	case y >= 0 && y <= 9999:
		return Primitive(GeneralizedTime, t.AppendFormat(nil, "20060102150405Z")), nil
	default:
		return nil, fmt.Errorf("couldn't encode time: year %d", y)
	}
}
