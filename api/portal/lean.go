package portal

import "strings"

// Pages are read over slow lines by people who pay for each kilobyte: what is there for the eye of a programmer alone does not travel.

// leanMarkup takes the indentation out of a template, but within <pre>, where it is text.
func leanMarkup(source string) string {
	lines := strings.Split(source, "\n")
	within := false
	for i, line := range lines {
		if !within {
			lines[i] = strings.TrimLeft(line, " ")
		}
		if strings.Contains(line, "<pre") {
			within = true
		}
		if strings.LastIndex(line, "</pre>") > strings.LastIndex(line, "<pre") {
			within = false
		}
	}
	return strings.Join(lines, "\n")
}

// leanScript takes indentation and lines of comment out of a script of ours, which has no text of several lines.
func leanScript(source []byte) []byte {
	var out []string
	for line := range strings.SplitSeq(string(source), "\n") {
		line = strings.TrimLeft(line, " ")
		if line != "" && !strings.HasPrefix(line, "//") {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, "\n") + "\n")
}

// leanStyle takes blanks out of a style sheet in which they mean nothing.
func leanStyle(source []byte) []byte {
	text := strings.NewReplacer("\n  ", "\n", " {\n", "{", " { ", "{", "; }", "}", ": ", ":", "; ", ";", ", ", ",", ";\n", ";").Replace(string(source))
	return []byte(text)
}
