package xmltree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charsets are the single-octet encodings that are met in practice, by lower-case name.
var charsets = map[string]*charmap.Charmap{
	"iso-8859-1": charmap.ISO8859_1, "iso-8859-2": charmap.ISO8859_2, "iso-8859-5": charmap.ISO8859_5,
	"iso-8859-9": charmap.ISO8859_9, "iso-8859-15": charmap.ISO8859_15,
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252,
	"koi8-r": charmap.KOI8R,
}

var bomUTF8 = []byte{0xef, 0xbb, 0xbf}

// decode turns the input into UTF-8 without a byte order mark and tells the family of encodings that its octets showed:
// "UTF-8", "UTF-16" or the name of a single-octet one.
func decode(b []byte, lim Limits) (text, encoding string, err error) {
	if len(b) > lim.Bytes {
		return "", "", fmt.Errorf("couldn't read XML: %w: more than %d octets", ErrLimit, lim.Bytes)
	}
	switch {
	case bytes.HasPrefix(b, bomUTF8):
		text, encoding = string(b[len(bomUTF8):]), "UTF-8"
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		text, encoding = decodeUTF16(b[2:], binary.BigEndian), "UTF-16"
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		text, encoding = decodeUTF16(b[2:], binary.LittleEndian), "UTF-16"
	default:
		if text, encoding, err = decodeDeclared(b); err != nil {
			return "", "", err
		}
	}
	if encoding == "UTF-16" && text == "" {
		return "", "", fmt.Errorf("couldn't read XML: %w: not UTF-16", ErrEncoding)
	}
	if len(text) > lim.Bytes {
		return "", "", fmt.Errorf("couldn't read XML: %w: more than %d octets of UTF-8", ErrLimit, lim.Bytes)
	}
	if at, ok := invalidAt(text); !ok {
		return "", "", badCharacter(text, at)
	}
	return text, encoding, nil
}

func badCharacter(text string, at int) error {
	r, size := utf8.DecodeRuneInString(text[at:])
	if r == utf8.RuneError && size <= 1 {
		return positionError(text, at, ErrEncoding, fmt.Sprintf("octet %#02x is not UTF-8", text[at]))
	}
	return positionError(text, at, ErrSyntax, fmt.Sprintf("character %U", r))
}

// decodeUTF16 returns "" for what is not UTF-16.
func decodeUTF16(b []byte, order binary.ByteOrder) string {
	if len(b)%2 != 0 {
		return ""
	}
	out := make([]byte, 0, len(b)+len(b)/2)
	for i := 0; i < len(b); i += 2 {
		r := rune(order.Uint16(b[i:]))
		if utf16.IsSurrogate(r) {
			if i+4 > len(b) {
				return ""
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(b[i+2:]))); r == utf8.RuneError {
				return ""
			}
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// decodeDeclared takes the encoding from the XML declaration, which is ASCII in every encoding that comes here.
func decodeDeclared(b []byte) (text, encoding string, err error) {
	name := strings.ToLower(declaredEncoding(b))
	switch name {
	case "", "utf-8":
		return string(b), "UTF-8", nil
	case "us-ascii", "ascii":
		for _, c := range b {
			if c >= utf8.RuneSelf {
				return "", "", fmt.Errorf("couldn't read XML: %w: octet %#02x is not ASCII", ErrEncoding, c)
			}
		}
		return string(b), "UTF-8", nil
	}
	set, ok := charsets[name]
	if !ok {
		return "", "", fmt.Errorf("couldn't read XML: %w: %q", ErrEncoding, name)
	}
	out := make([]byte, 0, len(b)+len(b)/4)
	for _, c := range b {
		r := set.DecodeByte(c)
		if r == utf8.RuneError {
			return "", "", fmt.Errorf("couldn't read XML: %w: octet %#02x is not %s", ErrEncoding, c, name)
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), name, nil
}

// declaredEncoding finds the name in the declaration without judging the declaration; the parser does that later.
func declaredEncoding(b []byte) string {
	head := b[:min(len(b), 256)]
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(head, []byte("?>"))
	at := bytes.Index(head, []byte("encoding"))
	if end < 0 || at < 0 || at > end {
		return ""
	}
	rest := bytes.TrimLeft(head[at+len("encoding"):end], " \t\r\n=")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	close := bytes.IndexByte(rest[1:], rest[0])
	if close < 0 {
		return ""
	}
	return string(rest[1 : 1+close])
}

// agrees tells whether a declared encoding names what the octets are.
func agrees(declared, found string) bool {
	declared = strings.ToLower(declared)
	switch found {
	case "UTF-8":
		return declared == "utf-8" || declared == "us-ascii" || declared == "ascii"
	case "UTF-16":
		return declared == "utf-16" || declared == "utf-16le" || declared == "utf-16be"
	}
	return declared == found
}
