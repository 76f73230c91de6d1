package hostile

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strings"
	utf "unicode/utf16"
)

func armour(kind string, body []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body})
}

// utf16 is text in UTF-16, big-endian with a mark.
func utf16(text []byte) []byte {
	out := []byte{0xfe, 0xff}
	for _, u := range utf.Encode([]rune(string(text))) {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

// xmlInputs damage a signed document, a message or any other XML.
func xmlInputs(format string, doc []byte) (out []Input) {
	add := func(kind string, body []byte) { out = append(out, Input{format, kind, body}) }
	text := string(doc)
	for i := range 8 {
		add("truncated", doc[:len(doc)*i/8])
	}
	add("truncated", doc[:len(doc)-1])
	add("truncated", append(bytes.Clone(doc), doc...))
	add("over-nested", []byte(strings.Repeat("<a>", deep)+strings.Repeat("</a>", deep)))
	add("over-nested, never closed", []byte(strings.Repeat("<a>", deep)))
	add("over-nested, in the signature", []byte(strings.Replace(text, "<ds:SignedInfo>", "<ds:SignedInfo>"+strings.Repeat("<a>", deep)+strings.Repeat("</a>", deep), 1)))
	add("huge length, name", []byte("<"+strings.Repeat("a", wide)+"/>"))
	add("huge length, attribute", []byte(`<a b="`+strings.Repeat("c", wide)+`"/>`))
	add("huge length, value", []byte(strings.Replace(text, "<ds:SignatureValue>", "<ds:SignatureValue>"+strings.Repeat("AAAA", wide), 1)))
	add("huge length, entities", []byte(`<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;</a>`))
	add("huge length, character", []byte(`<a>&#x`+strings.Repeat("0", wide)+`41;</a>`))
	add("duplicate attribute", []byte(strings.Replace(text, "<ds:SignedInfo>", `<ds:SignedInfo Id="a" Id="b">`, 1)))
	add("duplicate attribute, by two prefixes", []byte(`<a xmlns:p="urn:x" xmlns:q="urn:x" p:id="1" q:id="2"/>`))
	add("duplicate identifiers", []byte(`<a>`+strings.Repeat(`<b xml:id="same"/>`, 20_000)+strings.TrimPrefix(text, `<?xml version="1.0" encoding="UTF-8"?>`)+`</a>`))
	var attributes, prefixes strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&attributes, ` a%d="1"`, i)
		fmt.Fprintf(&prefixes, ` xmlns:a%d="urn:%d"`, i, i)
	}
	add("attributes, 20,000", []byte("<a"+attributes.String()+"/>"))
	add("namespaces, 20,000", []byte("<a"+prefixes.String()+">"+strings.Repeat("<b/>", 20_000)+"</a>"))
	add("empty signer", between(text, "<ds:SignatureValue>", "</ds:SignatureValue>", ""))
	add("no signer", between(text, "<ds:KeyInfo>", "</ds:KeyInfo>", ""))
	add("empty signer, no SignedInfo", between(text, "<ds:SignedInfo>", "</ds:SignedInfo>", ""))
	add("references, 10,000", []byte(repeatPart(text, "<ds:Reference ", "</ds:Reference>", 10_000)))
	add("transforms, 10,000", []byte(repeatPart(text, "<ds:Transform ", "/>", 10_000)))
	add("signatures, 2,000", []byte(repeatPart(text, "<ds:Signature ", "</ds:Signature>", 2_000)))
	add("mixed encoding, UTF-16 that says UTF-8", utf16([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+text)))
	add("mixed encoding, says UTF-16", []byte(`<?xml version="1.0" encoding="UTF-16"?><a/>`))
	add("mixed encoding, broken UTF-8", bytes.Replace(doc, []byte("<ds:SignedInfo>"), []byte("<ds:SignedInfo>\xc0\x80\xff"), 1))
	add("mixed encoding, UTF-7", []byte(`<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-`))
	add("mixed encoding, CDATA and comments in values", []byte(strings.Replace(text, "<ds:SignatureValue>", "<ds:SignatureValue><![CDATA[AA]]><!-- -->", 1)))
	return out
}

// between puts other text between two marks.
func between(text, from, to, with string) []byte {
	head, rest, ok := strings.Cut(text, from)
	_, tail, found := strings.Cut(rest, to)
	if !ok || !found {
		return []byte(text)
	}
	return []byte(head + from + with + to + tail)
}

// repeatPart writes the part between two marks, with them, several times.
func repeatPart(text, from, to string, times int) string {
	at := strings.Index(text, from)
	if at < 0 {
		return text
	}
	end := strings.Index(text[at:], to)
	if end < 0 {
		return text
	}
	end += at + len(to)
	return text[:at] + strings.Repeat(text[at:end], times) + text[end:]
}

// jwtInputs damage a compact token: header, payload and signature, each in base64url.
func jwtInputs(header, payload string, signature []byte) (out []Input) {
	encode := base64.RawURLEncoding.EncodeToString
	add := func(kind, token string) { out = append(out, Input{"jwt", kind, []byte(token)}) }
	compact := func(header, payload string, signature []byte) string {
		return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode(signature)
	}
	good := compact(header, payload, signature)
	for i := range 8 {
		add("truncated", good[:len(good)*i/8])
	}
	add("truncated", good[:len(good)-1])
	add("truncated, more parts", good+"."+good)
	nest := strings.Repeat("[", deep) + strings.Repeat("]", deep)
	add("over-nested, header", compact(strings.Replace(header, "{", `{"x":`+nest+",", 1), payload, signature))
	add("over-nested, payload", compact(header, nest, signature))
	add("huge length, header", compact(strings.Replace(header, "{", `{"x":"`+strings.Repeat("x", wide)+`",`, 1), payload, signature))
	add("huge length, number", compact(header, `{"exp":1`+strings.Repeat("0", wide)+`}`, signature))
	add("huge length, exponent", compact(header, `{"exp":1e999999999}`, signature))
	add("huge length, signature", compact(header, payload, bytes.Repeat(signature, 10_000)))
	add("duplicate attribute", compact(strings.Replace(header, "{", `{"alg":"none",`, 1), payload, signature))
	var members strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&members, `"a%d":1,`, i)
	}
	add("members, 20,000", compact(strings.Replace(header, "{", "{"+members.String(), 1), payload, signature))
	add("crit, 20,000", compact(strings.Replace(header, "{", `{"crit":["a"`+strings.Repeat(`,"a"`, 20_000)+`],`, 1), payload, signature))
	add("empty signer", compact(header, payload, nil))
	add("empty signer, none", compact(`{"alg":"none"}`, payload, nil))
	add("empty signer, HMAC", compact(`{"alg":"HS256"}`, payload, signature))
	add("mixed encoding, base64", strings.ReplaceAll(strings.ReplaceAll(good, "-", "+"), "_", "/"))
	add("mixed encoding, padding", good+"==")
	add("mixed encoding, lines", good[:len(good)/2]+"\r\n"+good[len(good)/2:])
	add("mixed encoding, surrogates", compact(strings.Replace(header, "{", `{"x":"\ud800",`, 1), payload, signature))
	add("mixed encoding, broken UTF-8", compact(strings.Replace(header, "{", "{\"x\":\"\xff\xfe\",", 1), payload, signature))
	return out
}
