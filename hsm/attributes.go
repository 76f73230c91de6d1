package hsm

import (
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"
)

// rule is what a boolean attribute of a private key must be.
type rule struct {
	attribute uint
	name      string
	want      bool
	strict    bool // absent counts as wrong
}

// rules make a private key one that signs and does nothing else, that cannot leave the token, and that never could.
// Usages that the module does not know cannot be had, so those may be absent.
var rules = []rule{
	{pkcs11.CKA_TOKEN, "CKA_TOKEN", true, true},
	{pkcs11.CKA_PRIVATE, "CKA_PRIVATE", true, true},
	{pkcs11.CKA_SENSITIVE, "CKA_SENSITIVE", true, true},
	{pkcs11.CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true, true},
	{pkcs11.CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false, true},
	{pkcs11.CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true, true},
	{pkcs11.CKA_SIGN, "CKA_SIGN", true, true},
	{pkcs11.CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", false, false},
	{pkcs11.CKA_DECRYPT, "CKA_DECRYPT", false, false},
	{pkcs11.CKA_UNWRAP, "CKA_UNWRAP", false, false},
	{pkcs11.CKA_DERIVE, "CKA_DERIVE", false, false},
}

// checkRules names every rule that the attributes of a private key break.
func checkRules(values map[uint][]byte) error { return checkAll(rules, values) }

func checkAll(rules []rule, values map[uint][]byte) error {
	var broken []string
	for _, r := range rules {
		value, ok := values[r.attribute]
		switch {
		case !ok && r.strict:
			broken = append(broken, r.name+" absent")
		case ok && (len(value) != 1 || (value[0] != 0) != r.want):
			broken = append(broken, fmt.Sprintf("%s is not %t", r.name, r.want))
		}
	}
	if broken != nil {
		return fmt.Errorf("%w: %s", ErrKeyAttributes, strings.Join(broken, ", "))
	}
	return nil
}

// attributesToRead are what describes a private key; none is sensitive.
func attributesToRead() []uint {
	types := []uint{pkcs11.CKA_KEY_TYPE, pkcs11.CKA_ID, pkcs11.CKA_LABEL}
	for _, r := range rules {
		types = append(types, r.attribute)
	}
	return types
}

// pairTemplates are the attributes of a new pair, in terms of the rules. What follows from being made in the token
// (always sensitive, never extractable) is not asked for but checked afterwards.
func pairTemplates(label string, id []byte) (public, private []*pkcs11.Attribute) {
	public = []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, id),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false),
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY_RECOVER, false),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, false),
	}
	private = []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	}
	for _, r := range rules {
		if r.attribute != pkcs11.CKA_ALWAYS_SENSITIVE && r.attribute != pkcs11.CKA_NEVER_EXTRACTABLE {
			private = append(private, pkcs11.NewAttribute(r.attribute, r.want))
		}
	}
	return public, private
}
