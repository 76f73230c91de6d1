//go:build !release

package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// TestListsOutliveTheNetwork: the running gateway learns from the first verdict where the authority publishes its lists, fetches
// them, and judges by them when neither responder nor distribution point answers, also after it was killed and started again.
func TestListsOutliveTheNetwork(t *testing.T) {
	w := newTestWorld(t)
	s := newStory(w)
	gone, err := w.pki.Issue(pki.Profile{Family: pki.GOST2015, Kind: pki.Citizen, Surname: "АХМЕТОВ", Given: "НҰРЛАН", IIN: pki.IIN(9)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.pki.Revoke(gone, pki.KeyCompromise, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if v := judged(t, s, w.people.citizen); v.Indication != "TOTAL-PASSED" {
		t.Fatalf("with everything up: %+v", v)
	}
	awaitMetric(t, w, `qaqpa_revoked_requests_total\{point="learnt",result="swapped"\}`, 2)
	for _, on := range []string{"ocsp", "crl"} {
		if err := w.pkiServer.Faults.Add(fault.Fault{Kind: pki.FaultDown, On: on, Count: -1}); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		for id, want := range map[*pki.Identity]string{w.people.neighbour: "TOTAL-PASSED", gone: "TOTAL-FAILED"} {
			v := judged(t, s, id)
			if v.Indication != want || !v.atHand() {
				t.Errorf("%s: %+v", id.Profile.Name, v)
			}
		}
	}
	check()
	if err := w.killGateway(); err != nil {
		t.Fatal(err)
	}
	if err := w.startGateway(t.Context()); err != nil {
		t.Fatal(err)
	}
	check()
}

// judgement is what the test reads of a verdict.
type judgement struct {
	Indication string
	Evidence   []struct{ Kind, Source string }
}

func (j judgement) atHand() bool {
	for _, e := range j.Evidence {
		if e.Kind == "crl" && e.Source == "lists at hand" {
			return true
		}
	}
	return false
}

// judged has a document signed by somebody judged over HTTP.
func judged(t *testing.T, s *story, who *pki.Identity) (out judgement) {
	t.Helper()
	doc, err := who.SignCMS([]byte("document"), pki.CMSOptions{Chain: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.anyone.send(t.Context(), request{method: http.MethodPost, path: "/v1/validations", contentType: "application/pkcs7-mime", body: doc})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.into(http.StatusOK, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// awaitMetric waits until the gateway counts at least so much.
func awaitMetric(t *testing.T, w *world, pattern string, least float64) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + pattern + ` (\S+)$`)
	for deadline := time.Now().Add(awaitMax); ; time.Sleep(50 * time.Millisecond) {
		body := metricsOf(t.Context(), t, w)
		if m := line.FindSubmatch(body); m != nil {
			if n, err := strconv.ParseFloat(string(m[1]), 64); err == nil && n >= least {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not reach %v", pattern, least)
		}
	}
}

func metricsOf(ctx context.Context, t *testing.T, w *world) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.adminURL+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() // read to its end below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
