package hsm

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"
)

// What a token says of a GOST key is a key that is written and read again, or refused.
func FuzzGOSTPoint(f *testing.F) {
	curve, err := oidDER(gostSets[GOST512].curve)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, curve, make([]byte, 128))
	f.Add(true, curve, append([]byte{4, 0x81, 0x80}, make([]byte, 128)...))
	f.Add(false, curve, append([]byte{4, 0x40}, make([]byte, 64)...))
	f.Add(false, append(curve, 0), make([]byte, 64))
	f.Add(false, bytes.Repeat([]byte{6, 1}, 99), make([]byte, 64))
	f.Fuzz(func(t *testing.T, long bool, params, value []byte) {
		keyType := uint(ckkGOST256)
		if long {
			keyType = ckkGOST512
		}
		pub, err := parseGOSTPoint(keyType, params, value)
		if err != nil {
			return
		}
		p, ok := pub.(gostPoint)
		if !ok || len(p.xy) != 64 && len(p.xy) != 128 || !p.Equal(p) || algorithmOf(p) == "" {
			t.Fatalf("%x gave %v", value, pub)
		}
		spki, err := p.spki()
		if err != nil || !bytes.HasSuffix(spki, p.xy) || !bytes.Contains(spki, p.params) {
			t.Errorf("%x became %x, %v", p.xy, spki, err)
		}
	})
}

// A name of a token means the token that has it, and never one that was not set up.
func FuzzTokenRef(f *testing.F) {
	for _, s := range []string{"qaqpa", "serial:0123", "slot:7", "slot:0x7", "slot:", "serial:", "slot:-1", strings.Repeat("x", 33)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseTokenRef(s)
		if err != nil {
			return
		}
		info := pkcs11.TokenInfo{Label: r.label, SerialNumber: r.serial, Flags: pkcs11.CKF_TOKEN_INITIALIZED}
		if trimmed := strings.TrimRight(r.serial, " \x00"); trimmed == r.serial && !r.names(r.slot, info) {
			t.Errorf("%q does not name its token", s)
		}
		if info.Flags = 0; r.names(r.slot, info) {
			t.Errorf("%q names an empty slot", s)
		}
	})
}
