package hsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThalesIgnite/crypto11"
	"github.com/miekg/pkcs11"
)

// ceremonyTimeout bounds what makes or changes objects, when its context does not: an RSA-4096 pair takes some seconds
// in SoftHSM and may take a minute in a smart card.
const ceremonyTimeout = 2 * time.Minute

// oneByOne waits for its turn among those who make or change objects.
func (t *Token) oneByOne(ctx context.Context, change func() error) error {
	select {
	case t.making <- struct{}{}:
	case <-ctx.Done():
		return late(ctx, ErrBusy, "another key or certificate is being made")
	}
	defer func() { <-t.making }()
	return change()
}

// ceremony gives op a crypto11 context on the token, with the library to itself.
//
// crypto11 wants to be the one who initialises and finalises the library, and its contexts never recover from a lost
// session, login or token. So its context lives for one operation: calls in flight end, the library is finalised,
// crypto11 initialises it, logs in, works and finalises it, and afterwards every connection is made anew. Signing
// pauses meanwhile. Nothing of crypto11 is left in the serving path, and no state of it can grow stale.
func (t *Token) ceremony(ctx context.Context, op func(*crypto11.Context) error) error {
	return t.submit(ctx, &job{alone: func(c *conn) error {
		info, err := t.lib.ctx.GetTokenInfo(c.slot)
		if err != nil {
			return typed(fmt.Errorf("couldn't read the token's state: %w", err))
		}
		if err := t.lib.mayLogIn(c.serial, t.cfg.PIN, info.Flags, false); err != nil {
			return err // crypto11 would try the PIN whatever the token says about failed tries
		}
		t.lib.finalise()
		err = t.withCrypto11(c, op)
		return errors.Join(err, t.lib.initialise())
	}})
}

// withCrypto11 runs op on a crypto11 context of its own. The library is not initialised, before and after.
func (t *Token) withCrypto11(c *conn, op func(*crypto11.Context) error) error {
	cfg := &crypto11.Config{
		Path: t.lib.path, TokenSerial: c.serial, Pin: t.cfg.PIN,
		MaxSessions: 2, PoolWaitTimeout: t.cfg.CallTimeout,
	}
	if c.serial == "" { // crypto11 takes one of the three
		ref, err := parseTokenRef(t.cfg.Token)
		if err != nil {
			return err
		}
		if cfg.TokenLabel = ref.label; ref.bySlot {
			slot := int(ref.slot)
			cfg.SlotNumber = &slot
		}
	}
	context11, err := crypto11.Configure(cfg)
	if err != nil {
		err = typed(fmt.Errorf("couldn't open the token for a ceremony: %w", err))
		t.lib.loggedIn(c.serial, t.cfg.PIN, 0, err)
		return err
	}
	defer func() { _ = context11.Close() }() // its error is that the library is finalised, which is what it was to do
	return typed(op(context11))
}

// attributeSet is a template in crypto11's terms.
func attributeSet(template []*pkcs11.Attribute) crypto11.AttributeSet {
	set := make(crypto11.AttributeSet, len(template))
	for _, a := range template {
		set[a.Type] = a
	}
	return set
}

// destroy removes the objects with a CKA_ID from the token: what is left of a pair that must not stay.
func (t *Token) destroy(ctx context.Context, id []byte) error {
	err := t.call(ctx, func(s session) error {
		return s.readWrite(func(s session) error {
			objects, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_ID, id))
			if err != nil {
				return err
			}
			for _, o := range objects {
				if err := s.lib.ctx.DestroyObject(s.handle, o); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_OBJECT_HANDLE_INVALID)) {
					return fmt.Errorf("couldn't destroy an object: %w", err)
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("couldn't remove the pair: %w", err)
	}
	return nil
}
