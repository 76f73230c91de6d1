package pki

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Universal tags used here.
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagEnumerated  = 0x0a
	tagUTF8        = 0x0c
	tagPrintable   = 0x13
	tagIA5         = 0x16
	tagUTCTime     = 0x17
	tagTime        = 0x18
	tagSequence    = 0x30
	tagSet         = 0x31
)

// tlv writes tag, length and the concatenated parts.
func tlv(tag byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	head := []byte{tag}
	switch n := len(body); {
	case n < 0x80:
		head = append(head, byte(n))
	default:
		length := big.NewInt(int64(n)).Bytes()
		head = append(head, 0x80|byte(len(length))) // at most 8
		head = append(head, length...)
	}
	return append(head, body...)
}

func seq(parts ...[]byte) []byte { return tlv(tagSequence, parts...) }

// setOf sorts its elements, as DER wants.
func setOf(parts ...[]byte) []byte {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, slices.Compare[[]byte])
	return tlv(tagSet, parts...)
}

// explicit and implicit write context tags; implicit replaces the tag of an encoded value.
func explicit(n byte, parts ...[]byte) []byte { return tlv(0xa0|n, parts...) }

func implicit(n byte, value []byte) []byte {
	value = slices.Clone(value)
	value[0] = 0x80 | n | value[0]&0x20
	return value
}

func octets(b ...[]byte) []byte { return tlv(tagOctetString, b...) }
func bits(b []byte) []byte      { return tlv(tagBitString, []byte{0}, b) }
func null() []byte              { return []byte{tagNull, 0} }
func utf8(s string) []byte      { return tlv(tagUTF8, []byte(s)) }
func printable(s string) []byte { return tlv(tagPrintable, []byte(s)) }
func ia5(s string) []byte       { return tlv(tagIA5, []byte(s)) }
func boolean() []byte           { return tlv(tagBoolean, []byte{0xff}) } // DER never writes a default FALSE

// integer writes an unsigned big-endian number.
func integer(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return tlv(tagInteger, b)
}

func number(n int64) []byte { return integer(big.NewInt(n).Bytes()) }

// oid writes a dotted identifier; one that isn't dotted numbers is a mistake in the calling test.
func oid(dotted string) []byte {
	arcs := strings.Split(dotted, ".")
	var body []byte
	var first int
	for i, arc := range arcs {
		n, err := strconv.Atoi(arc)
		if err != nil || n < 0 || len(arcs) < 2 {
			panic("pki: bad object identifier " + strconv.Quote(dotted))
		}
		switch i {
		case 0:
			first = n
			continue
		case 1:
			n += 40 * first
		}
		part := []byte{byte(n & 0x7f)}
		for n >>= 7; n > 0; n >>= 7 {
			part = append(part, 0x80|byte(n&0x7f))
		}
		slices.Reverse(part)
		body = append(body, part...)
	}
	return tlv(tagOID, body)
}

// moment is UTCTime until 2049 and GeneralizedTime later (RFC 5280 4.1.2.5).
func moment(t time.Time) []byte {
	t = t.UTC()
	if t.Year() >= 1950 && t.Year() < 2050 {
		return tlv(tagUTCTime, []byte(t.Format("060102150405Z")))
	}
	return generalized(t)
}

func generalized(t time.Time) []byte {
	return tlv(tagTime, []byte(t.UTC().Format("20060102150405Z")))
}

// keyUsageBits writes a named BIT STRING without trailing zeros; bit 0 is the most significant.
func namedBits(usage int) []byte {
	var b [2]byte
	top := -1
	for i := range 9 {
		if usage>>i&1 == 1 {
			b[i/8] |= 0x80 >> (i % 8)
			top = i
		}
	}
	if top < 0 {
		return tlv(tagBitString, []byte{0})
	}
	return tlv(tagBitString, []byte{byte(7 - top%8)}, b[:top/8+1])
}
