package hsm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What the modules read from the environment when they are loaded, once for the whole binary.
var (
	networkSocket = filepath.Join(os.TempDir(), fmt.Sprintf("qaqpa-hsm-%d.sock", os.Getpid()))
	spyLog        = filepath.Join(os.TempDir(), fmt.Sprintf("qaqpa-hsm-%d.calls", os.Getpid()))
)

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.Remove(networkSocket)
	_ = os.Remove(spyLog)
	os.Exit(code)
}
