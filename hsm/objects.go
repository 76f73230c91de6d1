package hsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/miekg/pkcs11"
)

// objectsMax bounds one search. A token with more objects than this is not one that a gateway signs with.
const objectsMax = 100_000

// search returns the handles of the objects that match all attributes.
func (s session) search(attributes ...*pkcs11.Attribute) (found []pkcs11.ObjectHandle, err error) {
	if err := s.lib.ctx.FindObjectsInit(s.handle, attributes); err != nil {
		return nil, fmt.Errorf("couldn't start a search: %w", err)
	}
	defer func() { // an unfinished search would make the session useless
		if final := s.lib.ctx.FindObjectsFinal(s.handle); err == nil && final != nil {
			err = fmt.Errorf("couldn't end a search: %w", final)
		}
	}()
	for len(found) < objectsMax {
		some, _, err := s.lib.ctx.FindObjects(s.handle, 100)
		if err != nil {
			return nil, fmt.Errorf("couldn't search: %w", err)
		}
		if len(some) == 0 {
			return found, nil
		}
		found = append(found, some...)
	}
	return nil, fmt.Errorf("more than %d objects match", objectsMax)
}

// values reads attributes of an object. One that the object does not have, or that the module does not know, is
// absent from the result; a sensitive one is never asked for.
func (s session) values(object pkcs11.ObjectHandle, types ...uint) (map[uint][]byte, error) {
	ask := make([]*pkcs11.Attribute, len(types))
	for i, t := range types {
		ask[i] = &pkcs11.Attribute{Type: t}
	}
	got, err := s.lib.ctx.GetAttributeValue(s.handle, object, ask)
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_TYPE_INVALID)) && len(types) > 1 {
		return s.valuesOneByOne(object, types) // one unknown type spoils the answer for all
	}
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_TYPE_INVALID)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read attributes: %w", err)
	}
	values := make(map[uint][]byte, len(got))
	for _, a := range got {
		if a.Value != nil {
			values[a.Type] = a.Value
		}
	}
	return values, nil
}

func (s session) valuesOneByOne(object pkcs11.ObjectHandle, types []uint) (map[uint][]byte, error) {
	all := make(map[uint][]byte, len(types))
	for _, t := range types {
		one, err := s.values(object, t)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, one)
	}
	return all, nil
}

// number decodes a CK_ULONG; absent or malformed is not ok.
func number(value []byte) (uint, bool) {
	if len(value) != 8 {
		return 0, false
	}
	return uint(binary.NativeEndian.Uint64(value)), true
}

// readWrite runs do in a session that may change the token.
func (s session) readWrite(do func(session) error) error {
	handle, err := s.lib.ctx.OpenSession(s.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return fmt.Errorf("couldn't open a session for writing: %w", err)
	}
	defer func() { _ = s.lib.ctx.CloseSession(handle) }()
	return do(session{conn: s.conn, handle: handle})
}

// check says whether the session is logged in and its token is still the one that was opened under the name.
func (s session) check(name string) error {
	ref, err := parseTokenRef(name)
	if err != nil {
		return err
	}
	info, err := s.lib.ctx.GetSessionInfo(s.handle)
	if err != nil {
		return fmt.Errorf("couldn't read the session's state: %w", err)
	}
	token, err := s.lib.ctx.GetTokenInfo(s.slot)
	if err != nil {
		return fmt.Errorf("couldn't read the token's state: %w", err)
	}
	if !ref.names(s.slot, token) || token.SerialNumber != s.serial {
		return fmt.Errorf("slot %d has another token: %w", s.slot, errStale)
	}
	if token.Flags&pkcs11.CKF_LOGIN_REQUIRED != 0 && info.State != pkcs11.CKS_RO_USER_FUNCTIONS && info.State != pkcs11.CKS_RW_USER_FUNCTIONS {
		return fmt.Errorf("the login is lost: %w", pkcs11.Error(pkcs11.CKR_USER_NOT_LOGGED_IN))
	}
	return nil
}
