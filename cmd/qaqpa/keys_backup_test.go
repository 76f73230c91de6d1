//go:build !release

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeyBackup: keys for stored data go to a second token by two operators on either side; what signs does not go at all.
func TestKeyBackup(t *testing.T) {
	s := newSigning(t)
	first := s.token
	second, err := first.Another("recovery site")
	if err != nil {
		t.Fatal(err)
	}
	as := map[string]string{}
	for _, name := range []string{"aru", "dana"} {
		key := s.run(t, "clients", "add-key", "--kind=operator", "--subject="+name)
		as[name] = "--operator-key-file=" + s.write(t, name+".key", []byte(key+"\n"))
	}
	there := []string{"--hsm-token=" + second.Label, "--hsm-pin-file=" + s.write(t, "second.pin", []byte(second.PIN))}
	officer := "--hsm-so-pin-file=" + s.write(t, "officer.pin", []byte(first.SOPIN))
	public := s.write(t, "recovery.pem", []byte(s.run(t, append([]string{"keys", "recovery-key", "recovery"}, there...)...)+"\n"))

	s.refused(t, "refused the PIN", "keys", "trust-recovery", "second", public, "--hsm-so-pin-file="+s.write(t, "wrong.pin", []byte("wrong-officer")))
	s.refused(t, "no PEM PUBLIC KEY", "keys", "trust-recovery", "second", s.document, officer)
	s.run(t, "keys", "trust-recovery", "second", public, officer)
	s.refused(t, "never leaves its token", "keys", "generate", "signs", "--backup")
	s.run(t, "keys", "generate", "stays", "--algorithm=aes-256")
	s.run(t, "keys", "generate", "people", "--algorithm=aes-256", "--backup")
	if list := s.run(t, "keys", "list"); !strings.Contains(list, "wrappable for a trusted key") || strings.Count(list, "wrappable") != 1 {
		t.Errorf("the list does not say which key can leave:\n%s", list)
	}

	file := filepath.Join(s.dir, "people.json")
	wrap := []string{"keys", "wrap-backup", "people", "--recovery=second", "-o", file, as["aru"]}
	s.refused(t, "never leaves its token", "keys", "wrap-backup", "seal", "--recovery=second", as["aru"])
	s.refused(t, "without --backup", "keys", "wrap-backup", "stays", "--recovery=second", as["aru"])
	id := s.asked(t, wrap...)
	s.refused(t, "not approved", append(wrap, "--request="+id)...)
	s.refused(t, "another operator", "keys", "approve", id, as["aru"])
	s.run(t, "keys", "approve", id, as["dana"])
	own := s.write(t, "own.pem", []byte(s.run(t, append([]string{"keys", "recovery-key", "own"}, there...)...)+"\n"))
	s.run(t, "keys", "trust-recovery", "mine", own, officer)
	s.refused(t, "something else", "keys", "wrap-backup", "people", "--recovery=mine", "-o", file, "--request="+id, as["aru"])
	s.run(t, append(wrap, "--request="+id)...)
	s.refused(t, "used already", "keys", "wrap-backup", "people", "--recovery=second", "-o", file+"2", "--request="+id, as["aru"])

	restore := append([]string{"keys", "restore-backup", file, "--recovery=recovery", as["dana"]}, there...)
	id = s.asked(t, restore...)
	s.run(t, "keys", "approve", id, as["aru"])
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := s.write(t, "other.json", append(raw, '\n'))
	s.refused(t, "something else", append([]string{"keys", "restore-backup", other, "--recovery=recovery", "--request=" + id, as["dana"]}, there...)...)
	s.refused(t, "is no backup", append([]string{"keys", "restore-backup", public, "--recovery=recovery", as["dana"]}, there...)...)
	s.run(t, append(restore, "--request="+id)...)
	if list := s.run(t, append([]string{"keys", "list"}, there...)...); !strings.Contains(list, "restored from a backup") || !strings.Contains(list, "unwraps backups") {
		t.Errorf("the list does not say which key was restored, and which restored it:\n%s", list)
	}
	s.run(t, "audit", "verify")
}

// asked makes a request of two operators and returns its id.
func (s *signing) asked(t *testing.T, args ...string) string {
	t.Helper()
	id, _, _ := strings.Cut(s.run(t, args...), "\n")
	if !strings.HasPrefix(id, "kr_") {
		t.Fatalf("%v gave %q", args, id)
	}
	return id
}
