package xmldsig

import (
	"net/url"

	"qaqpa/signer/algo"
)

// Content is what a reference outside the document points at: octets, or only digests of them.
type Content struct {
	Octets  []byte
	Digests map[algo.Hash][]byte // used where Octets is nil, for what the transforms lead to
}

// Sources finds the content of references outside the document; ok false: it is not at hand. hasURI is false for the one
// reference of a signature that may do without a URI. Nothing is fetched: what was given is all there is.
type Sources func(uri string, hasURI bool) (content Content, ok bool)

// Files are contents by the URI of the reference as it is written, or as it reads with its percent signs decoded. The
// reference without a URI finds the content under "".
func Files(contents map[string][]byte) Sources {
	return func(uri string, _ bool) (Content, bool) {
		if b, ok := contents[uri]; ok {
			return Content{Octets: b}, true
		}
		plain, err := url.PathUnescape(uri)
		if err != nil {
			return Content{}, false
		}
		b, ok := contents[plain]
		return Content{Octets: b}, ok
	}
}
