package fault_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/fault"

	"github.com/google/go-cmp/cmp"
)

func kinds() map[string][]string {
	return map[string][]string{"slow": {"pay", "ask"}, "refuse": {"pay"}}
}

func TestFaultsAreUsedUpInOrder(t *testing.T) {
	s := fault.NewSet(kinds())
	for _, f := range []fault.Fault{
		{Kind: "slow", Count: 2, DelayMS: 5}, {Kind: "refuse"}, {Kind: "slow", On: "ask", Count: -1},
	} {
		if err := s.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for range 4 {
		f, ok := s.Take("pay")
		if !ok {
			f.Kind = "none"
		}
		got = append(got, f.Kind)
	}
	if diff := cmp.Diff([]string{"slow", "slow", "refuse", "none"}, got); diff != "" {
		t.Error(diff)
	}
	for range 5 {
		if f, ok := s.Take("ask"); !ok || f.Kind != "slow" {
			t.Error("a fault without end ended")
		}
	}
	s.Clear()
	if _, ok := s.Take("ask"); ok || len(s.Armed()) != 0 {
		t.Error("cleared faults hit")
	}
	for _, bad := range []fault.Fault{{Kind: "unknown"}, {}, {Kind: "refuse", On: "ask"}} {
		if s.Add(bad) == nil {
			t.Errorf("%+v was armed", bad)
		}
	}
	if d := (fault.Fault{DelayMS: 5}).Delay(time.Second); d != 5*time.Millisecond {
		t.Error(d)
	}
	if d := (fault.Fault{}).Delay(time.Second); d != time.Second {
		t.Error(d)
	}
}

func TestControlAddress(t *testing.T) {
	s := fault.NewSet(kinds())
	for _, v := range []struct {
		method, body string
		status       int
		armed        int
	}{
		{http.MethodPost, `{"kind":"slow","count":3,"delay_ms":7}`, 200, 1},
		{http.MethodPost, ` [{"kind":"refuse"},{"kind":"slow","on":"ask"}]`, 200, 3},
		{http.MethodPost, `{"kind":"unknown"}`, 400, 3},
		{http.MethodPost, `[1]`, 400, 3},
		{http.MethodPost, ``, 400, 3},
		{http.MethodPut, `{}`, 405, 3},
		{http.MethodGet, ``, 200, 3},
		{http.MethodDelete, ``, 200, 0},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), v.method, "/faults", strings.NewReader(v.body)))
		if w.Code != v.status || len(s.Armed()) != v.armed {
			t.Errorf("%s %s: %d, %d armed", v.method, v.body, w.Code, len(s.Armed()))
		}
		var list []fault.Fault
		if v.status == 200 && (json.Unmarshal(w.Body.Bytes(), &list) != nil || len(list) != v.armed) {
			t.Errorf("%s %s: answered %s", v.method, v.body, w.Body)
		}
	}
}
