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

// native signs in one crossing into C. miekg's SignInit and Sign make two, and its Sign asks for the length first,
// which on a network HSM is a third round trip. Everything else goes through miekg.
type native struct{ list *C.struct_ck_function_list }

// loadNative opens the library at path, which stays loaded: some modules do not survive dlclose.
func loadNative(path string) (native, error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	var message *C.char
	list := C.qaqpa_load(cpath, &message)
	if list == nil {
		defer C.free(unsafe.Pointer(message))
		return native{}, fmt.Errorf("%w: couldn't load %s: %s", ErrModule, path, C.GoString(message))
	}
	return native{list: list}, nil
}

// sign writes a signature of data to sig and returns its length. The session must be the caller's alone. data and sig
// are not empty; sig is as large as the key's signature.
func (n native) sign(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, m mechanism, data, sig []byte) (int, error) {
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
