package portal

import (
	"io/fs"
	"strings"
	"testing"
)

func TestLean(t *testing.T) {
	if got := leanMarkup("<p>\n  a\n  <pre>x\n  y</pre>\n  z\n</p>"); got != "<p>\na\n<pre>x\n  y</pre>\nz\n</p>" {
		t.Errorf("got %q", got)
	}
	if got := string(leanScript([]byte("// a\n  b(); // c\n\n    d();\n"))); got != "b(); // c\nd();\n" {
		t.Errorf("got %q", got)
	}
	if got := string(leanStyle([]byte("a { b: c; d: e f; }\n@media print {\n  a, b { c: d; }\n}\n"))); strings.Contains(got, ": ") || !strings.Contains(got, "d:e f}") {
		t.Errorf("got %q", got)
	}
}

// No script of ours has a text over several lines, which leanScript would change.
func TestScriptsHaveNoLongTexts(t *testing.T) {
	names, err := fs.Glob(scripts, "*.js")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		source, err := scripts.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(source), "\n") {
			if strings.Count(line, "`")%2 != 0 && !strings.HasPrefix(strings.TrimLeft(line, " "), "//") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
