package api

import "strings"

// securityHeaders are those of every answer. Pages get a policy of their own kind: our style sheet, our icon, our form,
// and nothing else, no script at all. What only documents in a browser heed is left out of data.
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
		param{"Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		param{"X-Frame-Options", "DENY"},
		param{"Referrer-Policy", "no-referrer"},
		param{"Cross-Origin-Resource-Policy", "same-origin"},
		param{"Cross-Origin-Opener-Policy", "same-origin"},
		param{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"},
	)
}
