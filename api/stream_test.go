package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/signer"
	"qaqpa/testenv/pki"
)

// lines is an original of a given length that nobody holds in memory; it notes by how much the heap grew while it was sent.
type lines struct {
	left         int
	start, grown uint64
}

func (l *lines) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	if l.left%(4<<20) == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if l.start == 0 {
			l.start = m.HeapAlloc
		}
		l.grown = max(l.grown, m.HeapAlloc-min(m.HeapAlloc, l.start))
	}
	n := min(len(p), l.left)
	clear(p[:n])
	l.left -= n
	return n, nil
}

// streamedForm is a form whose parts come in the given order, the last of them from a reader.
func streamedForm(tb testing.TB, fields [][2]string, last string, from io.Reader) (contentType string, body io.Reader) {
	tb.Helper()
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := w.CreateFormFile(last, "file"); err != nil {
		tb.Fatal(err)
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	return w.FormDataContentType(), io.MultiReader(&head, from, strings.NewReader(tail))
}

// upload posts a body whose length is not known before.
func (g *gateway) upload(key, contentType string, body io.Reader) answered {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+"/v1/validations", struct{ io.Reader }{body})
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answered{status: resp.StatusCode, header: resp.Header, body: got}
}

// A large original in a form is hashed while it comes; an original that comes first, or that signatures have to see, has the limit
// of a document.
func TestLargeOriginalIsStreamed(t *testing.T) {
	const size = 48 << 20
	g, _, id := judgingFront(t)
	g.cfg.Limits.DocumentBytes, g.cfg.Limits.StreamBytes = 1<<20, size+1<<20
	document := string(must[[]byte](t)(id.SignCMS(make([]byte, size), pki.CMSOptions{Detached: true})))
	runtime.GC()
	original := &lines{left: size}
	contentType, body := streamedForm(t, [][2]string{{"document", document}, {"policy", "standard"}}, "detached", original)
	v := in[signer.Verdict](t, g.upload("", contentType, body), http.StatusOK)
	if v.Indication != "TOTAL-PASSED" || v.Policy != "standard" || !v.Detached {
		t.Errorf("%s %s by %s", v.Indication, v.Sub, v.Policy)
	}
	if original.grown > 24<<20 {
		t.Errorf("the heap grew by %d octets", original.grown)
	}
	contentType, body = streamedForm(t, [][2]string{{"document", document}}, "detached", &lines{left: size - 1})
	if v = in[signer.Verdict](t, g.upload("", contentType, body), http.StatusOK); v.Sub != "HASH_FAILURE" {
		t.Errorf("another original: %s %s", v.Indication, v.Sub)
	}
	contentType, body = streamedForm(t, [][2]string{{"document", document}}, "detached", &lines{left: size + 2<<20})
	g.upload("", contentType, body).want(t, http.StatusRequestEntityTooLarge, codeBodyTooLarge)
	contentType, body = streamedForm(t, nil, "detached", &lines{left: 3 << 19})
	p := g.upload("", contentType, body).want(t, http.StatusRequestEntityTooLarge, codeBodyTooLarge)
	if !strings.Contains(p.DeveloperDetail, "after the document") {
		t.Errorf("nobody is told what to do: %+v", p)
	}
	contentType, body = streamedForm(t, [][2]string{{"document", "<a/>"}}, "detached", &lines{left: 3 << 19})
	g.upload("", contentType, body).want(t, http.StatusRequestEntityTooLarge, codeBodyTooLarge)
	if !g.memory.TryAcquire(g.cfg.Limits.BodyMemory) || !g.streams[0].TryAcquire(int64(g.cfg.Limits.Streams)) {
		t.Error("memory or places were not given back")
	}
}

// The fields of a form and the parameters of a raw body say the same as the members of JSON; what is wrong in them is refused.
func TestFieldsAndParametersOfValidations(t *testing.T) {
	g, _, id := judgingFront(t)
	content := []byte("келісімшарт")
	document := must[[]byte](t)(id.SignCMS(content, pki.CMSOptions{Detached: true}))
	sum := sha256.Sum256(content)
	digest := "SHA-256:" + hex.EncodeToString(sum[:])
	raw := func(query, contentType string) answered {
		return g.do(call{method: http.MethodPost, path: "/v1/validations" + query, contentType: contentType, body: document, bad: true})
	}
	for name, a := range map[string]answered{
		"query":   raw("?detached_digest="+digest+"&policy=standard", typeBytes),
		"charset": raw("?policy=standard&detached_digest="+digest, typeSignature),
		"form": func() answered {
			contentType, body := streamedForm(t, [][2]string{{"policy", "standard"}, {"detached_digest", digest}}, "document", bytes.NewReader(document))
			return g.upload("", contentType, body)
		}(),
	} {
		if v := in[signer.Verdict](t, a, http.StatusOK); v.Indication != "TOTAL-PASSED" || v.Policy != "standard" {
			t.Errorf("%s: %s %s by %s", name, v.Indication, v.Sub, v.Policy)
		}
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	raw("?at=yesterday", typeBytes).want(t, http.StatusBadRequest, codeQuery)
	raw("?at="+later, typeBytes).want(t, http.StatusUnprocessableEntity, "invalid_request")
	raw("?detached_digest=SHA-256:00", typeBytes).want(t, http.StatusBadRequest, codeQuery)
	raw("?detached_digest=MD2:"+hex.EncodeToString(sum[:]), typeBytes).want(t, http.StatusBadRequest, codeQuery)
	raw("?policy=lenient", typeBytes).want(t, http.StatusUnprocessableEntity, codeDocument)
	raw("?colour=red", typeBytes).want(t, http.StatusBadRequest, codeQuery)
	g.do(call{method: http.MethodPost, path: "/v1/validations?policy=standard", contentType: typeJSON, body: []byte(`{"document":"AAAA"}`), bad: true}).
		want(t, http.StatusBadRequest, codeQuery)
	for name, fields := range map[string][][2]string{
		"a field twice":   {{"policy", "standard"}, {"policy", "strict"}},
		"an unknown one":  {{"colour", "red"}},
		"digest and more": {{"detached_digest", digest}, {"detached", "x"}},
	} {
		contentType, body := streamedForm(t, fields, "document", bytes.NewReader(document))
		if a := g.upload("", contentType, body); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	g.upload("", "multipart/form-data; boundary=x", strings.NewReader("--x\r\nno form")).want(t, http.StatusBadRequest, codeForm)
}

// Who wants XML gets the ETSI report, of a kept verdict as well.
func TestVerdictsAsETSIReport(t *testing.T) {
	g, _, id := judgingFront(t)
	document := must[[]byte](t)(id.SignCMS([]byte("мөр"), pki.CMSOptions{}))
	key := g.key(auth.Operator, "operator", auth.ValidationsWrite, auth.ValidationsRead)
	post := func(accept string) answered {
		return g.do(call{
			method: http.MethodPost, path: "/v1/validations", key: key, contentType: typeBytes, body: document,
			header: map[string]string{"Accept": accept},
		})
	}
	kept := in[signer.Verdict](t, post("application/xml;q=0.5, application/json"), http.StatusOK)
	for name, a := range map[string]answered{
		"new": post("application/xml, application/json;q=0.9"),
		"kept": g.do(call{
			method: http.MethodGet, path: "/v1/validations/" + kept.ID, key: key, header: map[string]string{"Accept": typeXML},
		}),
	} {
		var report struct {
			XMLName xml.Name
			Main    string `xml:"SignatureValidationReport>SignatureValidationStatus>MainIndication"`
		}
		if err := xml.Unmarshal(a.body, &report); err != nil || a.status != http.StatusOK || a.header.Get("Content-Type") != typeXML {
			t.Fatalf("%s: %d %s %v: %s", name, a.status, a.header.Get("Content-Type"), err, a.body)
		}
		if report.XMLName.Local != "ValidationReport" || report.Main != "urn:etsi:019102:mainindication:total-passed" {
			t.Errorf("%s: %+v", name, report)
		}
	}
	post("text/html").want(t, http.StatusNotAcceptable, codeNotAcceptable)
}

// A sender who stops, or who only drips, is let go with 408, and its place and memory are free again.
func TestSlowFormsAreLetGo(t *testing.T) {
	g := front(t, func(c *Config) { c.Limits.Read = 300 * time.Millisecond })
	for name, pause := range map[string]time.Duration{"silent": time.Hour, "dripping": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			head := "--x\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\n" + strings.Repeat("A", 20_000)
			fmt.Fprintf(conn, "POST /v1/validations HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n%s", head)
			go func() {
				for {
					select {
					case <-t.Context().Done():
						return
					case <-time.After(min(pause, time.Minute)):
						if _, err := conn.Write([]byte("A")); err != nil {
							return
						}
					}
				}
			}()
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			got, _ := io.ReadAll(conn)
			if !strings.HasPrefix(string(got), "HTTP/1.1 408 ") || !strings.Contains(string(got), string(codeTimeout)) {
				t.Errorf("%s", got)
			}
		})
	}
	if !g.memory.TryAcquire(g.cfg.Limits.BodyMemory) || !g.streams[0].TryAcquire(int64(g.cfg.Limits.Streams)) {
		t.Error("memory or places were not given back")
	}
}

// With all places taken, further long forms are told to come back, and callers with a key have places of their own.
func TestStreamsAreBounded(t *testing.T) {
	g := front(t, func(c *Config) { c.Limits.Streams = 1 })
	if !g.streams[0].TryAcquire(1) {
		t.Fatal("no place")
	}
	defer g.streams[0].Release(1)
	contentType, body := streamedForm(t, nil, "document", &lines{left: 64 << 10})
	if p := g.upload("", contentType, body).want(t, http.StatusServiceUnavailable, codeBusy); p.DeveloperDetail != "" {
		t.Errorf("%+v", p)
	}
	key := g.key(auth.Agency, "850101300019", auth.ValidationsWrite)
	contentType, body = streamedForm(t, nil, "document", &lines{left: 64 << 10})
	if a := g.upload(key, contentType, body); a.status == http.StatusServiceUnavailable {
		t.Errorf("%d %s", a.status, a.body)
	}
}
