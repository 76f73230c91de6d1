package revoked

import (
	"bytes"
	"time"

	"qaqpa/signer/pkix"
)

// Identifier octets of DER.
const (
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagUTCTime         = 0x17
	tagGeneralizedTime = 0x18
	tagSequence        = 0x30
)

// Entry is what a list says about a certificate that it names.
type Entry struct {
	RevokedAt time.Time
	Reason    pkix.Reason // pkix.Unspecified when absent
	HasReason bool
}

// indexKey is the first octets of a serial number in the upper half of a number; the lower half is for an offset.
func indexKey(serial []byte) uint64 {
	var k uint64
	for i := range 4 {
		k <<= 8
		if i < len(serial) {
			k |= uint64(serial[i])
		}
	}
	return k << 32
}

// splitSerial splits the contents of an entry after its serial number.
func splitSerial(body []byte) (serial, rest []byte, ok bool) {
	if len(body) < 3 || body[0] != tagInteger || body[1] == 0 || body[1] >= 0x80 || len(body) < 2+int(body[1]) {
		return nil, nil, false
	}
	n := 2 + int(body[1])
	return body[2:n], body[n:], true
}

// entryBody is the contents of the entry at an offset of a list that has been read.
func entryBody(raw []byte) []byte {
	n, head := int(raw[1]), 2
	if n >= 0x80 {
		octets := n & 0x7f
		head, n = 2+octets, 0
		for _, o := range raw[2:head] {
			n = n<<8 | int(o)
		}
	}
	return raw[head : head+n]
}

// reasonOnly is how nearly all entries end: extensions with the reason alone, whose octet follows.
const reasonOnly = "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01"

// timeSize is that of a UTCTime in DER.
const timeSize = 15

// namesIssuer reports whether an entry has the Certificate Issuer extension (2.5.29.29), or could have: nearly all are too short.
func namesIssuer(rest []byte) bool {
	return len(rest) > timeSize+len(reasonOnly)+1 && bytes.Contains(rest, []byte("\x06\x03\x55\x1d\x1d"))
}

// plainEntry reads an entry without its serial number in the form that nearly all have: UTCTime and at most a reason. The
// others are left to package pkix.
func plainEntry(rest []byte) (e Entry, ok bool) {
	if len(rest) < timeSize || rest[0] != tagUTCTime || rest[1] != timeSize-2 || rest[timeSize-1] != 'Z' {
		return e, false
	}
	var f [6]int
	for i := range f {
		f[i] = int(rest[2+2*i]-'0')*10 + int(rest[3+2*i]-'0')
	}
	year := 1900 + f[0]
	if f[0] < 50 {
		year += 100
	}
	e.RevokedAt = time.Date(year, time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC)
	switch rest = rest[timeSize:]; {
	case len(rest) == 0:
		return e, true
	case len(rest) == len(reasonOnly)+1 && string(rest[:len(reasonOnly)]) == reasonOnly:
		e.Reason, e.HasReason = pkix.Reason(rest[len(reasonOnly)]), true
		return e, true
	}
	return e, false
}
