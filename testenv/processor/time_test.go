package processor_test

import (
	"bufio"
	"os/exec"
	"testing"
	"time"

	"qaqpa/testenv/processor"
)

// TestTimes: a child's work is its own, and is told apart from ours; so is that of its child, also when that has ended.
func TestTimes(t *testing.T) {
	const work = 50 * time.Millisecond
	before, err := processor.Own()
	if err != nil {
		t.Fatal(err)
	}
	for begin, now := time.Now(), before; now < before+work; {
		if now, err = processor.Own(); err != nil || time.Since(begin) > time.Minute {
			t.Fatalf("%v of processor time after a minute of work: %v", now-before, err)
		}
	}
	// The inner shell ends and is waited for before the outer one, which goes on, says so.
	child := exec.CommandContext(t.Context(), "sh", "-c", `sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'; echo done; read wait`, "counted-here")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Skipf("no shell: %v", err)
	}
	defer func() { _, _ = in.Close(), child.Wait() }()
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the child says nothing")
	}
	if got, err := processor.Children("counted-here"); err != nil || got < 20*time.Millisecond {
		t.Errorf("children: %v, %v", got, err)
	}
	if got, err := processor.Children("named otherwise"); err != nil || got != 0 {
		t.Errorf("no children: %v, %v", got, err)
	}
}
