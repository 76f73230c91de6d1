package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the verdict to dst in exactly the octets that encoding/json writes for it (a test compares them, every field
// set), which is what is stored, compared and answered; a fifth of the time and less, without reflection. The error is that of a time which
// JSON cannot have (a year beyond 9999).
func (v *Verdict) AppendJSON(dst []byte) ([]byte, error) {
	w := jsonWriter{b: dst}
	w.verdict(v)
	if w.err != nil {
		return dst, fmt.Errorf("couldn't write down the verdict: %w", w.err)
	}
	return w.b, nil
}

// jsonWriter writes members in order; each begins with what stands before its value.
type jsonWriter struct {
	b   []byte
	err error
}

// text writes a member that is always there; opt one that is left out when empty.
func (w *jsonWriter) text(before, s string) {
	w.b = append(w.b, before...)
	w.string(s)
}

func (w *jsonWriter) opt(before, s string) {
	if s != "" {
		w.text(before, s)
	}
}

func (w *jsonWriter) flag(before string, f bool) {
	w.b = append(w.b, before...)
	w.b = strconv.AppendBool(w.b, f)
}

func (w *jsonWriter) optFlag(before string, f bool) {
	if f {
		w.flag(before, f)
	}
}

func (w *jsonWriter) optInt(before string, n int) {
	if n != 0 {
		w.b = append(w.b, before...)
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
}

func (w *jsonWriter) time(before string, t time.Time) {
	w.b = append(append(w.b, before...), '"')
	if y := t.Year(); y < 0 || y > 9999 {
		w.err = fmt.Errorf("year %d", y) // RFC 3339 has four digits
	}
	w.b = append(t.AppendFormat(w.b, time.RFC3339Nano), '"')
}

func (w *jsonWriter) optTime(before string, t *time.Time) {
	if t != nil {
		w.time(before, *t)
	}
}

// plainByte marks what stands in a JSON string as it is, for encoding/json too, which escapes what HTML minds. Octets of longer
// characters are looked at as a whole; 0xe2 begins the two line ends of Unicode that JavaScript once minded.
var plainByte = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0xe2
	}
	return plain
}()

// string writes a string. What has to be escaped or mended is left to encoding/json.
func (w *jsonWriter) string(s string) {
	ascii := true
	for i := 0; i < len(s); {
		if i+8 <= len(s) && plainWord(s[i:i+8]) {
			i += 8
			continue
		}
		for end := min(i+8, len(s)); i < end; i++ {
			if !plainByte[s[i]] {
				w.escaped(s)
				return
			}
			ascii = ascii && s[i] < utf8.RuneSelf
		}
	}
	if !ascii && !utf8.ValidString(s) {
		w.escaped(s)
		return
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

// plainWord tells of eight octets at once that all are ASCII and plain. Where it says no they are looked at one by one: a carry out of
// a special octet may make its neighbour look like one.
func plainWord(s string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	_ = s[7]
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	quote, angle, slash := x|4*ones^0x26*ones, x|2*ones^0x3e*ones, x^'\\'*ones // zero octets: " or &; < or >; \
	return (x|(x-' '*ones)|(quote-ones)|(angle-ones)|(slash-ones))&highs == 0
}

func (w *jsonWriter) escaped(s string) {
	b, err := json.Marshal(s)
	if err != nil {
		w.err = err
		return
	}
	w.b = append(w.b, b...)
}

// list writes an array; null where there is none.
func list[T any](w *jsonWriter, before string, all []T, one func(*T)) {
	w.b = append(w.b, before...)
	if all == nil {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, '[')
	for i := range all {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		one(&all[i])
	}
	w.b = append(w.b, ']')
}

// optList leaves an empty array out.
func optList[T any](w *jsonWriter, before string, all []T, one func(*T)) {
	if len(all) > 0 {
		list(w, before, all, one)
	}
}

func (w *jsonWriter) verdict(v *Verdict) {
	before := `{"indication":`
	if v.ID != "" {
		w.text(`{"id":`, v.ID)
		before = `,"indication":`
	}
	w.text(before, string(v.Indication))
	w.opt(`,"sub_indication":`, string(v.Sub))
	w.text(`,"format":`, v.Format)
	w.opt(`,"coverage":`, v.Coverage)
	w.flag(`,"detached":`, v.Detached)
	w.time(`,"at":`, v.At)
	w.time(`,"evidence_at":`, v.EvidenceAt)
	w.text(`,"policy":`, v.Policy)
	w.opt(`,"policy_sha256":`, v.PolicySHA256)
	w.text(`,"trust_mode":`, v.TrustMode)
	w.text(`,"trust_sha256":`, v.TrustSHA256)
	w.text(`,"document_sha256":`, v.DocumentSHA256)
	w.opt(`,"content_sha256":`, v.ContentSHA256)
	list(w, `,"reasons":`, v.Reasons, w.reason)
	optList(w, `,"remarks":`, v.Remarks, w.reason)
	list(w, `,"signatures":`, v.Signatures, w.signature)
	optList(w, `,"time_stamps":`, v.TimeStamps, w.timeStamp)
	list(w, `,"evidence":`, v.Evidence, w.evidence)
	w.end()
}

func (w *jsonWriter) signature(s *Signature) {
	before := `{"indication":`
	if s.SHA256 != "" {
		w.text(`{"sha256":`, s.SHA256)
		before = `,"indication":`
	}
	w.text(before, string(s.Indication))
	w.opt(`,"sub_indication":`, string(s.Sub))
	w.text(`,"level":`, s.Level)
	w.integrity(`,"integrity":`, &s.Integrity)
	w.opt(`,"process":`, s.Process)
	optList(w, `,"blocks":`, s.Blocks, w.block)
	list(w, `,"reasons":`, s.Reasons, w.reason)
	optList(w, `,"remarks":`, s.Remarks, w.reason)
	if s.Signer != nil {
		w.b = append(w.b, `,"signer":`...)
		w.signer(s.Signer)
	}
	w.optTime(`,"claimed_signing_time":`, s.ClaimedAt)
	w.time(`,"best_signature_time":`, s.BestAt)
	w.flag(`,"time_proven":`, s.TimeProven)
	w.text(`,"algorithm":`, s.Algorithm)
	w.text(`,"covers":`, s.Covers)
	optList(w, `,"scopes":`, s.Scopes, w.scope)
	w.optInt(`,"revision":`, s.Revision)
	w.optInt(`,"revisions":`, s.Revisions)
	optList(w, `,"changes":`, s.Changes, w.change)
	list(w, `,"chain":`, s.Chain, w.certificate)
	list(w, `,"revocation":`, s.Revocation, w.revocation)
	w.optTime(`,"signed_after":`, s.AfterAt)
	if s.SignaturePolicy != nil {
		w.b = append(w.b, `,"signature_policy":`...)
		w.signaturePolicy(s.SignaturePolicy)
	}
	optList(w, `,"attributes":`, s.Attributes, w.attribute)
	optList(w, `,"attribute_certificates":`, s.AttributeCertificates, w.attributeCertificate)
	optList(w, `,"constraints":`, s.Constraints, w.constraint)
	optList(w, `,"time_stamps":`, s.TimeStamps, w.timeStamp)
	optList(w, `,"counter_signatures":`, s.CounterSignatures, w.signature)
	w.end()
}
