package hsm

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/miekg/pkcs11"
)

// conn is one epoch of a token: what was learnt about it after one initialisation and login. All handles belong to the
// conn that they were got on and are never used on another one.
type conn struct {
	lib        *library
	generation uint64
	slot       uint
	serial     string
	anchor     pkcs11.SessionHandle // keeps the login while workers open and close theirs
	sessions   int                  // how many sessions the token allows beside the anchor
	mechanisms map[uint]bool
	proven     atomic.Bool // a call has succeeded on it
	afresh     bool        // the library was initialised anew for it
}

// can says whether the token has the mechanism. Modules differ, so nothing is assumed.
func (c *conn) can(mechanism uint) bool { return c.mechanisms[mechanism] }

// connect finds the token by its name, logs in and reads what it can do. gone ends the wait for the library only: a
// call in C can't be cancelled.
func (l *library) connect(gone <-chan struct{}, name, pin string) (*conn, error) {
	if !l.gate.enter(gone) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, errOvertaken)
	}
	defer l.gate.leave()
	c := &conn{lib: l, generation: l.current.Load()}
	slot, info, err := l.findToken(name)
	if err != nil {
		return nil, err
	}
	c.slot, c.serial = slot, info.SerialNumber
	c.anchor, err = l.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, typed(fmt.Errorf("couldn't open a session: %w", err))
	}
	if err := l.login(c, info.Flags, pin); err != nil {
		_ = l.ctx.CloseSession(c.anchor)
		return nil, err
	}
	c.sessions = maxSessions
	if n := info.MaxSessionCount; n != pkcs11.CK_EFFECTIVELY_INFINITE && n != pkcs11.CK_UNAVAILABLE_INFORMATION && n <= maxSessions {
		c.sessions = max(1, int(n)-1)
	}
	list, err := l.ctx.GetMechanismList(slot)
	if err != nil {
		_ = l.ctx.CloseSession(c.anchor)
		return nil, typed(fmt.Errorf("couldn't list the mechanisms: %w", err))
	}
	c.mechanisms = make(map[uint]bool, len(list))
	for _, m := range list {
		c.mechanisms[m.Mechanism] = true
	}
	return c, nil
}

// findToken looks through all slots for the one initialised token with the name.
func (l *library) findToken(name string) (uint, pkcs11.TokenInfo, error) {
	ref, err := parseTokenRef(name)
	if err != nil {
		return 0, pkcs11.TokenInfo{}, fmt.Errorf("%w: %w", ErrTokenNotFound, err)
	}
	slots, err := l.ctx.GetSlotList(true)
	if err != nil {
		return 0, pkcs11.TokenInfo{}, typed(fmt.Errorf("couldn't list the slots: %w", err))
	}
	var (
		found pkcs11.TokenInfo
		where uint
		count int
		other error
	)
	for _, slot := range slots {
		info, err := l.ctx.GetTokenInfo(slot)
		if err != nil {
			other = err // one bad reader must not hide the tokens in the others
			continue
		}
		if ref.names(slot, info) {
			found, where, count = info, slot, count+1
		}
	}
	switch {
	case count > 1:
		return 0, found, fmt.Errorf("%w: %q, %d times", ErrTokenAmbiguous, name, count)
	case count == 0 && other != nil:
		return 0, found, fmt.Errorf("%w: %q; a slot could not be read: %w", ErrTokenNotFound, name, other)
	case count == 0:
		return 0, found, fmt.Errorf("%w: %q", ErrTokenNotFound, name)
	}
	return where, found, nil
}

// login logs the process in to the token, once: PKCS#11 keeps the login per process and token. No PIN is tried that
// was refused before, and none when the next failure would lock it.
func (l *library) login(c *conn, flags uint, pin string) error {
	if flags&pkcs11.CKF_LOGIN_REQUIRED == 0 {
		return nil
	}
	state, err := l.ctx.GetSessionInfo(c.anchor)
	if err != nil {
		return typed(fmt.Errorf("couldn't read the session's state: %w", err))
	}
	already := state.State == pkcs11.CKS_RO_USER_FUNCTIONS || state.State == pkcs11.CKS_RW_USER_FUNCTIONS
	if err := l.mayLogIn(c.serial, pin, flags, already); err != nil || already {
		return err
	}
	err = l.ctx.Login(c.anchor, pkcs11.CKU_USER, pin)
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return nil // another Token of this process was faster
	}
	if err != nil {
		err = typed(fmt.Errorf("couldn't log in: %w", err))
	}
	after, _ := l.ctx.GetTokenInfo(c.slot) // without the flags a refusal counts for good
	l.loggedIn(c.serial, pin, after.Flags, err)
	return err
}
