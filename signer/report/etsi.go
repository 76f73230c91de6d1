package report

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Namespaces of ETSI TS 119 102-2 V1.4.1 and what it builds on.
const (
	etsiNamespace  = "http://uri.etsi.org/19102/v1.4.1#"
	xadesNamespace = "http://uri.etsi.org/01903/v1.3.2#"
	dsigNamespace  = "http://www.w3.org/2000/09/xmldsig#"

	etsiURN  = "urn:etsi:019102:"
	localURN = "urn:qaqpa:"
	sha256   = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// ETSI writes the verdict as a validation report of ETSI TS 119 102-2, in UTF-8 with a declaration. Objects are named by
// their SHA-256, as in the verdict itself; nothing is in it that the verdict does not say. Equal verdicts give equal octets.
func (v Verdict) ETSI() []byte {
	w := etsi{v: v, objects: map[string]*element{}}
	root := el("vr:ValidationReport").with("xmlns:vr", etsiNamespace).with("xmlns:XAdES", xadesNamespace).with("xmlns:ds", dsigNamespace)
	for i := range v.Signatures {
		w.signatures(root, &v.Signatures[i], "S"+strconv.Itoa(i+1))
	}
	if len(v.Signatures) == 0 {
		root.add(w.withoutSignature())
	}
	for _, e := range v.Evidence {
		w.object(e.SHA256, kindURNs[e.Kind])
	}
	if len(w.order) > 0 {
		list := el("vr:SignatureValidationObjects")
		for _, id := range w.order {
			list.add(w.objects[id])
		}
		root.add(list)
	}
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	root.write(&b)
	b.WriteByte('\n')
	return b.Bytes()
}

// etsi is a report that is being written: its objects, each once, in the order in which they were named.
type etsi struct {
	v       Verdict
	objects map[string]*element
	order   []string
}

var kindURNs = map[string]string{
	"certificate": "certificate", "crl": "CRL", "ocsp": "OCSPResponse", "policy": "other", "document": "signedData", "original": "signedData", "original_digests": "other", "timestamp": "timestamp",
}

// object names an object by its digest and gives its identifier; empty where there is no digest.
func (w *etsi) object(digest, kind string) string {
	if digest == "" {
		return ""
	}
	id := "O-" + digest
	if w.objects[id] == nil {
		w.objects[id] = el("vr:ValidationObject",
			leaf("vr:ObjectType", etsiURN+"validationObject:"+kind),
			el("vr:ValidationObjectRepresentation", digestOf(digest)),
			poe(w.v.At, "")).with("id", id)
		w.order = append(w.order, id)
	}
	return id
}

// digestOf is XAdES:DigestAlgAndValueType of a SHA-256 in hex; nil where there is none.
func digestOf(digest string) *element {
	raw, err := hex.DecodeString(digest)
	if err != nil || len(raw) == 0 {
		return nil
	}
	return el("vr:DigestAlgAndValue",
		el("ds:DigestMethod").with("Algorithm", sha256), leaf("ds:DigestValue", base64.StdEncoding.EncodeToString(raw)))
}

// poe is a proof of existence by validation, or by an object.
func poe(at time.Time, by string) *element {
	return el("vr:POE", moments(at), leaf("vr:TypeOfProof", etsiURN+"poetype:validation"), reference("vr:POEObject", by))
}

func moments(at time.Time) *element { return leaf("vr:POETime", moment(at)) }

func moment(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

func reference(name, id string) *element {
	if id == "" {
		return nil
	}
	return el(name).with("VOReference", id)
}

// signatures appends the report of a signature and of its counter-signatures.
func (w *etsi) signatures(to *element, s *Signature, id string) {
	to.add(el("vr:SignatureValidationReport",
		el("vr:SignatureIdentifier", digestOf(s.SHA256), leaf("vr:HashOnly", "false"), leaf("vr:DocHashOnly", "false")).with("id", id),
		w.constraints(s),
		w.times(s),
		w.document(),
		w.attributes(s),
		w.signer(s),
		el("vr:SignatureValidationProcess", leaf("vr:SignatureValidationProcessID", etsiURN+"validationprocess:"+processURNs[s.Process])),
		w.status(s.Indication, s.Sub, w.data(chainData{s.Chain, s.Revocation, s.Reasons, s.Algorithm, s.TimeStamps})),
	))
	for i := range s.CounterSignatures {
		w.signatures(to, &s.CounterSignatures[i], id+"-"+strconv.Itoa(i+1))
	}
}

var processURNs = map[string]string{"": "Basic", "basic": "Basic", "time": "LTVM", "long-term": "LTA"}

// withoutSignature is the report of what is no signature: a time-stamp token, or a document that could not be read.
func (w *etsi) withoutSignature() *element {
	v := &w.v
	var data *element
	if len(v.TimeStamps) > 0 {
		t := &v.TimeStamps[0]
		data = w.data(chainData{t.Chain, t.Revocation, t.Reasons, t.Algorithm, v.TimeStamps})
	} else {
		data = w.data(chainData{reasons: v.Reasons})
	}
	return el("vr:SignatureValidationReport",
		el("vr:ValidationConstraintsEvaluationReport", w.policy()),
		el("vr:ValidationTimeInfo", leaf("vr:ValidationTime", moment(v.At)), w.best(v.At, "")),
		w.document(),
		w.status(v.Indication, v.Sub, data))
}

// policy is SignatureValidationPolicy.
func (w *etsi) policy() *element {
	id := el("XAdES:SignaturePolicyId", el("XAdES:SigPolicyId", leaf("XAdES:Identifier", localURN+"policy:"+w.v.Policy)))
	if d := digestOf(w.v.PolicySHA256); d != nil {
		d.name = "XAdES:SigPolicyHash"
		id.add(d)
	}
	return el("vr:SignatureValidationPolicy", el("vr:SignaturePolicyIdentifier", id), leaf("vr:PolicyName", w.v.Policy))
}

// constraints is ValidationConstraintsEvaluationReport: building blocks first, then the policy's constraints.
func (w *etsi) constraints(s *Signature) *element {
	out := el("vr:ValidationConstraintsEvaluationReport", w.policy())
	for _, b := range s.Blocks {
		out.add(constraint("block:"+b.Name, "applied", strings.ToLower(b.Indication), b.Sub))
	}
	for _, c := range s.Constraints {
		indication := "passed"
		if !c.Kept {
			indication = "failed"
		}
		out.add(constraint("constraint:"+c.Name+":"+strings.ToLower(c.Level), "applied", indication, ""))
	}
	return out
}

func constraint(id, status, indication string, sub SubIndication) *element {
	return el("vr:ValidationConstraint",
		leaf("vr:ValidationConstraintIdentifier", localURN+id),
		el("vr:ConstraintStatus", leaf("vr:Status", etsiURN+"constraintStatus:"+status)),
		el("vr:ValidationStatus", leaf("vr:MainIndication", etsiURN+"mainindication:"+indication), subIndication(sub)))
}

func subIndication(sub SubIndication) *element {
	if sub == "" {
		return nil
	}
	return leaf("vr:SubIndication", etsiURN+"subindication:"+string(sub))
}

// times is ValidationTimeInfo with the time stamp that proves the best time.
func (w *etsi) times(s *Signature) *element {
	by := ""
	for i := range s.TimeStamps {
		if t := &s.TimeStamps[i]; s.TimeProven && t.Indication == TotalPassed && t.GenTime.Equal(s.BestAt) {
			by = w.timeStamp(t)
		}
	}
	return el("vr:ValidationTimeInfo", leaf("vr:ValidationTime", moment(w.v.At)), w.best(s.BestAt, by))
}

func (w *etsi) best(at time.Time, by string) *element {
	out := poe(at, by)
	out.name = "vr:BestSignatureTime"
	return out
}

func (w *etsi) document() *element {
	d := digestOf(w.v.ContentSHA256)
	if d == nil {
		return nil
	}
	return el("vr:SignersDocument", d)
}

// stampElements are the names under which TS 119 102-2 A.1 lists time stamps.
var stampElements = map[string]string{
	"content-time-stamp": "AllDataObjectsTimeStamp", "signature-time-stamp": "SignatureTimeStamp",
	"CAdES-C-time-stamp": "SigAndRefsTimeStamp", "time-stamped-certs-crls-references": "RefsOnlyTimeStamp",
	"individual-data-objects-time-stamp": "IndividualDataObjectsTimeStamp", "sig-and-refs-time-stamp": "SigAndRefsTimeStamp",
	"refs-only-time-stamp": "RefsOnlyTimeStamp", "archive-time-stamp": "ArchiveTimeStamp",
	"archive-time-stamp-v2": "ArchiveTimeStamp", "archive-time-stamp-v3": "ArchiveTimeStamp", "document-time-stamp": "DocTimeStamp",
}

// policyURI is the identifier of a signature policy as a URI, which it is in XAdES already.
func policyURI(id string) string {
	if strings.Trim(id, "0123456789.") == "" {
		return "urn:oid:" + id
	}
	return id
}

// attributes is SignatureAttributes; nil where there are none that it has a name for.
func (w *etsi) attributes(s *Signature) *element {
	out := el("vr:SignatureAttributes")
	if s.ClaimedAt != nil {
		out.add(el("vr:SigningTime", leaf("vr:Time", moment(*s.ClaimedAt))).with("Signed", "true"))
	}
	if p := s.SignaturePolicy; p != nil && p.OID != "" {
		out.add(el("vr:SigPolicyIdentifier", leaf("vr:SigPolicyId", policyURI(p.OID))).with("Signed", "true"))
	}
	for i := range s.TimeStamps {
		t := &s.TimeStamps[i]
		if name, ok := stampElements[t.Kind]; ok && !t.GenTime.IsZero() {
			out.add(el("vr:"+name, reference("vr:AttributeObject", w.timeStamp(t)), leaf("vr:TimeStampValue", moment(t.GenTime))).
				with("Signed", strconv.FormatBool(t.Kind == "content-time-stamp" || t.Kind == "individual-data-objects-time-stamp")))
		}
	}
	for _, a := range s.Attributes {
		switch a.Name {
		case "certificate-values", "CertificateValues":
			out.add(el("vr:CertificateValues").with("Signed", "false"))
		case "revocation-values", "RevocationValues":
			out.add(el("vr:RevocationValues").with("Signed", "false"))
		}
	}
	if len(out.children) == 0 {
		return nil
	}
	return out
}

func (w *etsi) signer(s *Signature) *element {
	if s.Signer == nil {
		return nil
	}
	return el("vr:SignerInformation",
		reference("vr:SignerCertificate", w.object(s.Signer.CertificateSHA256, kindURNs["certificate"])),
		leaf("vr:Signer", s.Signer.Name))
}

// timeStamp is the object of a time stamp, with its own validation report.
func (w *etsi) timeStamp(t *TimeStamp) string {
	if t.SHA256 == "" || w.objects["O-"+t.SHA256] != nil {
		return w.object(t.SHA256, kindURNs["timestamp"])
	}
	id := w.object(t.SHA256, kindURNs["timestamp"])
	indication := map[Indication]string{TotalPassed: "passed", TotalFailed: "failed", Indeterminate: "indeterminate"}[t.Indication]
	status := el("vr:SignatureValidationStatus", leaf("vr:MainIndication", etsiURN+"mainindication:"+indication), subIndication(t.Sub),
		w.data(chainData{chain: t.Chain, revocation: t.Revocation, reasons: t.Reasons, algorithm: t.Algorithm}))
	w.objects[id].add(
		el("vr:POEProvisioning", moments(t.GenTime)),
		el("vr:ValidationReport", status))
	return id
}

func (w *etsi) status(i Indication, sub SubIndication, data *element) *element {
	return el("vr:SignatureValidationStatus",
		leaf("vr:MainIndication", etsiURN+"mainindication:"+strings.ToLower(string(i))), subIndication(sub), data)
}
