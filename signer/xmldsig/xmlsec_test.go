package xmldsig_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// xmlsecRow is a row of the xmlsec corpus.
type xmlsecRow struct {
	Document string   `json:"document"`
	Expect   string   `json:"expect"`
	Algos    []string `json:"algorithms"`
	Options  string   `json:"verify_options"`
}

// options are what xmlsec 1.3 was told, as far as it matters here.
type options struct {
	enabled            []string
	keys               []algo.PublicKey
	trusted, untrusted []*pkix.Certificate
	crls               []*pkix.CRL
	checkCRLs          bool
	verifyKeys         bool
	pinned             *pkix.Certificate
	insecure           bool
	at                 time.Time
	stylesheet2005     bool
}

func certificateFile(tb testing.TB, file string) *pkix.Certificate {
	tb.Helper()
	all, err := pkix.ParsePEMOrDER(readFile(tb, file))
	if err != nil || len(all) == 0 {
		tb.Fatalf("%s: %v", file, err)
	}
	return all[0]
}

func parseOptions(tb testing.TB, dir, text string) (o options) {
	tb.Helper()
	top := corpora(tb, "xmlsec")
	format := "pem"
	if strings.HasSuffix(dir, "phaos-xmldsig-three") {
		format = "der"
	}
	text = strings.NewReplacer("$topfolder", top, "$cert_format", format, "$pub_key_format", "pem", "$rsa_pub_key_suffix", "").Replace(text)
	o.at = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	o.stylesheet2005 = strings.Contains(text, "$url_map_xml_stylesheet_2005")
	words := strings.Fields(text)
	file := func(i int) string {
		if filepath.IsAbs(words[i]) {
			return words[i]
		}
		return filepath.Join(dir, words[i])
	}
	for i := 0; i < len(words); i++ {
		name, _, _ := strings.Cut(words[i], ":")
		switch {
		case name == "--enabled-key-data":
			i++
			o.enabled = strings.Split(words[i], ",")
		case name == "$pub_key_option":
			i++
			if key, ok := publicKey(tb, file(i)); ok {
				o.keys = append(o.keys, key)
			}
		case strings.HasPrefix(name, "--pubkey-cert-"):
			i++
			o.pinned = certificateFile(tb, file(i))
			o.keys = append(o.keys, o.pinned.PublicKey)
		case strings.HasPrefix(name, "--trusted-"):
			i++
			o.trusted = append(o.trusted, certificateFile(tb, file(i)))
		case strings.HasPrefix(name, "--untrusted-"):
			i++
			o.untrusted = append(o.untrusted, certificateFile(tb, file(i)))
		case strings.HasPrefix(name, "--crl-"):
			i++
			b := readFile(tb, file(i))
			if block, _ := pem.Decode(b); block != nil {
				b = block.Bytes
			}
			l, err := pkix.ParseCRL(b)
			if err != nil {
				tb.Fatal(err)
			}
			o.crls = append(o.crls, l)
		case name == "--verify-crls":
			o.checkCRLs = true
		case name == "--verify-keys":
			o.verifyKeys = true
		case name == "--insecure":
			o.insecure = true
		case name == "--verification-gmt-time":
			i++
			at, err := time.Parse("2006-01-02+15:04:05", words[i])
			if err != nil {
				tb.Fatal(err)
			}
			o.at = at
		}
	}
	return o
}

// usesKeyValue: the row takes a bare key out of the document. Only a test does that.
func (o options) usesKeyValue() bool {
	for _, e := range o.enabled {
		switch e {
		case "key-value", "rsa", "dsa", "ec", "eddsa", "der-encoded-key-value":
			return true
		}
	}
	return false
}

// chains tells whether a certificate leads to what the row trusts, at its time.
func (o options) chains(c *pkix.Certificate, pool []*pkix.Certificate) bool {
	if o.insecure {
		return true
	}
	in := path.Inputs{
		Leaf: c, Pool: append(pool, o.untrusted...), At: o.at, CRLs: o.crls,
		Revocation: path.Revocation{Leaf: path.Off, CA: path.Off},
	}
	if o.checkCRLs {
		in.Revocation.Leaf = path.Required
	}
	for _, a := range o.trusted {
		in.Anchors = append(in.Anchors, path.Anchor{Certificate: a})
		if a.Equal(c) {
			return !o.at.Before(c.NotBefore) && !o.at.After(c.NotAfter)
		}
	}
	return path.Validate(in).Indication == path.Passed
}

// accepts judges a row as xmlsec was told to.
func accepts(tb testing.TB, s *xmldsig.Signature, checked *xmldsig.Checked, o options) (bool, string) {
	tb.Helper()
	if !passes(checked.Checks()) {
		return false, checked.Checks().String()
	}
	why := "no key"
	pool := append(offered(s), o.untrusted...)
	for _, c := range s.Candidates(append(pool, o.trusted...)) {
		checks := checked.Verify(c)
		switch {
		case !passes(checks):
			why = checks.String()
		case o.chains(c, pool):
			return true, checks.String()
		default:
			why = "no chain from " + c.Subject.String()
		}
	}
	keys := o.keys
	if o.pinned != nil && o.verifyKeys && !o.chains(o.pinned, nil) {
		keys = nil
	}
	if o.usesKeyValue() && s.KeyInfo != nil {
		keys = append(keys, s.KeyInfo.Keys...)
	}
	for _, key := range keys {
		check := s.VerifyKey(key)
		if check.Status <= cms.Noted {
			return true, check.Detail
		}
		why = check.Detail
	}
	return false, why
}

// policy tells why a row is outside what we claim: an algorithm that is refused.
func policy(row xmlsecRow, raw []byte) string {
	has := func(part string) bool {
		for _, a := range row.Algos {
			if strings.Contains(a, part) {
				return true
			}
		}
		return false
	}
	switch {
	case bytes.Contains(raw, []byte("<!DOCTYPE")):
		return "DOCTYPE"
	case bytes.Contains(raw, []byte("REC-xslt-19991116")):
		return "XSLT"
	case has("hmac"):
		return "HMAC"
	case has("dsa-sha1") && !has("ecdsa"), has("dsa-sha256") && !has("ecdsa"):
		return "DSA"
	case has("ripemd"):
		return "RIPEMD-160"
	case has("md5"):
		return "MD5"
	case has("ml-dsa"), has("slh-dsa"):
		return "post-quantum"
	case has("ed448"):
		return "Ed448"
	case has("ed25519ph"), has("ed25519ctx"):
		return "Ed25519 with prehash or context"
	case has("relationship"):
		return "OPC relationship transform"
	}
	return ""
}

func xmlsecRows(tb testing.TB) (rows []xmlsecRow) {
	tb.Helper()
	f, err := os.Open(filepath.Join(corpora(tb, "xmlsec"), "cases.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var row xmlsecRow
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			tb.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// deviations of the xmlsec suite, with the reason of each.
var xmlsecDeviations = map[string]string{}

func TestConformanceXMLSec(t *testing.T) {
	top := corpora(t, "xmlsec")
	rep := report{Suite: "xmlsec"}
	for _, row := range xmlsecRows(t) {
		rep.Total++
		file := filepath.Join(top, row.Document)
		raw := readFile(t, file)
		why := policy(row, raw)
		tree, err := xmltree.Parse(raw, xmltree.Limits{})
		if err != nil {
			if row.Expect == "fail" {
				rep.Agreed++
			} else if why != "" {
				rep.leaveOut(why)
			} else {
				t.Errorf("%s: %v", row.Document, err)
			}
			continue
		}
		doc, err := xmldsig.Open(tree, xmldsig.Limits{})
		if err != nil || len(doc.Signatures) == 0 {
			t.Errorf("%s: %v, %d signatures", row.Document, err, len(doc.Signatures))
			continue
		}
		s := doc.Signatures[0]
		o := parseOptions(t, filepath.Dir(file), row.Options)
		checked := s.Check(xmldsig.Inputs{Sources: stylesheet(folder(t, filepath.Dir(file)), top, o.stylesheet2005)})
		ok, detail := accepts(t, s, checked, o)
		known := xmlsecDeviations[row.Document]
		switch {
		case row.Expect == "fail" && ok:
			rep.WronglyAccepted++
			t.Errorf("%s: accepted, %s", row.Document, detail)
		case row.Expect == "fail":
			rep.Agreed++
			t.Logf("%s: refused: %s", row.Document, detail)
		case ok:
			rep.Agreed++
		case why != "":
			rep.leaveOut(why)
		case known != "":
			rep.deviate(row.Document, known)
		default:
			t.Errorf("%s: %s", row.Document, detail)
		}
	}
	rep.write(t)
}

// stylesheet picks the edition of a page that a row was signed over.
func stylesheet(next xmldsig.Sources, top string, old bool) xmldsig.Sources {
	return func(uri string, has bool) (xmldsig.Content, bool) {
		if old && uri == "http://www.w3.org/TR/xml-stylesheet" {
			b, err := os.ReadFile(filepath.Join(top, "external-data", "xml-stylesheet-2005"))
			return xmldsig.Content{Octets: b}, err == nil
		}
		return next(uri, has)
	}
}
