package hsm

import (
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// InitToken sets up a token under a label, with a security officer's PIN and a user's PIN, in the first slot whose
// token was never initialised. A token that was is never touched. The call is bounded by nothing but the module.
//
// Errors: [ErrModule], [ErrTokenExists], [ErrTokenNotFound] (no slot has a fresh token), [ErrWrongPIN] (the token
// dislikes a PIN's length or characters).
func InitToken(module, label, soPIN, pin string) error {
	_, err := Config{Module: module, Token: label, PIN: pin}.withDefaults()
	if err == nil && soPIN == "" {
		err = errors.New("security officer's PIN is empty")
	}
	if err = errors.Join(err, checkNewTokenLabel(label)); err != nil {
		return fmt.Errorf("couldn't set up token %q: %w", label, err)
	}
	lib, err := acquire(module, "")
	if err != nil {
		return fmt.Errorf("couldn't set up token %q: %w", label, err)
	}
	defer lib.release()
	if err := lib.ready(nil); err != nil {
		return fmt.Errorf("couldn't set up token %q: %w", label, err)
	}
	lib.gate.enter(nil)
	defer lib.gate.leave()
	if err := lib.initToken(label, soPIN, pin); err != nil {
		return fmt.Errorf("couldn't set up token %q: %w", label, err)
	}
	return nil
}

func (l *library) initToken(label, soPIN, pin string) error {
	if _, _, err := l.findToken(label); err == nil || errors.Is(err, ErrTokenAmbiguous) {
		return ErrTokenExists
	}
	slot, err := l.freshSlot()
	if err != nil {
		return err
	}
	if err := l.ctx.InitToken(slot, soPIN, label); err != nil {
		return typed(fmt.Errorf("couldn't initialise it: %w", err))
	}
	slot, _, err = l.findToken(label) // its slot has another number now
	if err != nil {
		return err
	}
	session, err := l.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return typed(fmt.Errorf("couldn't open a session: %w", err))
	}
	defer func() { _ = l.ctx.CloseSession(session) }() // logs the officer out too
	if err := l.ctx.Login(session, pkcs11.CKU_SO, soPIN); err != nil {
		return typed(fmt.Errorf("couldn't log in as security officer: %w", err))
	}
	if err := l.ctx.InitPIN(session, pin); err != nil {
		return typed(fmt.Errorf("couldn't set the user's PIN: %w", err))
	}
	return nil
}

// freshSlot finds a token that was never initialised.
func (l *library) freshSlot() (uint, error) {
	slots, err := l.ctx.GetSlotList(true)
	if err != nil {
		return 0, typed(fmt.Errorf("couldn't list the slots: %w", err))
	}
	for _, slot := range slots {
		info, err := l.ctx.GetTokenInfo(slot)
		if err == nil && info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("%w: no fresh one", ErrTokenNotFound)
}
