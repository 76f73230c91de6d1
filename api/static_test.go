package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"
)

// Files of ours travel packed to whoever takes that, as they are to others; pages, which may stand beside secrets, never.
func TestStaticFilesArePacked(t *testing.T) {
	g := front(t, nil)
	get := func(path, encodings string) answered {
		t.Helper()
		return g.do(call{method: http.MethodGet, path: path, header: map[string]string{"Accept-Encoding": encodings}})
	}
	for _, path := range []string{"/verify/style.css", "/verify/icon.svg"} {
		plain, packed := get(path, "identity"), get(path, "br, gzip;q=0.5")
		if plain.header.Get("Content-Encoding") != "" || packed.header.Get("Content-Encoding") != "gzip" || plain.header.Get("ETag") == packed.header.Get("ETag") {
			t.Errorf("%s: %v, %v", path, plain.header, packed.header)
		}
		if packed.header.Get("Vary") != "Accept-Encoding" || plain.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: caches are not told: %v", path, packed.header)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r); err != nil || !bytes.Equal(body, plain.body) {
			t.Errorf("%s: unpacked it is another: %v", path, err)
		}
		for _, refused := range []string{"gzip;q=0", "", "deflate"} {
			if a := get(path, refused); !bytes.Equal(a.body, plain.body) {
				t.Errorf("%s: packed for %q", path, refused)
			}
		}
	}
	if a := get("/verify", "gzip"); a.header.Get("Content-Encoding") != "" {
		t.Error("a page is packed")
	}
}
