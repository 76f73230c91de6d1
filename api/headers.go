package api

import "strings"

// securityHeaders are those of every answer. The page gets a policy of its own kind: our style sheet, our icon, our
// form, and nothing else, no script at all.
func securityHeaders(contentType string) []param {
	policy := "default-src 'none'; frame-ancestors 'none'"
	if strings.HasPrefix(contentType, typeHTML) {
		policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	}
	return []param{
		{"Content-Security-Policy", policy},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"},
		{"Strict-Transport-Security", "max-age=63072000"},
		{"Cache-Control", "no-store"},
	}
}
