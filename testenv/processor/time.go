package processor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit in which /proc/PID/stat counts (USER_HZ, which is 100 for every program on Linux).
const tick = 10 * time.Millisecond

// Own is the processor time of this process, in user and system mode, without its children.
func Own() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("couldn't ask for the processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// Children is that of the children of this process whose command line contains named, and of their own children: by the scheduler's
// count for those that run, to the hundredth of a second for those that ended and were waited for.
func Children(named string) (sum time.Duration, err error) {
	parents, err := parents()
	if err != nil {
		return 0, err
	}
	chosen := map[int]bool{}
	for pid, parent := range parents {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil || parent != os.Getpid() || !strings.Contains(string(line), named) {
			continue // not ours, or ended meanwhile
		}
		chosen[pid] = true
		sum += waitedFor(pid)
	}
	for pid, parent := range parents {
		if chosen[pid] || chosen[parent] {
			sum += running(pid)
		}
	}
	return sum, nil
}

// parents are the processes that run, each with its parent.
func parents() (map[int]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("couldn't list the processes: %w", err)
	}
	out := map[int]int{}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if fields := stat(pid); err == nil && len(fields) > 1 {
			out[pid], _ = strconv.Atoi(fields[1])
		}
	}
	return out, nil
}

// stat are the fields behind the name of a process, which may hold spaces itself (proc_pid_stat(5)); none when it has ended.
func stat(pid int) []string {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	text := string(raw)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}

func waitedFor(pid int) (sum time.Duration) {
	fields := stat(pid)
	if len(fields) < 15 {
		return 0
	}
	for _, ticks := range fields[13:15] { // cutime, cstime
		n, _ := strconv.ParseInt(ticks, 10, 64)
		sum += time.Duration(n) * tick
	}
	return sum
}

func running(pid int) (sum time.Duration) {
	tasks, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "schedstat"))
	for _, task := range tasks {
		raw, err := os.ReadFile(task)
		if fields := strings.Fields(string(raw)); err == nil && len(fields) > 0 {
			ns, _ := strconv.ParseInt(fields[0], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}
