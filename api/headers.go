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
func securityHeaders(contentType string) []param {
	out := []param{
		{"X-Content-Type-Options", "nosniff"},
		{"Strict-Transport-Security", "max-age=63072000"},
		{"Cache-Control", "no-store"},
	}
	if !strings.HasPrefix(contentType, typeHTML) {
		return append(out, param{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"})
	}
	return append(
		out,
		param{"Content-Security-Policy", pagePolicy},
		param{"X-Frame-Options", "DENY"},
		param{"Referrer-Policy", "no-referrer"},
		param{"Cross-Origin-Resource-Policy", "same-origin"},
		param{"Cross-Origin-Opener-Policy", "same-origin"},
		param{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"},
	)
}
