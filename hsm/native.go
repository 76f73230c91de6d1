package hsm

/*
#cgo LDFLAGS: -ldl
#cgo noescape qaqpa_sign
#cgo nocallback qaqpa_sign
#cgo noescape qaqpa_gcm
#cgo nocallback qaqpa_gcm
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// reservedOf is a C string that is never freed; nil for no arguments.
func reservedOf(arguments string) unsafe.Pointer {
	if arguments == "" {
		return nil
	}
	return unsafe.Pointer(C.CString(arguments))
}

// sign makes a signature of data in one session, which must be the caller's alone. size is the length of a signature
// of the key; data is not empty.
func (l *library) sign(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, m mechanism, data []byte, size int) ([]byte, error) {
	if l.native != nil {
		signature := make([]byte, size)
		n, err := l.native.sign(session, key, m, data, signature)
		return signature[:n], err
	}
	if err := l.ctx.SignInit(session, []*pkcs11.Mechanism{{Mechanism: m.id, Parameter: m.parameter}}, key); err != nil {
		return nil, err
	}
	return l.ctx.Sign(session, data)
}

// native signs in one crossing into C. miekg's SignInit and Sign make two, and its Sign asks for the length first,
// which on a network HSM is a third round trip. Everything else goes through miekg.
type native struct{ list *C.struct_ck_function_list }

// loadNative opens the library at path, which stays loaded: some modules do not survive dlclose. It returns nil for a
// module whose sessions belong to the function list they were opened by, as ours is not miekg's.
func loadNative(path string) (*native, error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	var (
		message *C.char
		shared  C.int
	)
	list := C.qaqpa_load(cpath, &shared, &message)
	if list == nil {
		defer C.free(unsafe.Pointer(message))
		return nil, fmt.Errorf("%w: couldn't load %s: %s", ErrModule, path, C.GoString(message))
	}
	if shared == 0 {
		return nil, nil
	}
	return &native{list: list}, nil
}

// sign writes a signature of data to sig and returns its length.
func (n *native) sign(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, m mechanism, data, sig []byte) (int, error) {
	size := C.ck_ulong(len(sig))
	rv := C.qaqpa_sign(n.list, C.ck_ulong(session), C.ck_ulong(key), C.ck_ulong(m.id),
		unsafe.Pointer(unsafe.SliceData(m.parameter)), C.ck_ulong(len(m.parameter)),
		unsafe.Pointer(unsafe.SliceData(data)), C.ck_ulong(len(data)),
		unsafe.Pointer(unsafe.SliceData(sig)), &size)
	if rv != 0 {
		return 0, pkcs11.Error(rv)
	}
	if int(size) > len(sig) { // a module that lies about the length must not make us slice beyond the buffer
		return 0, pkcs11.Error(pkcs11.CKR_GENERAL_ERROR)
	}
	return int(size), nil
}

// gcm does one AES-GCM operation in one session. A module whose sessions are not shared with our list is asked through miekg.
func (l *library) gcm(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, g gcm) ([]byte, error) {
	if l.native == nil {
		params := pkcs11.NewGCMParams(g.iv, g.aad, 8*gcmTag)
		defer params.Free()
		m := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}
		if g.decrypt {
			if err := l.ctx.DecryptInit(session, m, key); err != nil {
				return nil, err
			}
			out, err := l.ctx.Decrypt(session, g.in)
			return out, g.refused(err)
		}
		if err := l.ctx.EncryptInit(session, m, key); err != nil {
			return nil, err
		}
		return l.ctx.Encrypt(session, g.in)
	}
	out := make([]byte, len(g.in)+gcmTag) // SoftHSM wants room for the tag when it decrypts, too
	size := C.ck_ulong(len(out))
	decrypt := C.int(0)
	if g.decrypt {
		decrypt = 1
	}
	rv := C.qaqpa_gcm(l.native.list, C.ck_ulong(session), C.ck_ulong(key), decrypt, unsafe.Pointer(unsafe.SliceData(g.iv)),
		unsafe.Pointer(unsafe.SliceData(g.aad)), C.ck_ulong(len(g.aad)),
		unsafe.Pointer(unsafe.SliceData(g.in)), C.ck_ulong(len(g.in)), unsafe.Pointer(unsafe.SliceData(out)), &size)
	if rv != 0 && size == 0 {
		return nil, pkcs11.Error(rv)
	}
	if rv != 0 {
		return nil, g.refused(pkcs11.Error(rv))
	}
	if int(size) > len(out) {
		return nil, pkcs11.Error(pkcs11.CKR_GENERAL_ERROR)
	}
	return out[:size], nil
}
