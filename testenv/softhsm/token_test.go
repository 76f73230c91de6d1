package softhsm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listed says which token labels a process with this folder sees.
func listed(t *testing.T, token *Token) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "softhsm2-util", "--show-slots")
	cmd.Env = append(os.Environ(), token.Env())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var labels []string
	for line := range strings.Lines(string(out)) {
		if _, label, ok := strings.Cut(line, "Label:"); ok && strings.TrimSpace(label) != "" {
			labels = append(labels, strings.TrimSpace(label))
		}
	}
	return labels
}

func mustList(t *testing.T, token *Token, want ...string) {
	t.Helper()
	got := listed(t, token)
	for _, label := range want {
		if !strings.Contains(strings.Join(got, "\n"), label) {
			t.Errorf("token %q is not there: %q", label, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("tokens are %q, want %q", got, want)
	}
}

func TestFolderKeepsItsTokens(t *testing.T) {
	dir := t.TempDir()
	first, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Another("second"); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("SOFTHSM2_CONF") != filepath.Join(dir, "softhsm2.conf") {
		t.Errorf("SOFTHSM2_CONF is %q", os.Getenv("SOFTHSM2_CONF"))
	}
	again, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if *again != *first {
		t.Errorf("the folder gave %+v, then %+v", first, again)
	}
	mustList(t, again, "qaqpa", "second")

	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := New(moved)
	if err != nil {
		t.Fatal(err)
	}
	if elsewhere.PIN != first.PIN || elsewhere.Label != first.Label {
		t.Error("a folder that was moved gave another token")
	}
	mustList(t, elsewhere, "qaqpa", "second")
	if _, err := elsewhere.Another("../escape"); err == nil {
		t.Error("a label that leads out of the folder was accepted")
	}
}

// A process that died between making a token and recording it leaves one that nobody can log in to.
func TestHalfMadeTokenIsMadeAgain(t *testing.T) {
	token, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(token.Dir, "token-qaqpa.json")); err != nil {
		t.Fatal(err)
	}
	again, err := New(token.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if again.PIN == token.PIN {
		t.Error("the PIN of a token without a record came back")
	}
	mustList(t, again, "qaqpa")
	if err := os.WriteFile(filepath.Join(token.Dir, "token-qaqpa.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(token.Dir); err == nil {
		t.Error("a damaged record was accepted")
	}
}

func TestFaults(t *testing.T) {
	token, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Restore(); err == nil {
		t.Error("a token that is there was restored")
	}
	for range 2 {
		if err := token.Remove(); err != nil {
			t.Fatal(err)
		}
		mustList(t, token)
		if err := token.Remove(); err == nil {
			t.Error("a token that is gone was removed")
		}
		if err := token.Restore(); err != nil {
			t.Fatal(err)
		}
		mustList(t, token, "qaqpa")
	}
	if err := token.Reinitialise(); err != nil {
		t.Fatal(err)
	}
	mustList(t, token, "qaqpa")
	if err := token.Twin(); err != nil {
		t.Fatal(err)
	}
	mustList(t, token, "qaqpa", "qaqpa")
}

func TestForTestIsShared(t *testing.T) {
	var dir string
	t.Run("group", func(t *testing.T) {
		a, b := ForTest(t), ForTest(t)
		dir = a.Dir
		if *a != *b || a == b {
			t.Error("two holders of one token get copies of one value")
		}
		mustList(t, a, a.Label)
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left over: %v", err)
	}
}

func TestReplica(t *testing.T) {
	token, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	twin, err := token.Replica("second")
	if err != nil {
		t.Fatal(err)
	}
	mustList(t, twin, "qaqpa", "second")
	if _, err := token.Replica("../escape"); err == nil {
		t.Error("a label that leads out of the folder was accepted")
	}
}
