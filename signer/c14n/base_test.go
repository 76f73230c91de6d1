package c14n

import "testing"

// Table of Canonical XML 1.1 appendix A, and RFC 3986 5.4 where the base is absolute.
func TestJoinReferences(t *testing.T) {
	for _, c := range [][3]string{
		{"abc/", "../", ""},
		{"abc/", "../../", "../"},
		{"../abc/", "..", "../"},
		{"..", "x", "../x"},
		{"http://www.example.com/something/else", "../bar/", "http://www.example.com/bar/"},
		{"../bar/", "foo", "../bar/foo"},
		{"http://a/b/c/d;p?q", "g:h", "g:h"},
		{"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
		{"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
		{"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
		{"http://a/b/c/d;p?q", "/g", "http://a/g"},
		{"http://a/b/c/d;p?q", "//g", "http://g"},
		{"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
		{"http://a/b/c/d;p?q", "g?y#s", "http://a/b/c/g?y#s"},
		{"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q#s"},
		{"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
		{"http://a/b/c/d;p?q", ".", "http://a/b/c/"},
		{"http://a/b/c/d;p?q", "..", "http://a/b/"},
		{"http://a/b/c/d;p?q", "../..", "http://a/"},
		{"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
		{"http://a", "g", "http://a/g"},
	} {
		if got := joinReferences(c[0], c[1]); got != c[2] {
			t.Errorf("%q and %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
	for path, want := range map[string]string{
		"no/.././/pseudo-netpath/seg/file.ext":        "pseudo-netpath/seg/file.ext",
		"no/..//.///pseudo-netpath/seg/file.ext":      "pseudo-netpath/seg/file.ext",
		"yes/no//..//.///pseudo-netpath/seg/file.ext": "yes/pseudo-netpath/seg/file.ext",
		"no/../yes": "yes", "no/../yes/": "yes/", "no/../yes/no/..": "yes/", "../../no/../..": "../../../",
		"no/../..": "../", "/..": "/", ".": "", "./": "", "..": "../", "../": "../", "/.": "/", "/a/./b": "/a/b",
	} {
		if got := removeDots(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
