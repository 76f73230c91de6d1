package api

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/payment"
)

// bombs are PDF documents that are small and would cost much.
func bombs(t *testing.T) map[string][]byte {
	t.Helper()
	var flate bytes.Buffer
	w := zlib.NewWriter(&flate)
	zeros := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const catalog = "<</Type/Catalog/Pages 2 0 R>>"
	file := func(more ...string) []byte {
		out := []byte("%PDF-1.7\n")
		table := ""
		for i, o := range append([]string{catalog}, more...) {
			table += fmt.Sprintf("%010d 00000 n \n", len(out))
			out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, o)
		}
		return fmt.Appendf(out, "xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(more)+2, table, len(more)+2, len(out))
	}
	stream := func(dict string, octets []byte) string {
		return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(octets), octets)
	}
	loop := file("<</Type/Pages/Kids[]/Count 0>>")
	loop = bytes.Replace(loop, []byte("/Root"), fmt.Appendf(nil, "/Prev %d/Root", bytes.Index(loop, []byte("xref\n0"))), 1)
	at := bytes.Index(loop, []byte("xref\n0"))
	xref := fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n")
	section := fmt.Sprintf("2 0 obj %s endobj\nstartxref\n%d\n%%%%EOF", stream("/Type/XRef/Root 1 0 R/Size 999999999/W[1 1 1]/Filter/FlateDecode", flate.Bytes()), len(xref))
	inner := file("<</Type/Pages/Kids[]/Count 0>>", stream("/Type/ObjStm/N 8000000/First 200000000/Filter/FlateDecode", flate.Bytes()))
	table := bytes.Index(inner, []byte("xref\n0"))
	rows := make([]byte, 0, 5<<16)
	for i := range 1 << 16 { // each object is said to be in the bomb
		rows = append(rows, 2, 0, 3, byte(i>>8), byte(i))
	}
	of := fmt.Sprintf("9 0 obj %s endobj\nstartxref\n%d\n%%%%EOF", stream(fmt.Sprintf("/Type/XRef/Root 1 0 R/Size 70000/Index[10 65536]/Prev %d/W[1 2 2]", table), rows), len(inner))
	return map[string][]byte{
		"object stream bomb":   append(inner, of...),
		"flate bomb":           file("<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>", stream("/Filter/FlateDecode", flate.Bytes())),
		"flate in flate":       file("<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>", stream("/Filter[/Fl/Fl/Fl/Fl]", flate.Bytes())),
		"deep nesting":         file(strings.Repeat("[", 1<<19)),
		"deep dictionaries":    file(strings.Repeat("<</Kids", 1<<17)),
		"xref loop":            slices.Concat(loop[:at], loop[at:]),
		"huge Size":            append(xref, section...),
		"a million objects":    append([]byte("%PDF-1.7\n"), strings.Repeat("1 0 obj<<>>endobj\n", 1<<18)...),
		"pages in a ring":      file("<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Pages/Parent 2 0 R/Kids[2 0 R]/Count 1>>"),
		"a table of a billion": []byte("%PDF-1.7\nxref\n0 8388607\n0000000000 65535 f \nstartxref\n9\n%%EOF"),
	}
}

// TestSealsOfBombs: documents that would cost much are refused or judged soon on the routes that seal, raise and validate; nothing is signed that is not a document.
func TestSealsOfBombs(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	for name, bomb := range bombs(t) {
		start, idem := time.Now(), strings.ReplaceAll(name, " ", "-")
		a := h.seal("seal-"+idem, map[string]any{"format": "PAdES", "document": b64(bomb), "level": "LTA", "pdf": map[string]any{"mark": map[string]any{"page": 0, "x": 1, "y": 1, "code": "x"}}})
		if a.status != http.StatusOK && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: sealing gives %d %s", name, a.status, a.body)
		}
		raised := h.post(h.agency, "/v1/seals/raise", "raise-"+idem, `{"documents":[{"document":"`+b64(bomb)+`","level":"LTA"}]}`)
		if raised.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: raising gives %d", name, raised.status)
		}
		if v := h.judge(t, bomb, nil); v.Passed() {
			t.Errorf("%s passes", name)
		}
		t.Logf("%s: %d, %s", name, a.status, time.Since(start).Round(time.Millisecond))
		if took := time.Since(start); took > 5*time.Minute { // a guard against hanging, on a busy machine too
			t.Errorf("%s took %s", name, took)
		}
	}
}

// TestSealsOfAGigabyte: a body of a gigabyte is refused by its length, long before it has come, and takes no memory.
func TestSealsOfAGigabyte(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	stamps := &stamps{}
	h.gateway = serveFront(t, h.db, &payment.Service{}, h.service, func(c *Config) { c.TimeStamps = stamps })
	u, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/seals", "/v1/seals/raise", "/v1/validations", "/v1/timestamps"} {
		for _, length := range []string{"Content-Length: 1073741824", "Transfer-Encoding: chunked"} {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			sent, status := h.flood(t, u.Host, path, length)
			runtime.ReadMemStats(&after)
			if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); status != http.StatusRequestEntityTooLarge || sent > 256<<20 || grown > 256<<20 {
				t.Errorf("%s %s: %d after %d octets, %d allocated", path, length, status, sent, grown)
			}
		}
	}
	if n := h.entries(); n != 0 || stamps.actor != "" {
		t.Errorf("the key was used %d times, a time stamp was asked for, %v", n, stamps.actor != "")
	}
}

// flood sends a body until it is answered, at most a gigabyte.
func (h *sealHouse) flood(t *testing.T, host, path, length string) (sent int64, status int) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	kind := "application/json"
	if path == "/v1/timestamps" {
		kind = typeTimeQuery
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nIdempotency-Key: flood\r\nContent-Type: %s\r\n%s\r\n\r\n", path, host, h.agency, kind, length)
	answered := make(chan int, 1)
	go func() {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	piece := bytes.Repeat([]byte(" "), 1<<20)
	chunked := strings.HasPrefix(length, "Transfer")
	for sent < 1<<30 {
		select {
		case status = <-answered:
			return sent, status
		default:
		}
		if chunked {
			_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(piece), piece)
		} else {
			_, err = conn.Write(piece)
		}
		if err != nil {
			break
		}
		sent += int64(len(piece))
	}
	return sent, <-answered
}
