package receipt

import (
	"bytes"
	"unicode/utf16"
)

// titleMax bounds how much of a PDF's title is read, in octets.
const titleMax = 512

// CodeOfPDF is the code that a PDF of a receipt bears in its title; false where there is none. It proves nothing: whoever forges a
// receipt copies the title as well, so that the digest of the file has to be compared with the one in the core.
func CodeOfPDF(pdf []byte) (code string, ok bool) {
	_, rest, found := bytes.Cut(pdf, []byte("/Title ("))
	if !found || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		return "", false
	}
	title := unescape(rest[:min(len(rest), titleMax)])
	if !bytes.HasPrefix(title, []byte{0xfe, 0xff}) {
		return "", false
	}
	units := make([]uint16, 0, len(title)/2)
	for i := 2; i+1 < len(title); i += 2 {
		units = append(units, uint16(title[i])<<8|uint16(title[i+1]))
	}
	words := bytes.Fields([]byte(string(utf16.Decode(units))))
	if len(words) == 0 {
		return "", false
	}
	code, _, err := ParseCode(string(words[len(words)-1]))
	return code, err == nil
}

// unescape reads a literal string of a PDF (ISO 32000-1 7.3.4.2) to its end, with the escapes that our own writer makes.
func unescape(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text) && text[i] != ')'; i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		i++
		if text[i] == 'r' {
			out = append(out, '\r')
			continue
		}
		out = append(out, text[i])
	}
	return out
}
