package hsm

/*
#cgo LDFLAGS: -ldl
#cgo noescape qaqpa_sign
#cgo nocallback qaqpa_sign
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/miekg/pkcs11"
)

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
