// Command totals runs `go test -json` with the given arguments, shows a line per package, everything that a failed
// test printed and the reason of every skipped one, and closes with the totals.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	os.Exit(run(args, os.Stdout, os.Stderr))
}

// run executes the tests and returns the exit code of the run: 0 only when every test passed and there was one.
func run(args []string, stdout, stderr io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Fprintln(stderr, "couldn't read from go test:", err)
		return 1
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(stderr, "couldn't start go test:", err)
		return 1
	}
	t := newTally(stdout)
	t.read(out)
	failed := cmd.Wait()
	t.close()
	var exit *exec.ExitError
	if failed != nil && !errors.As(failed, &exit) {
		fmt.Fprintln(stderr, "go test did not end well:", failed)
	}
	if failed != nil || t.count["fail"] > 0 || t.count["pass"] == 0 {
		return 1
	}
	return 0
}

// event is one line of `go test -json` (cmd/test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// tally counts tests (subtests included) and keeps the output of each until its end is known.
type tally struct {
	w       io.Writer
	output  map[string][]string
	count   map[string]int
	skipped []string
	failed  []string
}

func newTally(w io.Writer) *tally {
	return &tally{w: w, output: map[string][]string{}, count: map[string]int{}}
}

func (t *tally) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(t.w, lines.Text())
			continue
		}
		t.take(e)
	}
}

func (t *tally) take(e event) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
	case "build-output":
		fmt.Fprint(t.w, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e, key)
		} else {
			t.endTest(e, key)
		}
		delete(t.output, key)
	}
}

func (t *tally) endTest(e event, key string) {
	t.count[e.Action]++
	switch e.Action {
	case "fail":
		t.failed = append(t.failed, e.Package+" "+e.Test)
		fmt.Fprint(t.w, strings.Join(t.output[key], ""))
	case "skip":
		t.skipped = append(t.skipped, e.Package+" "+e.Test+": "+reason(t.output[key]))
	}
}

func (t *tally) endPackage(e event, key string) {
	if e.Action == "fail" {
		fmt.Fprint(t.w, strings.Join(t.output[key], ""))
		t.endUnfinished(e.Package)
	}
	if e.Action != "skip" {
		fmt.Fprintf(t.w, "%s\t%s\t%.1fs\n", map[string]string{"pass": "ok", "fail": "FAIL"}[e.Action], e.Package, e.Elapsed)
	}
}

// unfinishedLines is how much is shown of a test that never ended: what it said, and the beginning of the stacks when time ran out.
const unfinishedLines = 200

// endUnfinished counts the tests as failed that had begun in a package and did not end: time ran out, or the process died with them.
func (t *tally) endUnfinished(pkg string) {
	var begun []string
	for key := range t.output {
		if of, test, _ := strings.Cut(key, "\x00"); of == pkg && test != "" {
			begun = append(begun, key)
		}
	}
	sort.Strings(begun)
	for _, key := range begun {
		lines := t.output[key]
		fmt.Fprint(t.w, strings.Join(lines[:min(len(lines), unfinishedLines)], ""))
		t.count["fail"]++
		t.failed = append(t.failed, strings.Replace(key, "\x00", " ", 1)+" (did not end)")
		delete(t.output, key)
	}
}

// reason is what a skipped test said, without the runner's own lines.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

func (t *tally) close() {
	sort.Strings(t.skipped)
	for _, s := range t.skipped {
		fmt.Fprintln(t.w, "skipped:", s)
	}
	for _, s := range t.failed {
		fmt.Fprintln(t.w, "failed:", s)
	}
	fmt.Fprintf(t.w, "%d passed, %d failed, %d skipped\n", t.count["pass"], t.count["fail"], t.count["skip"])
}
