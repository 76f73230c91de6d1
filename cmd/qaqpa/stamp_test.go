//go:build !release

package main

import (
	"os"
	"strings"
	"testing"
)

// TestStamp: several files are stamped at once, and each verified alone; a file that was changed is not.
func TestStamp(t *testing.T) {
	s := newSigning(t)
	tsa := s.pkiServer.URL + "/tsp/"
	files := []string{s.write(t, "a.txt", []byte("а")), s.write(t, "b.txt", []byte("ә")), s.write(t, "c.txt", []byte("б"))}
	s.run(t, append([]string{"stamp", "make", "--tsa", tsa}, files...)...)
	for _, file := range files {
		if out := s.run(t, "stamp", "verify", file); !strings.Contains(out, "existed at 20") {
			t.Errorf("%s", out)
		}
	}
	s.refused(t, "already exists", "stamp", "make", "--tsa", tsa, files[0])
	if err := os.WriteFile(files[2], []byte("в"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(t, "exit status 4", "stamp", "verify", files[2])
	s.refused(t, "give --tsa", "stamp", "make", "--tsa=", files[2])
}
