package hsm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/ThalesIgnite/crypto11"
	"github.com/miekg/pkcs11"
)

// idSize is the length of the random CKA_ID that binds a pair and its certificates, in bytes.
const idSize = 20

// Generate makes a key pair in the token: it signs, does nothing else, and can never leave. The attributes that the
// token gave it are read back; a pair that breaks a rule is destroyed again. The label must be free.
//
// Signing on all tokens of the module pauses while an RSA or ECDSA pair is made, so a serving gateway has its keys made
// by another process. A crash leaves the pair or nothing; an incomplete pair shows in Keys.
//
// Errors: [ErrKeyExists], [ErrKeyAttributes], [ErrAlgorithm] (unknown, or not in the token), [ErrTokenFull],
// [ErrUnavailable], [ErrBusy], [ErrClosed]. After ErrUnavailable the pair may have been made: look before repeating.
func (t *Token) Generate(ctx context.Context, label string, a Algorithm) (*Key, error) {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	var k *Key
	err := t.oneByOne(ctx, func() (err error) {
		k, err = t.generate(ctx, label, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't make key %q: %w", label, err)
	}
	t.cfg.Log.InfoContext(ctx, "key made", "token", t.cfg.Token, "key", label, "algorithm", string(a))
	return k, nil
}

func (t *Token) generate(ctx context.Context, label string, a Algorithm) (*Key, error) {
	g, ok := generators[a]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrAlgorithm, a)
	}
	if err := checkLabel(label); err != nil {
		return nil, err
	}
	if err := t.mayGenerate(ctx, label, g); err != nil {
		return nil, err
	}
	id := make([]byte, idSize)
	_, _ = rand.Read(id) // never fails, crypto/rand ends the process instead
	if err := t.generatePair(ctx, label, id, g); err != nil {
		return nil, err
	}
	k, err := t.Key(ctx, label)
	if err == nil {
		return k, nil
	}
	if errors.Is(err, ErrKeyAmbiguous) { // another process took the label at the same time
		err = fmt.Errorf("%w: %w", ErrKeyExists, err)
	}
	if errors.Is(err, ErrKeyExists) || errors.Is(err, ErrKeyAttributes) || errors.Is(err, ErrAlgorithm) {
		err = errors.Join(err, t.destroy(ctx, id))
	}
	return nil, err
}

// mayGenerate refuses a label that is taken and a mechanism that the token lacks.
func (t *Token) mayGenerate(ctx context.Context, label string, g generator) error {
	return t.call(ctx, func(s session) error {
		if !s.can(g.mechanism) {
			return fmt.Errorf("%w: the token can't make such keys", ErrAlgorithm)
		}
		taken, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return ErrKeyExists
		}
		return nil
	})
}

// generatePair has crypto11 make RSA and ECDSA pairs; Ed25519 and GOST, which it does not know, are made without it, and so are all pairs of a
// module that wants arguments, or refuses what crypto11 asks for.
func (t *Token) generatePair(ctx context.Context, label string, id []byte, g generator) error {
	public, private := pairTemplates(label, id)
	var err error
	switch {
	case g.gost != "" && t.cfg.GOST == nil:
		return fmt.Errorf("%w: %w", ErrAlgorithm, errNoGOST)
	case t.cfg.Arguments != "", g.rsaBits == 0 && g.curve == nil:
		return t.makePair(ctx, public, private, g)
	case g.rsaBits > 0:
		err = t.ceremony(ctx, func(c *crypto11.Context) error {
			_, err := c.GenerateRSAKeyPairWithAttributes(attributeSet(public), attributeSet(private), g.rsaBits)
			return err
		})
	default:
		err = t.ceremony(ctx, func(c *crypto11.Context) error {
			_, err := c.GenerateECDSAKeyPairWithAttributes(attributeSet(public), attributeSet(private), g.curve)
			return err
		})
	}
	if !refusesTemplate(err) {
		return err
	}
	// A TPM gives both halves the usages of one object and refuses a template of which the halves differ. Nothing of ours needs usages
	// of the public half: verification never goes to the token.
	if err := t.destroy(ctx, id); err != nil {
		return err
	}
	return t.makePair(ctx, withoutUsages(public), private, g)
}

// refusesTemplate says that a module dislikes attributes; some say so by CKR_GENERAL_ERROR alone.
func refusesTemplate(err error) bool {
	for _, code := range []uint{
		pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_TEMPLATE_INCONSISTENT, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID,
	} {
		if errors.Is(err, pkcs11.Error(code)) {
			return true
		}
	}
	return false
}

func withoutUsages(template []*pkcs11.Attribute) []*pkcs11.Attribute {
	return slices.DeleteFunc(slices.Clone(template), func(a *pkcs11.Attribute) bool {
		return a.Type == pkcs11.CKA_VERIFY || a.Type == pkcs11.CKA_ENCRYPT
	})
}
