//go:build !release

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"qaqpa/api/sandbox"
)

// asProgram makes the test binary be the program itself, so that tests start the gateway as a process that they can kill.
const asProgram = "QAQPA_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if target := os.Getenv(asLoad); target != "" {
		if err := runLoad(target); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// newTestWorld starts a gateway with everything around it in a folder of the test.
func newTestWorld(t *testing.T) *world {
	t.Helper()
	home, err := os.MkdirTemp("", "qaqpa-world-") //nolint:usetesting // PostgreSQL's user cannot enter t.TempDir, and a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(home, 0o755); err != nil { // PostgreSQL's user has to pass through
		t.Fatal(err)
	}
	w, err := newWorld(t.Context(), worldConfig{
		home: home, self: []string{os.Args[0]}, env: []string{asProgram + "=1"}, listen: "127.0.0.1:0", adminListen: "127.0.0.1:0",
		say: &narrator{w: io.Discard, quiet: true}, logs: filepath.Join(home, "gateway.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
		if t.Failed() { // with how the gateway ended
			showLog(t, w.logs)
		}
	})
	return w
}

const logShownMax = 8 << 10

// showLog prints the end of the gateway's log.
func showLog(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path) // the test's own file
	if err != nil {
		t.Log(err)
		return
	}
	t.Logf("end of the gateway's log:\n%s", b[max(0, len(b)-logShownMax):])
}

func newStory(w *world) *story {
	return &story{
		world: w, portal: client{w, "portal", w.keys["portal"]}, agencyClient: client{w, "agency", w.keys["agency"]}, anyone: client{w, "anyone", ""},
	}
}

// TestStory tells the demonstration's story; every step of it checks what it shows.
func TestStory(t *testing.T) {
	if err := tell(t.Context(), newTestWorld(t), &narrator{w: io.Discard, quiet: true}, t.TempDir()); err != nil {
		t.Fatal(err)
	}
}

// TestSecondStartFindsTheData stops everything and starts it again in the same folder, as `make run` does.
func TestSecondStartFindsTheData(t *testing.T) {
	first := newTestWorld(t)
	s := newStory(first)
	debt, err := s.publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.openSandbox(t.Context(), &narrator{w: io.Discard}); err != nil {
		t.Fatal(err)
	}
	if file, err := os.ReadFile(first.sandboxFile()); err != nil {
		t.Error(err)
	} else if _, err := sandbox.Read(file); err != nil {
		t.Error(err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	second, err := newWorld(t.Context(), first.worldConfig)
	if err != nil {
		t.Fatal(err)
	}
	*first = *second // the cleanup closes what runs now
	if _, err := newStory(first).pay(t.Context(), debt); err != nil {
		t.Fatal(err)
	}
	registersAreSealed(t, first) // here something is paid, and a world takes its time
}
