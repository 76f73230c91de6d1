//go:build !release

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// narrator prints the story: numbered steps, and under each what went over the wire and how long it took.
type narrator struct {
	w     io.Writer
	steps int
	quiet bool
}

func (n *narrator) title(s string) {
	n.line("%s\n%s", s, strings.Repeat("─", utf8.RuneCountInString(s)))
}

func (n *narrator) line(format string, args ...any) {
	if !n.quiet {
		fmt.Fprintf(n.w, format+"\n", args...)
	}
}

// step begins the next step of the story.
func (n *narrator) step(format string, args ...any) {
	n.steps++
	n.line("\n%2d  "+format, append([]any{n.steps}, args...)...)
}

func (n *narrator) note(format string, args ...any) { n.line("      "+format, args...) }

// exchange prints one request and its answer.
func (n *narrator) exchange(who string, r request, answer reply, took time.Duration) {
	n.note("%s → %s %s%s", who, r.method, r.path, shorten(r.body))
	n.note("%s ← %d in %s%s", strings.Repeat(" ", utf8.RuneCountInString(who)), answer.status, took.Round(100*time.Microsecond), shorten(answer.body))
}

const shownMax = 300

// shorten shows a body on one line: JSON as it is, anything else by its length.
func shorten(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return fmt.Sprintf("  (%d bytes)", len(body))
	}
	s := compact.String()
	if len(s) > shownMax {
		cut := shownMax
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = fmt.Sprintf("%s… (%d bytes)", s[:cut], len(body))
	}
	return "  " + s
}

func sum32(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return h.Sum32()
}
