package api

import "strings"

// The policies of pages: our style sheet, our icon, our forms and nothing else, no script at all. Pages that ask for
// signatures have our script as well, and a connection to NCALayer on the reader's own machine; no script that stands in
// the page itself, and nothing of others.
const (
	pagePolicy    = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	signingPolicy = pagePolicy + "; script-src 'self'; connect-src 'self' wss://127.0.0.1:13579"
)

// securityHeaders are those of every answer. What only documents in a browser heed is left out of data.
func securityHeaders(contentType string) []header {
	if strings.HasPrefix(contentType, typeHTML) {
		return headersOfPages
	}
	return headersOfData
}

// header is a field as fasthttp takes it.
type header struct{ name, value []byte }

func headersOf(pairs ...string) (out []header) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, header{[]byte(pairs[i]), []byte(pairs[i+1])})
	}
	return out
}

// Both are made once and never changed.
var (
	headersOfData = headersOf(
		"X-Content-Type-Options", "nosniff",
		"Strict-Transport-Security", "max-age=63072000",
		"Cache-Control", "no-store",
		"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'",
	)
	headersOfPages = headersOf(
		"X-Content-Type-Options", "nosniff",
		"Strict-Transport-Security", "max-age=63072000",
		"Cache-Control", "no-store",
		"Content-Security-Policy", pagePolicy,
		"X-Frame-Options", "DENY",
		"Referrer-Policy", "no-referrer",
		"Cross-Origin-Resource-Policy", "same-origin",
		"Cross-Origin-Opener-Policy", "same-origin",
		"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()",
	)
)
