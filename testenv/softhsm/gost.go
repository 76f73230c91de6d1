package softhsm

import (
	"fmt"
	"os"
	"path/filepath"
)

// GOST is a PKCS#11 module around SoftHSM's that has keys of GOST R 34.10-2012, too, of 256 and 512 bits. SoftHSM of Debian has none, nor has any
// other module there. OpenSSL's GOST engine does the arithmetic, which shares nothing with ours.
type GOST struct {
	Module string // path of the module
}

// NewGOST compiles the module into dir. It needs the headers of OpenSSL (libssl-dev) and its GOST engine (libengine-gost-openssl).
func NewGOST(dir string) (*GOST, error) {
	module, err := ModulePath()
	if err != nil {
		return nil, err
	}
	g := &GOST{Module: filepath.Join(dir, "gost.so")}
	if err := compile("gost.c", g.Module, "-shared", "-fPIC", "-pthread", "-lcrypto"); err != nil {
		return nil, err
	}
	return g, g.write("module", module)
}

// Ways in which tokens differ from SoftHSM with GOST; they add up.
const (
	OrderExchanged = 1 // signatures are r‖s
	OrderReversed  = 2 // the octets of signatures come from their other end
	OrderDigest    = 4 // digests are read from their other end
	OrderWrong     = 8 // signatures are wrong
)

// Order has the token write and read octets in another order, from the next signature on.
func (g *GOST) Order(how int) error { return g.write("order", fmt.Sprint(how)) }

func (g *GOST) write(what, text string) error {
	if err := os.WriteFile(g.Module+"."+what, []byte(text), 0o600); err != nil {
		return fmt.Errorf("couldn't tell the module its %s: %w", what, err)
	}
	return nil
}
