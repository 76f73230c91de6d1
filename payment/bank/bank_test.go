package bank

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/money"
)

const executed = `{"type":"payment-status","bank":"TSESKZKA","attempt":"att_1","order":"ord_1","outcome":"executed",` +
	`"amount":540600,"currency":"KZT","bank_reference":"REF","executed_at":"2026-03-01T12:00:00.123456789+05:00"}`

func TestParseStatus(t *testing.T) {
	s, err := ParseStatus([]byte(executed))
	if err != nil {
		t.Fatal(err)
	}
	if s.Amount() != money.FromTiyn(540600) || !s.At().Equal(time.Date(2026, 3, 1, 7, 0, 0, 123456000, time.UTC)) {
		t.Errorf("got %+v at %v", s, s.At())
	}
	for _, outcome := range []string{"refused", "pending", "absent"} {
		if _, err := ParseStatus([]byte(`{"type":"payment-status","bank":"B","attempt":"a","outcome":"` + outcome + `"}`)); err != nil {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}

func TestParseStatusRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             ``,
		"not JSON":          `executed`,
		"trailing":          executed + `{}`,
		"unknown field":     strings.Replace(executed, `"bank"`, `"fee":1,"bank"`, 1),
		"duplicate":         strings.Replace(executed, `"bank"`, `"amount":1,"bank"`, 1),
		"other case":        strings.Replace(executed, `"bank"`, `"Outcome":"refused","bank"`, 1),
		"type":              strings.Replace(executed, `payment-status`, `payment-order`, 1),
		"outcome":           strings.Replace(executed, `"executed"`, `"done"`, 1),
		"no outcome":        strings.Replace(executed, `"outcome":"executed",`, ``, 1),
		"no bank":           strings.Replace(executed, `TSESKZKA`, ``, 1),
		"no attempt":        strings.Replace(executed, `att_1`, ``, 1),
		"no order":          strings.Replace(executed, `ord_1`, ``, 1),
		"amount 0":          strings.Replace(executed, `540600`, `0`, 1),
		"amount negative":   strings.Replace(executed, `540600`, `-540600`, 1),
		"amount fraction":   strings.Replace(executed, `540600`, `540600.5`, 1),
		"amount text":       strings.Replace(executed, `540600`, `"540600"`, 1),
		"amount overflows":  strings.Replace(executed, `540600`, `9223372036854775808`, 1),
		"currency":          strings.Replace(executed, `KZT`, `USD`, 1),
		"no currency":       strings.Replace(executed, `"currency":"KZT",`, ``, 1),
		"no reference":      strings.Replace(executed, `REF`, ``, 1),
		"long reference":    strings.Replace(executed, `REF`, strings.Repeat("R", textMax+1), 1),
		"control character": strings.Replace(executed, `REF`, `R\nF`, 1),
		"no time":           strings.Replace(executed, `,"executed_at":"2026-03-01T12:00:00.123456789+05:00"`, ``, 1),
		"time":              strings.Replace(executed, `2026-03-01T12`, `2026-03-01 12`, 1),
		"old time":          strings.Replace(executed, `2026-03-01T12`, `1999-03-01T12`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseStatus([]byte(text)); !errors.Is(err, ErrMessage) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(executed))
	f.Add([]byte(`{"type":"payment-status","bank":"B","attempt":"a","outcome":"absent"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ParseStatus(content)
		if err == nil && s.Outcome == Executed && (!s.Amount().Positive() || s.At().IsZero()) {
			t.Fatalf("executed without amount or time: %+v", s)
		}
	})
}

func TestOrderEncodeIsStable(t *testing.T) {
	raw, err := Order{
		Attempt: "att_1", Order: "ord_1", Bank: "TSESKZKA", Amount: money.FromTiyn(540600), Payer: Payer{ID: "900101300017"},
		Beneficiary: &Beneficiary{Name: "УГД", BIN: "990140000017", Account: "KZ24070105KSN0000000", BIC: "KKMFKZ2A", KBK: "108125", KNP: "911", KBE: "11"},
		Purpose:     "x", CreatedAt: "2026-03-01T00:00:00Z",
	}.Encode()
	want := `{"amount":540600,"attempt":"att_1","bank":"TSESKZKA","beneficiary":{"account":"KZ24070105KSN0000000","bic":"KKMFKZ2A",` +
		`"bin":"990140000017","kbe":"11","kbk":"108125","knp":"911","name":"УГД"},"created_at":"2026-03-01T00:00:00Z","currency":"KZT",` +
		`"order":"ord_1","payer":{"id":"900101300017"},"purpose":"x","type":"payment-order"}`
	if err != nil || string(raw) != want {
		t.Errorf("got %s (%v)", raw, err)
	}
}

func TestClient(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payments", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Content-Type") != ContentType || string(body) != "order" {
			t.Errorf("got %q as %q", body, r.Header.Get("Content-Type"))
		}
		w.Header().Set("Content-Type", ContentType)
		_, _ = w.Write([]byte("reply"))
	})
	mux.HandleFunc("GET /payments/{attempt}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ContentType+`; smime-type=signed-data`)
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(r.PathValue("attempt")))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c := New(Config{})
	reply, err := c.Pay(t.Context(), server.URL, []byte("order"))
	if err != nil || reply.Status != 200 || string(reply.Message) != "reply" {
		t.Errorf("pay: %+v %v", reply, err)
	}
	reply, err = c.Lookup(t.Context(), server.URL, "att_1")
	if err != nil || reply.Status != 404 || string(reply.Message) != "att_1" {
		t.Errorf("lookup: %+v %v", reply, err)
	}
}

func TestClientLimits(t *testing.T) {
	elsewhere := 0
	stop := make(chan struct{})
	defer close(stop)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /redirect/payments", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere++ })
	mux.HandleFunc("POST /html/payments", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	mux.HandleFunc("POST /huge/payments", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		_, _ = w.Write(make([]byte, 2000))
	})
	mux.HandleFunc("POST /hang/payments", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /cut/payments", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c := New(Config{Timeout: 300 * time.Millisecond, ReplyMax: 1000})

	reply, err := c.Pay(t.Context(), server.URL+"/redirect", nil)
	if err != nil || reply.Status != http.StatusTemporaryRedirect || reply.Message != nil || elsewhere != 0 {
		t.Errorf("a redirect was followed or believed: %+v %v", reply, err)
	}
	reply, err = c.Pay(t.Context(), server.URL+"/html", nil)
	if err != nil || reply.Message != nil {
		t.Errorf("a page was taken for a message: %+v %v", reply, err)
	}
	for _, path := range []string{"/huge", "/hang", "/cut"} {
		if _, err := c.Pay(t.Context(), server.URL+path, nil); !errors.Is(err, ErrNoReply) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, address := range []string{server.URL, "http://127.0.0.1:1", "://"} {
		if _, err := c.Lookup(ended, address, "x"); !errors.Is(err, ErrNoReply) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

const givenBack = `{"type":"refund-status","bank":"TSESKZKA","refund":"rfd_1","order":"ord_1","outcome":"executed",` +
	`"amount":540600,"currency":"KZT","bank_reference":"REF","executed_at":"2026-03-01T12:00:00+05:00"}`

func TestParseRefundStatus(t *testing.T) {
	s, err := ParseRefundStatus([]byte(givenBack))
	if err != nil || s.Amount() != money.FromTiyn(540600) || s.Refund != "rfd_1" || s.At().IsZero() || !AboutRefund([]byte(givenBack)) {
		t.Fatalf("%+v, %v", s, err)
	}
	if AboutRefund([]byte(executed)) || AboutRefund([]byte(`{"type":"payment-status","reason":"refund-status"}`)) {
		t.Error("a payment-status is taken for a refund-status")
	}
	for name, text := range map[string]string{
		"type": strings.Replace(givenBack, `refund-status`, `payment-status`, 1), "no refund": strings.Replace(givenBack, `rfd_1`, ``, 1),
		"amount": strings.Replace(givenBack, `540600`, `-1`, 1), "fraction": strings.Replace(givenBack, `540600`, `0.5`, 1),
		"attempt": strings.Replace(givenBack, `"refund"`, `"attempt"`, 1), "twice": strings.Replace(givenBack, `"bank"`, `"amount":1,"bank"`, 1),
		"outcome": strings.Replace(givenBack, `"executed"`, `"perhaps"`, 1), "time": strings.Replace(givenBack, `2026-`, `1026-`, 1),
		"reference": strings.Replace(givenBack, `"REF"`, `""`, 1), "currency": strings.Replace(givenBack, `KZT`, `EUR`, 1),
	} {
		if _, err := ParseRefundStatus([]byte(text)); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: accepted, or wrong error: %v", name, err)
		}
	}
}

func FuzzParseRefundStatus(f *testing.F) {
	f.Add([]byte(givenBack))
	f.Add([]byte(`{"type":"refund-status","bank":"B","refund":"r","outcome":"absent"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ParseRefundStatus(content)
		if err == nil && (!AboutRefund(content) || s.Outcome == Executed && (!s.Amount().Positive() || s.At().IsZero())) {
			t.Fatalf("accepted: %+v", s)
		}
	})
}
