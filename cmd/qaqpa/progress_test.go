package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// The bar shows itself only when work takes long, not too often, and goes away again.
func TestProgress(t *testing.T) {
	at := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	p := newProgress(&out, 1000)
	if p.to != nil {
		t.Fatal("a bar is drawn where there is no terminal")
	}
	p.to, p.begun, p.now, p.label = &out, at, func() time.Time { return at }, "үлкен.bin"
	if _, err := io.Copy(io.Discard, p.reading(strings.NewReader(strings.Repeat("x", 250)))); err != nil || out.Len() > 0 {
		t.Fatalf("drawn at once: %q, %v", out.String(), err)
	}
	at = at.Add(progressAfter)
	p.add(250)
	p.add(1)
	if got := out.String(); got != "\r\x1b[K[###############...............]  50% үлкен.bin" {
		t.Errorf("%q", got)
	}
	at = at.Add(progressEvery)
	p.add(5000) // more than was foreseen
	if !strings.HasSuffix(out.String(), "[##############################] 100% үлкен.bin") {
		t.Errorf("%q", out.String())
	}
	p.clear()
	p.clear()
	if !strings.HasSuffix(out.String(), "үлкен.bin\r\x1b[K") {
		t.Errorf("%q", out.String())
	}
}
