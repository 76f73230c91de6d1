package hsm_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"qaqpa/hsm"
)

// What the modules read from the environment when they are loaded, once for the whole binary.
var (
	networkSocket = filepath.Join(os.TempDir(), fmt.Sprintf("qaqpa-hsm-%d.sock", os.Getpid()))
	spyLog        = filepath.Join(os.TempDir(), fmt.Sprintf("qaqpa-hsm-%d.calls", os.Getpid()))
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "hsm-worker" { // the test binary is its own worker process
		if err := hsm.RunWorker(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	_ = os.Remove(networkSocket)
	_ = os.Remove(spyLog)
	os.Exit(code)
}
