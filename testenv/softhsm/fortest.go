package softhsm

import (
	"os"
	"sync"
	"testing"
)

// shared is the folder that the running tests of this binary use together: SoftHSM knows one folder per process.
var shared struct {
	sync.Mutex
	users int
	token *Token
}

// ForTest returns a token that this test may share with tests running beside it: keys need labels of their own, and
// the faults belong to tests that use New on a folder of their own and do not run in parallel. The folder is removed
// when the last test that holds it ends; a test closes its hsm.Token before that, best by t.Cleanup after ForTest.
func ForTest(tb testing.TB) *Token {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		dir, err := os.MkdirTemp("", "qaqpa-softhsm-") //nolint:usetesting // outlives the test that makes it
		if err != nil {
			tb.Fatalf("couldn't make a token folder: %v", err)
		}
		token, err := New(dir)
		if err != nil {
			_ = os.RemoveAll(dir)
			tb.Fatalf("couldn't make a SoftHSM token: %v", err)
		}
		shared.token = token
	}
	shared.users++
	tb.Cleanup(release)
	copied := *shared.token
	return &copied
}

func release() {
	shared.Lock()
	defer shared.Unlock()
	if shared.users--; shared.users == 0 {
		_ = os.RemoveAll(shared.token.Dir)
	}
}
