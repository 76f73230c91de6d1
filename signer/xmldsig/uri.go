package xmldsig

import (
	"fmt"

	"qaqpa/signer/algo"
)

// Namespaces.
const (
	Space     = "http://www.w3.org/2000/09/xmldsig#"
	Space11   = "http://www.w3.org/2009/xmldsig11#"
	SpaceMore = "http://www.w3.org/2001/04/xmldsig-more#"
	SpaceWSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
)

const (
	more2007 = "http://www.w3.org/2007/05/xmldsig-more#"
	more2021 = "http://www.w3.org/2021/04/xmldsig-more#"
	xmlenc   = "http://www.w3.org/2001/04/xmlenc#"
	national = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
	cpxmlsec = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
)

// digestURIs are the DigestMethods (RFC 9231 2.1, kz-eds §6). Where several name one hash the first is written.
var digestURIs = []struct {
	uri  string
	hash algo.Hash
}{
	{Space + "sha1", algo.SHA1},
	{SpaceMore + "sha224", algo.SHA224},
	{xmlenc + "sha256", algo.SHA256},
	{SpaceMore + "sha384", algo.SHA384},
	{xmlenc + "sha512", algo.SHA512},
	{more2007 + "sha3-224", algo.SHA3_224},
	{more2007 + "sha3-256", algo.SHA3_256},
	{more2007 + "sha3-384", algo.SHA3_384},
	{more2007 + "sha3-512", algo.SHA3_512},
	{SpaceMore + "md5", algo.MD5},
	{SpaceMore + "gost34311", algo.GOST94Test},
	{national + "gostr34112015-256", algo.Streebog256},
	{national + "gostr34112015-512", algo.Streebog512},
	{SpaceMore + "gostr3411", algo.GOST94CryptoPro},
	{cpxmlsec + "gostr3411", algo.GOST94CryptoPro},
	{cpxmlsec + "gostr34112012-256", algo.Streebog256},
	{cpxmlsec + "gostr34112012-512", algo.Streebog512},
}

// HashByURI finds the hash of a DigestMethod.
func HashByURI(uri string) (algo.Hash, bool) {
	for _, d := range digestURIs {
		if d.uri == uri {
			return d.hash, true
		}
	}
	return 0, false
}

// DigestURI is the DigestMethod that is written for a hash, "" when there is none.
func DigestURI(h algo.Hash) string {
	for _, d := range digestURIs {
		if d.hash == h {
			return d.uri
		}
	}
	return ""
}

// signatureURIs are the SignatureMethods (RFC 9231 2.3, kz-eds §6) by the OID of the algorithm.
var signatureURIs = []struct{ uri, oid string }{
	{SpaceMore + "rsa-md5", "1.2.840.113549.1.1.4"},
	{Space + "rsa-sha1", "1.2.840.113549.1.1.5"},
	{SpaceMore + "rsa-sha224", "1.2.840.113549.1.1.14"},
	{SpaceMore + "rsa-sha256", "1.2.840.113549.1.1.11"},
	{SpaceMore + "rsa-sha384", "1.2.840.113549.1.1.12"},
	{SpaceMore + "rsa-sha512", "1.2.840.113549.1.1.13"},
	{SpaceMore + "ecdsa-sha1", "1.2.840.10045.4.1"},
	{SpaceMore + "ecdsa-sha224", "1.2.840.10045.4.3.1"},
	{SpaceMore + "ecdsa-sha256", "1.2.840.10045.4.3.2"},
	{SpaceMore + "ecdsa-sha384", "1.2.840.10045.4.3.3"},
	{SpaceMore + "ecdsa-sha512", "1.2.840.10045.4.3.4"},
	{more2021 + "ecdsa-sha3-224", "2.16.840.1.101.3.4.3.9"},
	{more2021 + "ecdsa-sha3-256", "2.16.840.1.101.3.4.3.10"},
	{more2021 + "ecdsa-sha3-384", "2.16.840.1.101.3.4.3.11"},
	{more2021 + "ecdsa-sha3-512", "2.16.840.1.101.3.4.3.12"},
	{more2021 + "eddsa-ed25519", "1.3.101.112"},
	{SpaceMore + "gost34310-gost34311", "1.2.398.3.10.1.1.1.2"},
	{national + "gostr34102015-gostr34112015-256", "1.2.398.3.10.1.1.2.3.1"},
	{national + "gostr34102015-gostr34112015-512", "1.2.398.3.10.1.1.2.3.2"},
	{SpaceMore + "gostr34102001-gostr3411", "1.2.643.2.2.3"},
	{cpxmlsec + "gostr34102001-gostr3411", "1.2.643.2.2.3"},
	{cpxmlsec + "gostr34102012-gostr34112012-256", "1.2.643.7.1.1.3.2"},
	{cpxmlsec + "gostr34102012-gostr34112012-512", "1.2.643.7.1.1.3.3"},
}

// pssURIs are RSASSA-PSS with MGF1 over the same hash and a salt as long as it (RFC 9231 2.3.10).
var pssURIs = []struct {
	uri  string
	hash algo.Hash
}{
	{more2007 + "sha1-rsa-MGF1", algo.SHA1},
	{more2007 + "sha224-rsa-MGF1", algo.SHA224},
	{more2007 + "sha256-rsa-MGF1", algo.SHA256},
	{more2007 + "sha384-rsa-MGF1", algo.SHA384},
	{more2007 + "sha512-rsa-MGF1", algo.SHA512},
	{more2007 + "sha3-224-rsa-MGF1", algo.SHA3_224},
	{more2007 + "sha3-256-rsa-MGF1", algo.SHA3_256},
	{more2007 + "sha3-384-rsa-MGF1", algo.SHA3_384},
	{more2007 + "sha3-512-rsa-MGF1", algo.SHA3_512},
}

// refusedURIs are SignatureMethods that are known and not allowed, with the reason.
var refusedURIs = map[string]string{
	Space + "dsa-sha1":           "DSA",
	Space11 + "dsa-sha256":       "DSA",
	Space + "hmac-sha1":          "HMAC needs a shared secret, which proves nothing to others",
	SpaceMore + "hmac-md5":       "HMAC",
	SpaceMore + "hmac-sha224":    "HMAC",
	SpaceMore + "hmac-sha256":    "HMAC",
	SpaceMore + "hmac-sha384":    "HMAC",
	SpaceMore + "hmac-sha512":    "HMAC",
	SpaceMore + "hmac-ripemd160": "HMAC",
}

// SignatureByURI finds the algorithm of a SignatureMethod without parameters. Errors: algo.ErrNotAllowed for DSA and HMAC,
// algo.ErrUnknownAlgorithm.
func SignatureByURI(uri string) (algo.Signature, error) {
	for _, s := range signatureURIs {
		if s.uri != uri {
			continue
		}
		if sig, ok := algo.SignatureByOID(s.oid); ok {
			return sig, nil
		}
	}
	for _, p := range pssURIs {
		if p.uri == uri {
			sig, _, err := algo.PSSFor(p.hash)
			return sig, err
		}
	}
	if why, ok := refusedURIs[uri]; ok {
		return algo.Signature{}, fmt.Errorf("%w: %s", algo.ErrNotAllowed, why)
	}
	return algo.Signature{}, fmt.Errorf("%w: %q", algo.ErrUnknownAlgorithm, uri)
}

// SignatureURI is the SignatureMethod of an algorithm, "" when there is none.
func SignatureURI(s algo.Signature) string {
	if s.PSS != nil {
		for _, p := range pssURIs {
			if p.hash == s.PSS.Hash && s.PSS.SaltLength == s.PSS.Hash.Size() {
				return p.uri
			}
		}
		return ""
	}
	for _, u := range signatureURIs {
		if u.oid == s.OID {
			return u.uri
		}
	}
	return ""
}
