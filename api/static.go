package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"strings"
)

// static is one of our files, the same for everybody, as it is and packed: people on slow lines pay for each kilobyte. Pages are never
// packed: where a secret stands beside text that an attacker chose, the length of both together gives the secret away (BREACH).
type static struct {
	plain, packed asset
}

func newStatic(contentType string, body []byte) (static, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return static{}, err
	}
	if _, err := w.Write(body); err != nil {
		return static{}, err
	}
	if err := w.Close(); err != nil {
		return static{}, err
	}
	return static{newAsset(contentType, body), newAsset(contentType, b.Bytes())}, nil
}

// response is the form that the client takes.
func (s static) response(r *request) *response {
	chosen := s.plain
	if r.gzip {
		chosen = s.packed
	}
	resp := chosen.response(cachePublic)
	resp.set("Vary", "Accept-Encoding")
	if r.gzip {
		resp.set("Content-Encoding", "gzip")
	}
	return resp
}

// staticRoute serves a file of ours, which read gives.
func (s *Server) staticRoute(path, contentType string, read func() ([]byte, error)) route {
	body, err := read()
	var file static
	if err == nil {
		full := contentType
		if strings.HasPrefix(contentType, "text/") {
			full += "; charset=utf-8"
		}
		file, err = newStatic(full, body)
	}
	return page(path, func(_ context.Context, r *request) (*response, error) {
		if err != nil {
			return nil, err
		}
		return file.response(r), nil
	}).as(contentType)
}

// scriptRoute serves one of our scripts.
func (s *Server) scriptRoute(path string) route {
	return s.staticRoute(path, typeScript, func() ([]byte, error) { return s.pages.Script(path[strings.LastIndexByte(path, '/')+1:]) })
}

// takesGzip reports whether an Accept-Encoding field (RFC 9110 §12.5.3) names gzip and does not refuse it.
func takesGzip(accept string) bool {
	for item := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return weight(params) > 0
		}
	}
	return false
}
