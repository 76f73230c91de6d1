package c14n

import "strings"

// reference is a URI reference in its parts (RFC 3986 3); absent parts have has… false.
type reference struct {
	scheme, authority, path, query, fragment string
	hasScheme, hasAuthority, hasQuery        bool
	hasFragment                              bool
}

// splitReference is the regular expression of RFC 3986 appendix B by hand.
func splitReference(s string) (r reference) {
	if hasScheme(s) {
		r.scheme, s, _ = strings.Cut(s, ":")
		r.hasScheme = true
	}
	s, r.fragment, r.hasFragment = strings.Cut(s, "#")
	s, r.query, r.hasQuery = strings.Cut(s, "?")
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		r.hasAuthority = true
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		r.authority, s = rest[:end], rest[end:]
	}
	r.path = s
	return r
}

func (r reference) String() string {
	var b strings.Builder
	if r.hasScheme {
		b.WriteString(r.scheme + ":")
	}
	if r.hasAuthority {
		b.WriteString("//" + r.authority)
	}
	b.WriteString(r.path)
	if r.hasQuery {
		b.WriteString("?" + r.query)
	}
	if r.hasFragment {
		b.WriteString("#" + r.fragment)
	}
	return b.String()
}

// joinReferences is the join-URI-References function of Canonical XML 1.1 2.4: RFC 3986 5.2.2 with a base that may be
// relative itself.
func joinReferences(base, ref string) string {
	b, r := splitReference(base), splitReference(ref)
	switch {
	case r.hasScheme:
		r.path = removeDots(r.path)
		return r.String()
	case r.hasAuthority:
		r.path = removeDots(r.path)
	case r.path == "":
		r.path = b.path
		if !r.hasQuery {
			r.query, r.hasQuery = b.query, b.hasQuery
		}
		r.authority, r.hasAuthority = b.authority, b.hasAuthority
	default:
		if !strings.HasPrefix(r.path, "/") {
			r.path = mergePaths(b, r.path)
		}
		r.path = removeDots(r.path)
		r.authority, r.hasAuthority = b.authority, b.hasAuthority
	}
	r.scheme, r.hasScheme = b.scheme, b.hasScheme
	return r.String()
}

// mergePaths is RFC 3986 5.2.3. A base that ends in ".." means the folder of that name (Canonical XML 1.1 2.4).
func mergePaths(b reference, path string) string {
	if b.hasAuthority && b.path == "" {
		return "/" + path
	}
	if b.path == ".." || strings.HasSuffix(b.path, "/..") {
		return b.path + "/" + path
	}
	return b.path[:strings.LastIndexByte(b.path, '/')+1] + path
}

// removeDots is "Remove Dot Segments" of RFC 3986 5.2.4 as Canonical XML 1.1 2.4 changes it: leading ".." stay in a
// relative path, several "/" are one, and a path that ends in ".." gets a "/".
func removeDots(path string) string {
	rooted := strings.HasPrefix(path, "/")
	var kept []string
	folder := false
	for segment := range strings.SplitSeq(path, "/") {
		folder = segment == "" || segment == "." || segment == ".."
		switch {
		case segment == "" || segment == ".":
		case segment != "..":
			kept = append(kept, segment)
		case len(kept) > 0 && kept[len(kept)-1] != "..":
			kept = kept[:len(kept)-1]
		case !rooted:
			kept = append(kept, segment)
		}
	}
	out := strings.Join(kept, "/")
	if folder && len(kept) > 0 {
		out += "/"
	}
	if rooted {
		out = "/" + out
	}
	return out
}
