//go:build !release

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asLoad makes the test binary be a client that asks for validations as fast as it gets them: a process of its own, so that what
// the gateway uses and what the client uses are told apart by the kernel. Its value is what the client needs to know, in JSON.
const asLoad = "QAQPA_TEST_AS_LOAD"

// loadTarget is what a client sends: one whole request, octet by octet, over connections that stay open.
type loadTarget struct {
	Address, Request string
	Connections      int
}

// loadResult is what a slice of load came to.
type loadResult struct {
	Count               int
	UserNS              int64 // processor time of the client
	P50NS, P95NS, P99NS int64 // from the request's first octet to the answer's last
	Failure             string
}

// runLoad is the client's process: each line on standard input asks for so many milliseconds of load, each on standard output
// answers. It does nothing that costs: requests are written as they came, of answers only length and indication are looked at.
func runLoad(from string) error {
	runtime.GOMAXPROCS(1) // less of it than of the gateway
	var target loadTarget
	if err := json.Unmarshal([]byte(from), &target); err != nil {
		return err
	}
	request, err := os.ReadFile(target.Request)
	if err != nil {
		return err
	}
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	callers := make([]*caller, target.Connections)
	for i := range callers {
		conn, err := net.Dial("tcp", target.Address) //nolint:noctx // ends with the process
		if err != nil {
			return err
		}
		callers[i] = &caller{conn: conn, request: request, answer: make([]byte, 64<<10)}
	}
	for lines.Scan() {
		ms, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		if err := out.Encode(loadFor(callers, time.Duration(ms)*time.Millisecond)); err != nil {
			return err
		}
	}
	return lines.Err()
}

func loadFor(callers []*caller, d time.Duration) (all loadResult) {
	used, end := processorTime(), time.Now().Add(d)
	var work sync.WaitGroup
	for _, c := range callers {
		work.Go(func() { c.callUntil(end) })
	}
	work.Wait()
	var times []int64
	for _, c := range callers {
		times = append(times, c.times...)
		if c.err != nil {
			all.Failure = c.err.Error()
		}
	}
	slices.Sort(times)
	at := func(share float64) int64 { return times[int(share*float64(len(times)-1))] }
	all.Count, all.UserNS = len(times), int64(processorTime()-used)
	if len(times) > 0 {
		all.P50NS, all.P95NS, all.P99NS = at(.5), at(.95), at(.99)
	}
	return all
}

// caller is one connection.
type caller struct {
	conn            net.Conn
	request, answer []byte
	times           []int64
	err             error
}

func (c *caller) callUntil(end time.Time) {
	c.times = c.times[:0]
	for begin := time.Now(); c.err == nil && begin.Before(end); {
		if c.err = c.call(); c.err != nil {
			return
		}
		now := time.Now()
		c.times = append(c.times, int64(now.Sub(begin)))
		begin = now
	}
}

// call sends the request and reads its answer, which has to be a verdict that passed.
func (c *caller) call() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	head, size, have := 0, -1, 0
	for size < 0 || have < head+size {
		n, err := c.conn.Read(c.answer[have:])
		if err != nil {
			return err
		}
		have += n
		if size >= 0 {
			continue
		}
		end := bytes.Index(c.answer[:have], []byte("\r\n\r\n"))
		if end < 0 {
			continue
		}
		head = end + 4
		_, rest, ok := bytes.Cut(c.answer[:end+2], []byte("Content-Length: "))
		if !ok {
			return fmt.Errorf("an answer without length: %s", c.answer[:end])
		}
		digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
		if size, err = strconv.Atoi(string(digits)); err != nil || head+size > len(c.answer) {
			return fmt.Errorf("an answer of %s octets", digits)
		}
	}
	if body := c.answer[head : head+min(size, 200)]; !bytes.HasPrefix(c.answer, []byte("HTTP/1.1 200 ")) || !bytes.Contains(body, []byte(`"indication":"TOTAL-PASSED"`)) {
		return fmt.Errorf("%.40s … %s", c.answer[:head], body)
	}
	return nil
}

// load is a client's process as the test sees it.
type load struct {
	t   *testing.T
	in  io.WriteCloser
	out *json.Decoder
}

// startLoad starts a client for a request.
func startLoad(t *testing.T, target loadTarget) *load {
	t.Helper()
	text, err := json.Marshal(target)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), asLoad+"="+string(text)), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // its end
		_ = cmd.Wait()
	})
	return &load{t, in, json.NewDecoder(out)}
}

// run loads for a while.
func (l *load) run(d time.Duration) (r loadResult) {
	l.t.Helper()
	if _, err := fmt.Fprintln(l.in, d.Milliseconds()); err != nil {
		l.t.Fatal(err)
	}
	if err := l.out.Decode(&r); err != nil || r.Failure != "" || r.Count == 0 {
		l.t.Fatalf("%v %+v", err, r)
	}
	return r
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
