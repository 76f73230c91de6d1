package pkix

// Identifier octets that the scanner of CRL entries looks for.
const (
	tagInteger  = 0x02
	tagUTCTime  = 0x17
	tagSequence = 0x30
)

// nextDER splits off the first element of b, which must have the given identifier octet and a minimal definite length.
// It is the one place where a CRL's entries are taken apart without the general reader: half a million of them are read
// in the time that a person waits.
func nextDER(b []byte, tag byte) (contents, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, head := int(b[1]), 2
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 4 || len(b) < 2+octets || b[2] == 0 {
			return nil, nil, false
		}
		n, head = 0, 2+octets
		for _, o := range b[2:head] {
			n = n<<8 | int(o)
		}
		if n < 0x80 {
			return nil, nil, false
		}
	}
	if len(b)-head < n {
		return nil, nil, false
	}
	return b[head : head+n : head+n], b[head+n:], true
}
