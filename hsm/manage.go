package hsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// TokenInfo is what a token says of itself.
type TokenInfo struct {
	Label        string   `json:"label"`
	Serial       string   `json:"serial"`
	Manufacturer string   `json:"manufacturer"`
	Model        string   `json:"model"`
	Firmware     string   `json:"firmware"`
	Hardware     string   `json:"hardware"`
	Mechanisms   []string `json:"mechanisms"` // CKM numbers in hexadecimal, as the module lists them
}

// Info asks the token for its description.
//
// Errors: ErrUnavailable, ErrBusy, ErrClosed.
func (t *Token) Info(ctx context.Context) (TokenInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	var out TokenInfo
	err := t.call(ctx, func(s session) error {
		info, err := s.lib.ctx.GetTokenInfo(s.slot)
		if err != nil {
			return fmt.Errorf("couldn't read the token's description: %w", err)
		}
		list, err := s.lib.ctx.GetMechanismList(s.slot)
		if err != nil {
			return fmt.Errorf("couldn't list the mechanisms: %w", err)
		}
		out = TokenInfo{
			Label: info.Label, Serial: info.SerialNumber, Manufacturer: info.ManufacturerID, Model: info.Model,
			Firmware: fmt.Sprintf("%d.%d", info.FirmwareVersion.Major, info.FirmwareVersion.Minor),
			Hardware: fmt.Sprintf("%d.%d", info.HardwareVersion.Major, info.HardwareVersion.Minor),
		}
		for _, m := range list {
			out.Mechanisms = append(out.Mechanisms, fmt.Sprintf("%#x", m.Mechanism))
		}
		return nil
	})
	if err != nil {
		return TokenInfo{}, fmt.Errorf("couldn't describe token %q: %w", t.cfg.Token, err)
	}
	return out, nil
}

// Destroy removes a key pair and its certificates from the token, for good. The key must be the one with the id, so that
// what was approved and what is destroyed cannot differ, whatever became of the label in between. A key that Find refuses for
// its attributes can be destroyed, too.
//
// Errors: [ErrKeyNotFound], [ErrKeyAmbiguous], [ErrKeyChanged] (the label stands for another id), ErrUnavailable, ErrBusy.
func (t *Token) Destroy(ctx context.Context, label string, id []byte) error {
	return t.change(ctx, label, id, "destroyed", func(s session, objects []pkcs11.ObjectHandle) error {
		for _, o := range objects {
			if err := s.lib.ctx.DestroyObject(s.handle, o); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_OBJECT_HANDLE_INVALID)) {
				return fmt.Errorf("couldn't destroy an object: %w", err)
			}
		}
		return nil
	})
}

// Relabel gives a key pair and its certificates another label, which must be free. The id must be that of the key, as in Destroy.
// Nothing that finds keys by label finds this one by its old one any more.
//
// Errors: [ErrKeyExists] (the new label), and those of Destroy.
func (t *Token) Relabel(ctx context.Context, label string, id []byte, to string) error {
	if err := checkLabel(to); err != nil {
		return err
	}
	return t.change(ctx, label, id, "renamed to "+to, func(s session, objects []pkcs11.ObjectHandle) error {
		taken, err := s.search(Ref{Label: to}.template(pkcs11.CKO_PRIVATE_KEY)...)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return fmt.Errorf("%w: %q", ErrKeyExists, to)
		}
		for _, o := range objects {
			if err := s.lib.ctx.SetAttributeValue(s.handle, o, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, to)}); err != nil {
				return fmt.Errorf("couldn't rename an object: %w", err)
			}
		}
		return nil
	})
}

// change does something to all objects of one key, in a session that may change the token.
func (t *Token) change(ctx context.Context, label string, id []byte, what string, do func(session, []pkcs11.ObjectHandle) error) error {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	err := t.oneByOne(ctx, func() error {
		return t.call(ctx, func(s session) error {
			return s.readWrite(func(s session) error {
				objects, err := s.objectsOf(label, id)
				if err != nil {
					return err
				}
				return do(s, objects)
			})
		})
	})
	t.forget(Ref{Label: label})
	if err != nil {
		return fmt.Errorf("key %q was not %s: %w", label, what, err)
	}
	t.cfg.Log.InfoContext(ctx, "key changed", "token", t.cfg.Token, "key", label, "change", what)
	return nil
}

// objectsOf finds the one private key with the label, checks its id, and returns all objects that share the id.
func (s session) objectsOf(label string, id []byte) ([]pkcs11.ObjectHandle, error) {
	if len(id) == 0 {
		return nil, fmt.Errorf("%w: no id was given", ErrKeyChanged)
	}
	keys, err := s.search(Ref{Label: label}.template(pkcs11.CKO_PRIVATE_KEY)...)
	switch {
	case err != nil:
		return nil, err
	case len(keys) == 0:
		return nil, ErrKeyNotFound
	case len(keys) > 1:
		return nil, fmt.Errorf("%w: %d keys", ErrKeyAmbiguous, len(keys))
	}
	values, err := s.values(keys[0], pkcs11.CKA_ID)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(values[pkcs11.CKA_ID], id) {
		return nil, fmt.Errorf("%w: its id is %x, not %x", ErrKeyChanged, values[pkcs11.CKA_ID], id)
	}
	return s.search(pkcs11.NewAttribute(pkcs11.CKA_ID, id))
}
