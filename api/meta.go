package api

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
)

// openapi is the contract, as it is published.
//
//go:embed openapi.yaml
var openapi []byte

// asset is a body that never changes while the process lives.
type asset struct {
	contentType, tag string
	body             []byte
}

func newAsset(contentType string, body []byte) asset {
	return asset{contentType: contentType, tag: etag(body), body: body}
}

// etag is SHA-256 of the body in hex, in the quotes that the field needs.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (a asset) response(cache string) *response {
	resp := &response{status: http.StatusOK, contentType: a.contentType, body: a.body}
	resp.set("ETag", a.tag)
	resp.set("Cache-Control", cache)
	return resp
}

// Cache policies. What is personal may be kept by the client alone.
const (
	cachePublic  = "public, max-age=300"
	cachePrivate = "private, no-cache"
)

func (s *Server) getContract(context.Context, *request) (*response, error) {
	return s.contract.response(cachePublic), nil
}

// problemKind explains a code.
type problemKind struct {
	Code   code   `json:"code"`
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (s *Server) explainProblem(_ context.Context, r *request) (reply[problemKind], error) {
	c := code(r.param("code"))
	status, known := s.statuses[c]
	if !known {
		return reply[problemKind]{}, refuse(codeNotOwn)
	}
	lang, id := s.languageOf(r), "problem."+string(c)
	return reply[problemKind]{Body: problemKind{
		Code: c, Status: status,
		Title:  s.texts.Text(lang, id+".title", nil),
		Detail: s.texts.Text(lang, id+".detail", map[string]string{"Want": "…", "Limit": "…"}),
	}}, nil
}
