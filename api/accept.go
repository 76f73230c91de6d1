package api

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of the interface.
const (
	typeJSON      = "application/json"
	typeProblem   = "application/problem+json"
	typeBytes     = "application/octet-stream"
	typeCMS       = "application/pkcs7-mime"
	typeSignature = "application/pkcs7-signature"
	typePDF       = "application/pdf"
	typeYAML      = "application/yaml"
	typeForm      = "multipart/form-data"
	typeFields    = "application/x-www-form-urlencoded"
	typeText      = "text/plain"
	typeHTML      = "text/html"
	typeCSS       = "text/css"
	typeScript    = "text/javascript"
	typeSVG       = "image/svg+xml"
	typeXML       = "application/xml"
	typeTextXML   = "text/xml"
	typeJOSE      = "application/jose"
	typeJOSEJSON  = "application/jose+json"
)

// mediaType is a parsed Content-Type.
type mediaType struct {
	name   string
	params map[string]string
}

// readMediaType parses a Content-Type; text in another charset than UTF-8 is refused, since it would be misread.
func readMediaType(v string) (mediaType, bool) {
	name, params, err := mime.ParseMediaType(v)
	if err != nil {
		return mediaType{}, false
	}
	if cs, ok := params["charset"]; ok && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "us-ascii") {
		return mediaType{}, false
	}
	return mediaType{name: name, params: params}, true
}

// acceptable reports whether an Accept field (RFC 9110 §12.5.1) admits the media type; without a field everything is
// admitted. The most specific range decides, so "text/html, */*;q=0" refuses JSON.
func acceptable(accept, produced string) bool { return quality(accept, produced) > 0 }

// preferred is the media type of those offered that an Accept field wants most, the first among equals; "" when it admits
// none.
func preferred(accept string, offers ...string) (best string) {
	highest := 0.0
	for _, offer := range offers {
		if q := quality(accept, offer); q > highest {
			best, highest = offer, q
		}
	}
	return best
}

// quality is the weight that an Accept field gives to a media type; 0: refused.
func quality(accept, produced string) (q float64) {
	if strings.TrimSpace(accept) == "" {
		return 1
	}
	family, _, _ := strings.Cut(produced, "/")
	best := -1
	for item := range strings.SplitSeq(accept, ",") {
		rng, params, _ := strings.Cut(item, ";")
		specific := -1
		switch strings.ToLower(strings.TrimSpace(rng)) {
		case produced:
			specific = 2
		case family + "/*":
			specific = 1
		case "*/*":
			specific = 0
		}
		if specific > best {
			best, q = specific, weight(params)
		}
	}
	return q
}

// weight reads q=0.5 among the parameters of a range; 1 when there is none.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 1
			}
			return q
		}
	}
	return 1
}

// matchesETag reports whether an If-None-Match field names the tag. Comparison is weak, RFC 9110 §13.1.2.
func matchesETag(ifNoneMatch, tag string) bool {
	for item := range strings.SplitSeq(ifNoneMatch, ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == tag {
			return true
		}
	}
	return false
}
