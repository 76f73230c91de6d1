package api

import (
	"crypto/sha256"
	"encoding/binary"

	"qaqpa/payment"
)

// idemKeyMax is the longest key, after its quotes are taken off.
const idemKeyMax = 255

// idempotency fills r.idem or says what is wrong with the Idempotency-Key fields.
func idempotency(r *request) error {
	if len(r.idemKeys) == 0 {
		return refuse(codeIdemMissing).of("Idempotency-Key")
	}
	key, ok := "", false
	if len(r.idemKeys) == 1 {
		key, ok = readIdemKey(r.idemKeys[0])
	}
	if !ok {
		return refuse(codeIdemInvalid).of("Idempotency-Key")
	}
	r.idem = payment.Idem{Caller: r.caller.Actor(), Key: key, Hash: fingerprint(r.method, r.path, r.body)}
	return nil
}

// readIdemKey accepts a structured-field string (RFC 9651 §3.3.3) without parameters, or the bare key. Both forms of
// one key are the same key. A bare key has no quotes, backslashes, commas or semicolons, which would make it look like
// a broken or repeated field.
func readIdemKey(v string) (string, bool) {
	if len(v) >= 2 && v[0] == '"' {
		return readQuoted(v)
	}
	if v == "" || len(v) > idemKeyMax {
		return "", false
	}
	for i := range len(v) {
		if c := v[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' || c == ',' || c == ';' {
			return "", false
		}
	}
	return v, true
}

func readQuoted(v string) (string, bool) {
	out := make([]byte, 0, len(v))
	for i := 1; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			return string(out), i == len(v)-1 && len(out) > 0 && len(out) <= idemKeyMax
		case c == '\\':
			if i++; i == len(v) || (v[i] != '"' && v[i] != '\\') {
				return "", false
			}
			out = append(out, v[i])
		case c < ' ' || c > '~':
			return "", false
		default:
			out = append(out, c)
		}
	}
	return "", false
}

// fingerprint is SHA-256 over method, path and body, each with its length before it, so that no two requests share
// their bytes.
func fingerprint(method, path string, body []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(method), []byte(path), body} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}
