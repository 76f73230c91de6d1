package notify_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/notify"
	"qaqpa/testenv/phone"
)

func TestSMS(t *testing.T) {
	g := &phone.Gateway{Token: "t-1"}
	address, err := g.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	s := notify.NewSMS(notify.SMSConfig{URL: address, Token: "t-1"})
	if err := s.Send(t.Context(), "+77011234567", "Код: 123456."); err != nil || g.Code("+77011234567") != "123456" {
		t.Errorf("code %q, %v", g.Code("+77011234567"), err)
	}
	g.Refuse(1)
	for name, bad := range map[string]*notify.SMS{
		"out of order": s, "another token": notify.NewSMS(notify.SMSConfig{URL: address, Token: "t-2"}),
		"nobody there": notify.NewSMS(notify.SMSConfig{URL: "http://127.0.0.1:1", Timeout: time.Second}), "no address": notify.NewSMS(notify.SMSConfig{URL: "://"}),
	} {
		err := bad.Send(t.Context(), "+77011234567", "Код: 654321.")
		if !errors.Is(err, notify.ErrNotSent) || strings.Contains(err.Error(), "654321") || strings.Contains(err.Error(), "7011234567") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(g.Messages("+77011234567")); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// A redirect is no delivery: the code would go to whoever stands there.
func TestSMSFollowsNothing(t *testing.T) {
	elsewhere := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere++ })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	err := notify.NewSMS(notify.SMSConfig{URL: server.URL}).Send(t.Context(), "+77011234567", "x")
	if !errors.Is(err, notify.ErrNotSent) || elsewhere != 0 {
		t.Errorf("got %v, %d", err, elsewhere)
	}
}
