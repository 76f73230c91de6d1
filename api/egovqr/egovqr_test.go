package egovqr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"qaqpa/api/strictjson"
)

func reader(tb testing.TB) *Reader {
	tb.Helper()
	r, err := NewReader()
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// What is sent out has the members that the application knows.
func TestMessages(t *testing.T) {
	raw, err := json.Marshal(NewInvitation("pay", Organisation{"а", "ә", "a", "060140000017"}, "https://x/d", "tok", time.Unix(1_800_000_000, 0)))
	if err != nil || !strings.Contains(string(raw), `"expiry_date":"2027-01-15T08:00:00Z"`) || !strings.Contains(string(raw), `"document":{"uri":"https://x/d","auth_type":"Token","auth_token":"tok"}`) {
		t.Errorf("%s %v", raw, err)
	}
	raw, err = json.Marshal(NewDocuments(Organisation{NameRu: "п"}, "text/plain", []byte("қ"), []Meta{{"a", "b"}}))
	if want := `{"signMethod":"CMS_SIGN_ONLY","version":2,"documentsToSign":[{"id":1,"nameRu":"п","meta":[{"name":"a","value":"b"}],"document":{"file":{"mime":"text/plain","data":"0ps="}}}]}`; err != nil || string(raw) != want {
		t.Errorf("%s %v", raw, err)
	}
	if got := Link("https://x/1?a=b&c=d"); !strings.HasPrefix(got, "https://m.egov.kz/mobileSign?") || !strings.Contains(got, "link=https%3A%2F%2Fx%2F1%3Fa%3Db%26c%3Dd") {
		t.Error(got)
	}
	if Code("https://x/1") != "mobileSign:https://x/1" {
		t.Error(Code("https://x/1"))
	}
}

func answer(data string) string {
	raw, _ := json.Marshal(map[string]any{
		"signMethod": SignOnly, "version": 2, "new": map[string]any{"x": 1},
		"documentsToSign": []any{map[string]any{"id": 1, "nameRu": "x", "meta": []any{}, "document": map[string]any{"file": map[string]any{"mime": "", "data": data}}}},
	})
	return string(raw)
}

func TestSignature(t *testing.T) {
	r := reader(t)
	cms := []byte("a signature that is longer than a line of base64 would be, so that lines may break")
	text := base64.StdEncoding.EncodeToString(cms)
	for name, data := range map[string]string{"plain": text, "lines": text[:20] + "\r\n" + text[20:], "no padding": strings.TrimRight(text, "=")} {
		if got, err := r.Signature([]byte(answer(data))); err != nil || string(got) != string(cms) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for _, data := range []string{"", "*", "===="} {
		if _, err := r.Signature([]byte(answer(data))); !errors.Is(err, ErrAnswer) {
			t.Errorf("%q: %v", data, err)
		}
	}
	for _, body := range []string{"", "{}", "[]", answer(text) + "x", `{"signMethod":1}`, strings.Replace(answer(text), `"id":1`, `"id":1,"id":2`, 1)} {
		var bad *strictjson.Error
		if _, err := r.Signature([]byte(body)); !errors.As(err, &bad) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzSignature(f *testing.F) {
	f.Add([]byte(answer("AAAA")))
	f.Add([]byte(`{"documentsToSign":[]}`))
	r := reader(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, err := r.Signature(body); err == nil && (len(got) == 0 || len(got) > len(body)) {
			t.Errorf("%d bytes out of %d", len(got), len(body))
		}
	})
}
