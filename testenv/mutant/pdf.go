package mutant

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
)

// Part is a part of a PDF file.
type Part struct {
	// Kind is "object", "stream", "cross-reference", "trailer" (a token of a trailer, startxref or comment outside of objects),
	// "signature" (a token of a signature dictionary) or "token".
	Kind     string
	From, To int
}

var (
	pdfObject = regexp.MustCompile(`\b\d+[ \r\n]+\d+[ \r\n]+obj\b`)
	pdfStream = regexp.MustCompile(`\bstream(\r\n|\n|\r)`)
	pdfEntry  = regexp.MustCompile(`\b\d{10} \d{5} [nf]`)
	pdfToken  = regexp.MustCompile(`/[^\s/<>\[\](){}%]*|\((?:[^()\\]|\\.)*\)|<<|>>|<[0-9A-Fa-f\s]*>|\[|\]|[^\s/<>\[\](){}%]+|%[^\r\n]*`)
)

// tokensMax is how many tokens of an object are changed: a page's are not more telling than its first ones. All are in signature
// dictionaries, trailers and cross-references.
const tokensMax = 6

// PDF finds the parts of a file in its order, and how many tokens are left out of long objects.
func PDF(file []byte) (all []Part, leftOut int) {
	at := 0
	for _, m := range pdfObject.FindAllIndex(file, -1) {
		if m[0] < at { // in a stream
			continue
		}
		all = append(all, outside(file, at, m[0])...)
		end := len(file)
		body, data := m[1], [2]int{}
		if s := pdfStream.FindIndex(file[body:]); s != nil {
			if e := bytes.Index(file[body:], []byte("endobj")); e < 0 || body+s[0] < body+e {
				data[0] = body + s[1]
				data[1] = end
				if e := bytes.Index(file[data[0]:], []byte("endstream")); e >= 0 {
					data[1] = data[0] + e
				}
			}
		}
		after := max(body, data[1])
		if e := bytes.Index(file[after:], []byte("endobj")); e >= 0 {
			end = after + e + len("endobj")
		}
		all = append(all, Part{"object", m[0], end})
		head := end
		if data[1] > 0 {
			head = data[0]
			all = append(all, Part{"stream", data[0], data[1]})
		}
		tokens, left := inObject(file, m[0], head)
		all, leftOut, at = append(all, tokens...), leftOut+left, end
	}
	return append(all, outside(file, at, len(file))...), leftOut
}

// inObject are the tokens of an object.
func inObject(file []byte, from, to int) (out []Part, leftOut int) {
	found := pdfToken.FindAllIndex(file[from:to], -1)
	signature := bytes.Contains(file[from:to], []byte("/ByteRange"))
	for i, m := range found {
		p := Part{"token", from + m[0], from + m[1]}
		if signature {
			p.Kind = "signature"
		} else if len(found) > tokensMax && i > 0 && i*tokensMax/len(found) == (i-1)*tokensMax/len(found) {
			leftOut++
			continue
		}
		out = append(out, p)
	}
	return out, leftOut
}

// outside are the parts between objects.
func outside(file []byte, from, to int) (out []Part) {
	entries := pdfEntry.FindAllIndex(file[from:to], -1)
	for i, m := range entries {
		if chosen(i, len(entries)) {
			out = append(out, Part{"cross-reference", from + m[0], from + m[1]})
		}
	}
	for _, m := range pdfToken.FindAllIndex(file[from:to], -1) {
		in := func(e []int) bool { return m[0] >= e[0] && m[1] <= e[1] }
		if !slices.ContainsFunc(entries, in) {
			out = append(out, Part{"trailer", from + m[0], from + m[1]})
		}
	}
	return out
}

// Changes are what is done to one part: an object and a token of the structure is removed and doubled, all else has an octet changed.
func (p Part) Changes(file []byte, try Try) {
	if p.Kind != "token" && p.Kind != "cross-reference" {
		try("removed", func() []byte { return splice(file, p.From, p.To, nil) })
		try("doubled", func() []byte { return splice(file, p.To, p.To, file[p.From:p.To]) })
	}
	switch p.Kind {
	case "object":
	case "stream":
		for _, at := range slices.Compact([]int{p.From, (p.From + p.To) / 2, p.To - 1}) {
			if at >= p.From && at < p.To {
				try(fmt.Sprintf("octet %d of %d", at-p.From, p.To-p.From), func() []byte { return flipped(file, at, 1<<(at%8)) })
			}
		}
	default:
		at := (p.From + p.To) / 2
		try(fmt.Sprintf("octet %d of %d", at-p.From, p.To-p.From), func() []byte {
			changed := bytes.Clone(file)
			if changed[at] = another(file[at]); !alphanumeric(file[at]) {
				changed[at] = file[at] ^ 1
			}
			return changed
		})
	}
}
