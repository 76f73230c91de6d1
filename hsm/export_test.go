package hsm

import (
	"path/filepath"
	"testing"
)

// Beside lets a test use a loaded module as another program in the process would, while this package does not finalise the library under its
// calls; Alone also keeps every call of this package out. PKCS#11 modules do not survive C_Finalize, or the end of a session, during a call in
// it: what a test does without these may end the test binary.
func Beside(tb testing.TB, module string, do func()) {
	tb.Helper()
	lib := loaded(tb, module)
	lib.gate.enter(nil)
	defer lib.gate.leave()
	do()
}

// Alone is stricter than Beside. Within do no call may be made by way of this package.
func Alone(tb testing.TB, module string, do func()) {
	tb.Helper()
	lib := loaded(tb, module)
	lib.gate.close(nil)
	defer lib.gate.open()
	do()
}

func loaded(tb testing.TB, module string) *library {
	tb.Helper()
	path, err := filepath.EvalSymlinks(module)
	if err != nil {
		tb.Fatal(err)
	}
	libraries.Lock()
	defer libraries.Unlock()
	lib := libraries.byPath[path]
	if lib == nil {
		tb.Fatalf("nobody has loaded %s", module)
	}
	return lib
}
