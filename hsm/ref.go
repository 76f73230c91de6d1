package hsm

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"
)

// Ref names a key in a token: by its label (CKA_LABEL), by its id (CKA_ID), or by both, where one alone is ambiguous.
type Ref struct {
	Label string
	ID    []byte
}

// ParseRef reads what an operator writes: a label, "id:" and hexadecimal digits, or "label;id:…". A label that itself begins
// so cannot be named this way.
func ParseRef(s string) (Ref, error) {
	label, id, both := strings.Cut(s, ";id:")
	if !both {
		if id, both = strings.CutPrefix(s, "id:"); both {
			label = ""
		}
	}
	r := Ref{Label: label}
	if both {
		raw, err := hex.DecodeString(id)
		if err != nil {
			return Ref{}, fmt.Errorf("id %q of a key is not hexadecimal: %w", id, err)
		}
		r.ID = raw
	}
	return r, r.check()
}

// String is what ParseRef reads.
func (r Ref) String() string {
	switch {
	case len(r.ID) == 0:
		return r.Label
	case r.Label == "":
		return "id:" + hex.EncodeToString(r.ID)
	}
	return r.Label + ";id:" + hex.EncodeToString(r.ID)
}

// idMax bounds CKA_ID, in bytes.
const idMax = 128

func (r Ref) check() error {
	if len(r.ID) > idMax {
		return fmt.Errorf("id of a key has %d bytes, at most %d are known", len(r.ID), idMax)
	}
	if r.Label == "" && len(r.ID) > 0 {
		return nil
	}
	return checkLabel(r.Label)
}

// template is what a search for the key asks for.
func (r Ref) template(class uint) []*pkcs11.Attribute {
	t := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class)}
	if r.Label != "" {
		t = append(t, pkcs11.NewAttribute(pkcs11.CKA_LABEL, r.Label))
	}
	if len(r.ID) > 0 {
		t = append(t, pkcs11.NewAttribute(pkcs11.CKA_ID, r.ID))
	}
	return t
}
