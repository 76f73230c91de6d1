package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"qaqpa/payment"
)

func FuzzReadForm(f *testing.F) {
	f.Add("b", []byte("--b\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add("b", []byte("--b\r\nContent-Disposition: form-data; name=document\r\n\r\n\r\n--b--"))
	f.Add("", []byte("----"))
	f.Fuzz(func(t *testing.T, boundary string, body []byte) {
		r := &request{body: body, media: mediaType{name: typeForm, params: map[string]string{"boundary": boundary}}}
		form, err := readForm(r, "document", "detached")
		if err != nil {
			if p := classify(err); p.code != codeForm {
				t.Fatalf("odd refusal %v", err)
			}
			return
		}
		total := 0
		for name, content := range form {
			total += len(content)
			if !slices.Contains([]string{"document", "detached"}, name) {
				t.Fatalf("took part %q", name)
			}
		}
		if total > len(body) {
			t.Fatal("the parts are larger than the body")
		}
	})
}

func FuzzAcceptable(f *testing.F) {
	f.Add("text/html, application/json;q=0.5, */*;q=0")
	f.Add(";q=,*/*;q=nan")
	f.Fuzz(func(t *testing.T, accept string) {
		got := acceptable(accept, typeJSON)
		if strings.TrimSpace(accept) == "" && !got {
			t.Fatal("nothing asked for, and refused")
		}
		if !strings.Contains(accept, "*/*") && !strings.Contains(strings.ToLower(accept), "application/") && strings.TrimSpace(accept) != "" && got {
			t.Fatalf("%q admits JSON", accept)
		}
	})
}

func TestMasksAndPointers(t *testing.T) {
	for id, want := range map[string]string{"850101300019": "••••••••0019", "123": "•••", "": ""} {
		if got := mask(id); got != want {
			t.Errorf("%q: got %q", id, got)
		}
	}
	for field, want := range map[string]string{"": "", "payer": "/payer", "debts[2].payer.id": "/debts/2/payer/id", "/bank": "/bank"} {
		if got := pointer(field); got != want {
			t.Errorf("%q: got %q", field, got)
		}
	}
}

// Every kind of refusal of the domain has a status of its own class, and never one that says "repeat" or "all is well".
func TestDomainKindsHaveStatuses(t *testing.T) {
	for kind, want := range map[payment.Kind]int{
		payment.KindInvalid: http.StatusUnprocessableEntity, payment.KindNotFound: http.StatusNotFound, payment.KindConflict: http.StatusConflict,
		payment.KindForbidden: http.StatusForbidden, payment.KindUnprocessable: http.StatusUnprocessableEntity,
		payment.KindUnavailable: http.StatusServiceUnavailable, 0: http.StatusInternalServerError,
	} {
		if got := statusOfKind(kind); got != want {
			t.Errorf("kind %d: got %d", kind, got)
		}
	}
	for c, status := range statuses() {
		if status < 400 {
			t.Errorf("%s has status %d", c, status)
		}
	}
}
