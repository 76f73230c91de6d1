//go:build !release

package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// signing is a world with a document to sign and the .p12 file of a citizen.
type signing struct {
	*world
	dir, document, key, password string
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	s := &signing{world: newTestWorld(t), dir: t.TempDir()}
	file, err := s.people.citizen.PKCS12("Qwerty12")
	if err != nil {
		t.Fatal(err)
	}
	s.document = s.write(t, "order.txt", []byte("төлем: 5406 ₸\n"))
	s.key, s.password = s.write(t, "citizen.p12", file), s.write(t, "password", []byte("Qwerty12\n"))
	return s
}

func (s *signing) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a command that must do its work, and returns what it printed.
func (s *signing) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.qaqpa(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refused runs a command that must not do its work, and say why.
func (s *signing) refused(t *testing.T, why string, args ...string) {
	t.Helper()
	out, err := s.qaqpa(t.Context(), args...)
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%s: %s, %v; want %q", strings.Join(args, " "), out, err, why)
	}
}

// TestSignWithAFile signs with a national key out of a PKCS #12 file, in each format, and validates what came out.
func TestSignWithAFile(t *testing.T) {
	s := newSigning(t)
	with := []string{"--key", s.key, "--key-password-file", s.password}
	sign := func(args ...string) string {
		t.Helper()
		return s.run(t, append(append([]string{"sign"}, args...), with...)...)
	}
	cms := sign(s.document)
	s.run(t, "validate", cms)
	if out := s.run(t, "validate", cms, "--etsi", "--policy=standard"); !strings.Contains(out, "<vr:ValidationReport") {
		t.Errorf("no report: %s", out)
	}
	both := sign(s.document, "--co-sign", cms, "--detached")
	if out := s.run(t, "validate", both, "--detached", s.document); !strings.Contains(out, "signature 2: TOTAL-PASSED") {
		t.Errorf("two signatures: %s", out)
	}
	xml := s.write(t, "order.xml", []byte(`<order xml:id="o"><fee>5406</fee></order>`))
	s.run(t, "validate", sign(xml, "--format=xml"))
	s.run(t, "validate", sign(xml, "--format=xades", "-o", xml+".xades"))
	s.run(t, "validate", sign(xml, "--format=xml", "--id=o", "-o", xml+".part"))
	soap := s.write(t, "message.xml", []byte(`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>`))
	s.run(t, "validate", sign(soap, "--format=wsse"))
	s.run(t, "validate", sign(soap, "--format=wsse", "--wsse-token=binary", "-o", soap+".binary"))
	if out := sign(s.document, "--format=raw"); !strings.Contains(out, ".sig (") || !strings.Contains(out, "r‖s little-endian") {
		t.Errorf("raw: %s", out)
	}
	claims := s.write(t, "claims.json", []byte(`{"sub":"қақпа"}`))
	token, err := os.ReadFile(sign(claims, "--format=jwt"))
	if err != nil {
		t.Fatal(err)
	}
	checkToken(t, s, string(token))
	if n := s.run(t, "audit", "verify"); n == "" {
		t.Error("the audit log says nothing")
	}
	s.refused(t, "already exists", append([]string{"sign", s.document}, with...)...)
}

// checkToken has the running gateway decode a token by the certificate of the citizen.
func checkToken(t *testing.T, s *signing, token string) {
	t.Helper()
	for want, text := range map[bool]string{true: token, false: token[:len(token)-4] + "AAAA"} {
		r, err := newStory(s.world).portal.post(t.Context(), "/jwt/decode", map[string]string{
			"jwt": text, "key": base64.StdEncoding.EncodeToString(s.people.citizen.Certificate),
		})
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Valid bool }
		if err := r.into(http.StatusOK, &answer); err != nil || answer.Valid != want {
			t.Errorf("token: %s, %v, want %v", r.body, err, want)
		}
	}
}

// TestSignedEvidenceOutlivesTheNetwork: time stamp and OCSP answers inside a document carry it when nobody answers any more, for a
// key of a file and for the seal in the token.
func TestSignedEvidenceOutlivesTheNetwork(t *testing.T) {
	s := newSigning(t)
	more := []string{"--timestamp", "--evidence", "--tsa", s.pkiServer.URL + "/tsp/"}
	signed := s.run(t, append([]string{"sign", s.document, "--key", s.key, "--key-password-file", s.password, "--chain"}, more...)...)
	sealed := s.run(t, append([]string{"seal", s.document, "-o", s.document + ".seal"}, more...)...)
	plain := s.run(t, "seal", s.document, "-o", s.document+".plain")
	for _, on := range []string{"ocsp", "crl", "tsp"} {
		if err := s.pkiServer.Faults.Add(fault.Fault{Kind: pki.FaultDown, On: on, Count: -1}); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{signed, sealed} {
		if out := s.run(t, "validate", "--offline", file); !strings.Contains(out, "CAdES-LT") || strings.Contains(out, "time_stamp_not_used") {
			t.Errorf("the evidence inside does not carry the time stamp: %s", out)
		}
	}
	s.refused(t, "exit status 3", "validate", "--offline", plain)
	s.refused(t, "no usable time stamp", append([]string{"seal", s.document, "-o", s.document + ".never"}, more...)...)
	if _, err := os.Stat(s.document + ".never"); err == nil {
		t.Error("a seal without the time stamp that was asked for was written")
	}
}

// TestSignWithTheToken: a key of the token signs each format that has its algorithm, and OpenSSL agrees.
func TestSignWithTheToken(t *testing.T) {
	s := newSigning(t)
	cms := s.run(t, "sign", s.document, "--hsm-key=seal", "--chain")
	s.run(t, "validate", cms)
	openssl(t, "cms", "-verify", "-inform=DER", "-in", cms, "-CAfile", s.anchorsFile(), "-purpose=any", "-out", os.DevNull)
	raw, _, _ := strings.Cut(s.run(t, "sign", s.document, "--hsm-key=seal", "--format=raw"), " (")
	openssl(t, "dgst", "-sha256", "-verify", s.keyFile("seal"), "-signature", raw, s.document)
	xml := s.write(t, "order.xml", []byte(`<order/>`))
	s.run(t, "validate", s.run(t, "sign", xml, "--format=xml", "--hsm-key=seal"))
}

func openssl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Errorf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestSignIsRefused: what must not be signed is not, and nothing is written.
func TestSignIsRefused(t *testing.T) {
	s := newSigning(t)
	wrong := s.write(t, "wrong", []byte("qwerty12"))
	revoked, err := s.pki.Issue(pki.Profile{Family: pki.GOST2015, Kind: pki.Citizen, Surname: "АХМЕТОВ", Given: "НҰРЛАН", IIN: pki.IIN(9)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.pki.Revoke(revoked, pki.KeyCompromise, revoked.Profile.NotBefore); err != nil {
		t.Fatal(err)
	}
	file, err := revoked.PKCS12("Qwerty12")
	if err != nil {
		t.Fatal(err)
	}
	revokedKey := s.write(t, "revoked.p12", file)
	impostor, err := s.pki.Issue(pki.Profile{Family: pki.GOST2015, Kind: pki.Citizen, Surname: "АХМЕТОВ", Given: "НҰРЛАН", IIN: pki.IIN(9), Impostor: true})
	if err != nil {
		t.Fatal(err)
	}
	if file, err = impostor.PKCS12("Qwerty12"); err != nil {
		t.Fatal(err)
	}
	impostorKey := s.write(t, "impostor.p12", file)
	key := []string{"--key", s.key, "--key-password-file", s.password}
	for _, c := range []struct {
		why  string
		args []string
	}{
		{"whose key signs", nil},
		{"whose key signs", append([]string{"--hsm-key=seal"}, key...)},
		{"wrong password", []string{"--key", s.key, "--key-password-file", wrong}},
		{"no password of the key", []string{"--key", s.key}},
		{"unknown flag", []string{"--key", s.key, "--key-password=Qwerty12"}}, // arguments can be read by every user
		{"no single key", append([]string{"--key-alias=nobody"}, key...)},
		{"certificate unusable", []string{"--key", revokedKey, "--key-password-file", s.password}},
		{"certificate unusable", []string{"--key", impostorKey, "--key-password-file", s.password}},
		{"give --tsa", append([]string{"--timestamp", "--tsa="}, key...)},
		{"unusable request", append([]string{"--format=jwt"}, key...)}, // the document is no set of claims
		{"--format=cms", append([]string{"--format=xml", "--detached"}, key...)},
		{"--format=xades", append([]string{"--format=xml", "--xades-level=T"}, key...)},
		{"--format=raw", append([]string{"--raw-form=pair"}, key...)},
		{"not in this form", append([]string{"--format=raw", "--raw-form=rfc", "--hsm-key=seal"}, nil...)},
		{"unusable request", append([]string{"--format=xml"}, key...)},
		{"couldn't find the key", []string{"--hsm-key=nobody"}},
	} {
		s.refused(t, c.why, append([]string{"sign", s.document}, c.args...)...)
	}
	for _, ending := range []string{".p7m", ".sig", ".jwt", ".signed.xml"} {
		if _, err := os.Stat(s.document + ending); err == nil {
			t.Errorf("%s was written", ending)
		}
	}
}
