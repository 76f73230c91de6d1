package hsm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/pkcs11"
)

// tokenRef is how Config.Token names a token.
type tokenRef struct {
	label, serial string
	slot          uint
	bySlot        bool
}

// Lengths of CK_TOKEN_INFO.label and .serialNumber, in bytes.
const (
	tokenLabelMax  = 32
	tokenSerialMax = 16
)

// parseTokenRef reads a label, "serial:" and a serial number, or "slot:" and the number of a slot, decimal or with 0x. A label that
// itself begins so cannot be named.
func parseTokenRef(s string) (r tokenRef, err error) {
	if serial, ok := strings.CutPrefix(s, "serial:"); ok {
		if serial == "" || len(serial) > tokenSerialMax {
			return r, fmt.Errorf("serial number of a token must have 1 to %d bytes", tokenSerialMax)
		}
		return tokenRef{serial: serial}, nil
	}
	if number, ok := strings.CutPrefix(s, "slot:"); ok {
		n, err := strconv.ParseUint(number, 0, strconv.IntSize)
		if err != nil {
			return r, fmt.Errorf("couldn't read the number of the slot: %w", err)
		}
		return tokenRef{slot: uint(n), bySlot: true}, nil
	}
	if s == "" || len(s) > tokenLabelMax {
		return r, fmt.Errorf("token label must have 1 to %d bytes", tokenLabelMax)
	}
	return tokenRef{label: s}, nil
}

// names says whether the token in a slot is meant.
func (r tokenRef) names(slot uint, info pkcs11.TokenInfo) bool {
	switch {
	case info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0:
		return false // a number may name an empty slot, which nobody can log in to
	case r.bySlot:
		return slot == r.slot
	case r.serial != "":
		return strings.TrimRight(info.SerialNumber, " \x00") == r.serial
	}
	return info.Label == r.label
}

// errTokenLabel refuses to set up a token by anything but a label: it has no other name yet.
var errTokenLabel = errors.New("a new token is named by a label, not by serial: or slot: and a number")

func checkNewTokenLabel(label string) error {
	if r, err := parseTokenRef(label); err != nil || r.label == "" {
		return errors.Join(errTokenLabel, err)
	}
	return nil
}
