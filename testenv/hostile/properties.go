package hostile

import (
	"encoding/base64"
	"strings"
)

// xadesInputs damage a XAdES signature as any XML, and give it properties that cost much: many, large, doubled, and time stamps over all that
// stands before them. What is only added to the unsigned properties leaves the signature good.
func xadesInputs(doc, token []byte) []Input {
	out := xmlInputs("xades", doc)
	text := string(doc)
	const end = "</xades:SignedProperties>"
	add := func(kind, old, with string) {
		out = append(out, Input{"xades", kind, []byte(strings.Replace(text, old, with, 1))})
	}
	unsigned := func(kind, properties string) {
		add("unsigned properties, "+kind, end, end+"<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"+properties+
			"</xades:UnsignedSignatureProperties></xades:UnsignedProperties>")
	}
	encoded := "<xades:EncapsulatedTimeStamp>" + base64.StdEncoding.EncodeToString(token) + "</xades:EncapsulatedTimeStamp>"
	archive := "<xades:ArchiveTimeStamp>" + encoded + "</xades:ArchiveTimeStamp>"
	value := "<xades:EncapsulatedX509Certificate>" + strings.Repeat("MIIB", 1000) + "</xades:EncapsulatedX509Certificate>"
	values := "<xades:CertificateValues>" + strings.Repeat(value, 400) + "</xades:CertificateValues>"
	references := "<xades:CompleteCertificateRefs>" + strings.Repeat("<xades:Cert><xades:CertDigest/></xades:Cert>", 30_000) + "</xades:CompleteCertificateRefs>"
	unsigned("20,000", strings.Repeat("<xades:Any/>", 20_000))
	unsigned("500 time stamps", strings.Repeat(archive, 500))
	unsigned("time stamps over evidence", values+references+strings.Repeat(archive, 40))
	unsigned("evidence between time stamps", strings.Repeat(values[:len(values)/20/len(value)*len(value)+len("<xades:CertificateValues>")]+"</xades:CertificateValues>"+archive, 20))
	unsigned("20,000 time stamps in one", "<xades:SignatureTimeStamp>"+strings.Repeat("<xades:EncapsulatedTimeStamp>AAAA</xades:EncapsulatedTimeStamp>", 20_000)+"</xades:SignatureTimeStamp>")
	unsigned("50,000 XML time stamps", "<xades:SignatureTimeStamp>"+strings.Repeat("<xades:XMLTimeStamp/>", 50_000)+"</xades:SignatureTimeStamp>")
	unsigned("includes", "<xades:ArchiveTimeStamp>"+strings.Repeat(`<xades:Include URI="#none"/>`, 20_000)+encoded+"</xades:ArchiveTimeStamp>")
	unsigned("nested", strings.Repeat("<xades:CounterSignature>", 200)+strings.Repeat("</xades:CounterSignature>", 200))
	add("properties, 20,000 sets", "</ds:Signature>", "<ds:Object>"+strings.Repeat(`<q:QualifyingProperties xmlns:q="http://uri.etsi.org/01903/v1.3.2#"/>`, 20_000)+"</ds:Object></ds:Signature>")
	add("properties, 20,000 unknown parts", end, end+strings.Repeat("<evil/>", 20_000))
	add("properties, 20,000 signed times", "<xades:SigningTime>", strings.Repeat("<xades:SigningTime>2026-01-01T00:00:00Z</xades:SigningTime>", 20_000)+"<xades:SigningTime>")
	return out
}
