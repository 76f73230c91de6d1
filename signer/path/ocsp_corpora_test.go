package path

import (
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/pkix"
)

// TestOCSPCorpus runs the OCSP tests of OpenSSL as pyHanko describes them: 25 of 29 must not be accepted.
func TestOCSPCorpus(t *testing.T) {
	var cases []struct {
		Name       string
		Root       string
		Cert       string
		OtherCerts []string `json:"other_certs"`
		OCSPs      []string
		PathLen    int `json:"path_len"`
		Moment     string
		Error      *struct {
			Regex string `json:"msg_regex"`
		}
	}
	readJSON(t, "ocsp/openssl-ocsp.json", &cases)
	agreed := 0
	for _, c := range cases {
		ok := t.Run(c.Name, func(t *testing.T) {
			roots, err := pkix.ParsePEMOrDER(readFile(t, "ocsp/"+c.Root))
			if err != nil {
				t.Fatal(err)
			}
			in := Inputs{
				Leaf: readCert(t, "ocsp/"+c.Cert), Anchors: []Anchor{{Certificate: roots[0]}}, At: mustTime(t, c.Moment), Pool: roots[1:],
			}
			if len(c.OCSPs) < c.PathLen-1 { // nothing is said about the CA
				in.Revocation.CA = IfAvailable
			}
			for _, name := range c.OtherCerts {
				in.Pool = append(in.Pool, readCert(t, "ocsp/"+name))
			}
			for _, name := range c.OCSPs {
				in.OCSP = append(in.OCSP, readOCSP(t, "ocsp/"+name))
			}
			r := Validate(in)
			if c.Error == nil {
				if r.Indication != Passed || len(r.Chain) != c.PathLen {
					t.Error("want PASSED, got " + explain(r))
				}
				return
			}
			if r.Sub != TryLater {
				t.Error("want TRY_LATER, got " + explain(r))
			}
			if want := ocspCodes(c.Error.Regex); !rejectedFor(r, want) {
				t.Errorf("want one of %v (%s), got %s", want, c.Error.Regex, explain(r))
			}
		})
		if ok {
			agreed++
		}
	}
	t.Logf("OCSP: %d/%d agreed", agreed, len(cases))
}

// ocspCodes are the rules that an expected message stands for.
func ocspCodes(message string) []Code {
	switch {
	case strings.Contains(message, "hash does not match"):
		return []Code{CodeEvidenceScope}
	case strings.Contains(message, "recent"):
		return []Code{CodeEvidenceStale}
	case strings.Contains(message, "Unable to verify OCSP response signature"):
		return []Code{CodeEvidenceSignature, CodeEvidenceSigner}
	}
	return []Code{CodeEvidenceSigner}
}

func rejectedFor(r Result, codes []Code) bool {
	for _, info := range r.Revocation {
		for _, x := range info.Rejected {
			if slices.Contains(codes, x.Problem.Code) {
				return true
			}
		}
	}
	return false
}

// TestNationalResponses judges the four samples of the national responder.
func TestNationalResponses(t *testing.T) {
	pool := kzCertificates(t)
	var agreed, total int
	for _, c := range []struct {
		file string
		want Status
	}{
		{"individual_2015", StatusUnknown},
		{"individual_sign_2004", StatusUnavailable}, // good, but said after the certificate expired
		{"ceo_sign_2004_revoked", StatusRevoked},
		{"ceo_2015_revoked", StatusRevoked},
	} {
		total++
		o := readOCSP(t, "kz/ncanode/ocsp/ocsp_response_"+c.file+".bin")
		s := o.Responses[0]
		asked, issuer := askedFor(o, pool)
		if asked == nil {
			t.Errorf("%s: no certificate of the corpora is the one asked for (serial %x)", c.file, s.CertID.Serial)
			continue
		}
		v := newValidation(&Inputs{Leaf: asked, Pool: pool, OCSP: []*pkix.OCSPResponse{o}, At: s.ThisUpdate})
		info := v.statusOf(question{cert: asked, issuer: issuer, path: []*pkix.Certificate{issuer}}, Required)
		if info.Status != c.want {
			t.Errorf("%s: want %s, got %s, rejected %+v", c.file, c.want, info.Status, info.Rejected)
			continue
		}
		if c.want == StatusUnavailable && info.Rejected[0].Problem.Code != CodeEvidenceExpiredCert {
			t.Errorf("%s: rejected for another reason: %+v", c.file, info.Rejected)
		}
		agreed++
	}
	t.Logf("national OCSP responses: %d/%d", agreed, total)
}

func askedFor(o *pkix.OCSPResponse, pool []*pkix.Certificate) (cert, issuer *pkix.Certificate) {
	for _, c := range pool {
		for _, i := range pool {
			if c.Issuer.Equal(i.Subject) && o.Responses[0].CertID.Matches(c, i) {
				return c, i
			}
		}
	}
	return nil, nil
}
