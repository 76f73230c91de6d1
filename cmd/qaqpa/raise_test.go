//go:build !release

package main

import (
	"strings"
	"testing"
)

// TestRaise: a seal is raised at the command line, attached and detached, and holds; policies of clients are set, listed and ended.
func TestRaise(t *testing.T) {
	s := newSigning(t)
	tsa := s.pkiServer.URL + "/tsp/"
	for _, detached := range []bool{false, true} {
		args, original, validate := []string{"seal", s.document}, []string{}, []string{"validate"}
		if detached {
			args, original, validate = append(args, "--detached"), []string{"--original", s.document}, append(validate, "--detached", s.document)
		}
		sealed := s.run(t, args...)
		raised := s.run(t, append([]string{"raise", sealed, "--level=LTA", "--tsa", tsa}, original...)...)
		if out := s.run(t, append(validate, raised)...); !strings.Contains(out, "CAdES-LTA") || !strings.Contains(out, "TOTAL-PASSED") {
			t.Errorf("%s", out)
		}
		s.refused(t, "have this level already", append([]string{"raise", raised, "--level=LT", "--tsa", tsa}, original...)...)
		s.refused(t, "already exists", append([]string{"raise", sealed, "--level=LTA", "--tsa", tsa}, original...)...)
	}
	s.refused(t, "do not hold", "raise", s.document, "--level=T", "--tsa", tsa)
	s.refused(t, "give --tsa", "raise", s.document, "--level=T", "--tsa=")

	client := []string{"--kind=agency", "--subject=agn_7"}
	s.run(t, append([]string{"clients", "set-seal-policy", "--keys=seal", "--formats=CAdES,PAdES", "--levels=B,LT", "--per-minute=60", "--raise"}, client...)...)
	if out := s.run(t, "clients", "list-seal-policies"); !strings.Contains(out, "agency:agn_7") || !strings.Contains(out, "CAdES,PAdES") {
		t.Errorf("%s", out)
	}
	s.refused(t, "there is no format", append([]string{"clients", "set-seal-policy", "--keys=seal", "--formats=PDF", "--levels=B", "--per-minute=60"}, client...)...)
	s.run(t, append([]string{"clients", "end-seal-policy"}, client...)...)
	s.refused(t, "no seal policy", append([]string{"clients", "end-seal-policy"}, client...)...)
}
