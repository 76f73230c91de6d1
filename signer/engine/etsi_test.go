package engine_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"qaqpa/signer/report"
	"qaqpa/signer/xades"
	"qaqpa/testenv/pki"
)

// etsiOrder is the structure of ETSI TS 119 102-2 V1.4.1: the children of each element, in order, as regular expressions over
// their names. Elements that are not listed have text alone.
var etsiOrder = map[string]string{
	"ValidationReport":                      `(SignatureValidationReport )+(SignatureValidationObjects )?`,
	"SignatureValidationReport":             `(SignatureIdentifier )?(ValidationConstraintsEvaluationReport )?(ValidationTimeInfo )?(SignersDocument )?(SignatureAttributes )?(SignerInformation )?(SignatureValidationProcess )?SignatureValidationStatus `,
	"ValidationObject/ValidationReport":     `SignatureValidationStatus `,
	"SignatureIdentifier":                   `(DigestAlgAndValue )?HashOnly DocHashOnly `,
	"DigestAlgAndValue":                     `DigestMethod DigestValue `,
	"SigPolicyHash":                         `DigestMethod DigestValue `,
	"DigestMethod":                          ``,
	"ValidationConstraintsEvaluationReport": `(SignatureValidationPolicy )?(ValidationConstraint )*`,
	"SignatureValidationPolicy":             `SignaturePolicyIdentifier (PolicyName )?`,
	"SignaturePolicyIdentifier":             `SignaturePolicyId `,
	"SignaturePolicyId":                     `SigPolicyId (SigPolicyHash )?`,
	"SigPolicyId":                           `Identifier `,
	"ValidationConstraint":                  `ValidationConstraintIdentifier ConstraintStatus (ValidationStatus )?`,
	"ConstraintStatus":                      `Status `,
	"ValidationStatus":                      `MainIndication (SubIndication )*`,
	"SignatureValidationStatus":             `MainIndication (SubIndication )*(AssociatedValidationReportData )*`,
	"ValidationTimeInfo":                    `ValidationTime BestSignatureTime `,
	"BestSignatureTime":                     `POETime TypeOfProof (POEObject )?`,
	"POE":                                   `POETime TypeOfProof (POEObject )?`,
	"POEProvisioning":                       `POETime `,
	"POEObject":                             ``,
	"SignersDocument":                       `DigestAlgAndValue `,
	"SignatureAttributes":                   `(SigningTime |SigPolicyIdentifier |(AllDataObjects|IndividualDataObjects|Signature|SigAndRefs|RefsOnly|Archive|Doc)TimeStamp |CertificateValues |RevocationValues )+`,
	"SigningTime":                           `Time `,
	"SigPolicyIdentifier":                   `SigPolicyId `,
	"SignatureTimeStamp":                    `(AttributeObject )*TimeStampValue `,
	"AllDataObjectsTimeStamp":               `(AttributeObject )*TimeStampValue `,
	"ArchiveTimeStamp":                      `(AttributeObject )*TimeStampValue `,
	"AttributeObject":                       ``,
	"SignerInformation":                     `SignerCertificate (Signer )?`,
	"SignerCertificate":                     ``,
	"SignatureValidationProcess":            `(SignatureValidationProcessID )?`,
	"AssociatedValidationReportData":        `(TrustAnchor )?(CertificateChain )?(RelatedValidationObject )*(RevocationStatusInformation )?(AdditionalValidationReportData )?`,
	"CertificateChain":                      `SigningCertificate (IntermediateCertificate )*(TrustAnchor )?`,
	"TrustAnchor":                           ``,
	"SigningCertificate":                    ``,
	"IntermediateCertificate":               ``,
	"RelatedValidationObject":               ``,
	"RevocationStatusInformation":           `ValidationObjectId RevocationTime (RevocationReason )?(RevocationObject )?`,
	"ValidationObjectId":                    ``,
	"RevocationObject":                      ``,
	"AdditionalValidationReportData":        `(ReportData )+`,
	"ReportData":                            `Type Value `,
	"SignatureValidationObjects":            `(ValidationObject )+`,
	"ValidationObject":                      `ObjectType ValidationObjectRepresentation (POE )?(POEProvisioning )?(ValidationReport )?`,
	"ValidationObjectRepresentation":        `DigestAlgAndValue `,
	"SignatureAttributes/SigPolicyId":       ``,
}

// checkETSI holds a report against the structure, its identifiers and xmllint.
func checkETSI(t *testing.T, text []byte) {
	t.Helper()
	ids, refs := map[string]bool{}, map[string]bool{}
	type open struct {
		name     string
		children strings.Builder
	}
	stack := []*open{{}}
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			stack[len(stack)-1].children.WriteString(e.Name.Local + " ")
			stack = append(stack, &open{name: e.Name.Local})
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "id":
					if ids[a.Value] {
						t.Errorf("identifier %s stands twice", a.Value)
					}
					ids[a.Value] = true
				case "VOReference":
					refs[a.Value] = true
				}
			}
		case xml.EndElement:
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			parent := stack[len(stack)-1].name
			want, ok := etsiOrder[parent+"/"+top.name]
			if !ok {
				want, ok = etsiOrder[top.name]
			}
			if parent == "SigPolicyIdentifier" {
				want = ""
			}
			if got := top.children.String(); !regexp.MustCompile(`^`+want+`$`).MatchString(got) || !ok && got != "" {
				t.Errorf("%s in %s: %q, want %q", top.name, parent, got, want)
			}
		}
	}
	for r := range refs {
		if !ids[r] {
			t.Errorf("nothing is %s", r)
		}
	}
	if xmllint, err := exec.LookPath("xmllint"); err == nil {
		cmd := exec.CommandContext(t.Context(), xmllint, "--noout", "-")
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("xmllint: %v %s", err, out)
		}
	}
}

// TestETSIReports: the report of every kind of verdict (see also TestSubIndicationDocuments) has the structure of TS 119 102-2, names no object that it does not
// list, and says what the verdict says.
func TestETSIReports(t *testing.T) {
	a := newArchive(t)
	v := a.judge(a.archived(a.Stamped(a.Sign(a.ID, a.ContentStamped()), nil), nil))
	a.want(v, report.TotalPassed, "")
	text := v.ETSI()
	checkETSI(t, text)
	for _, want := range []string{"total-passed<", "validationprocess:LTVM", "ArchiveTimeStamp", "AllDataObjectsTimeStamp", "POEProvisioning", "TrustAnchor"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %s", want)
		}
	}
	text = a.judge(a.archivedXML(a.withXMLEvidence(a.stampedXML(a.signXML(a.ID, xades.SignInput{}))), nil)).ETSI()
	checkETSI(t, text)
	for _, want := range []string{"total-passed<", "validationprocess:LTVM", "ArchiveTimeStamp", "SignatureTimeStamp", "RevocationValues", "SigningTime", "POEProvisioning"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("XML: no %s", want)
		}
	}
	checkETSI(t, a.judge(a.Stamp(content, nil)).ETSI())
	hostile := a.Issue(pki.Profile{Kind: pki.Citizen, Surname: "<x>&\"'", Given: "]]>", IIN: pki.IIN(3)})
	text = a.judge(a.Sign(hostile, pki.CMSOptions{})).ETSI()
	checkETSI(t, text)
	if bytes.Contains(text, []byte("<x>")) {
		t.Error("a name is markup")
	}
}
