package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1" // registers the hashes that requests and options may name
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
	"hash"
	"io"

	"qaqpa/testenv/gostref"
)

// scheme is how a key signs: its hash and the AlgorithmIdentifiers that say so.
type scheme struct {
	fresh     func() hash.Hash
	digest    []byte // AlgorithmIdentifier of the hash
	signature []byte // AlgorithmIdentifier of the signature
	opts      crypto.SignerOpts
	whole     bool // Ed25519: the message itself is signed
}

// schemeOptions choose what a family leaves open. The zero value is SHA-256 with PKCS#1 v1.5 or ECDSA.
type schemeOptions struct {
	hash    crypto.Hash
	pss     bool
	keyOnly bool // the bare key OID as signature algorithm, as some CMS writers do
}

func hashOID(h crypto.Hash) (string, error) {
	known := map[crypto.Hash]string{
		crypto.SHA1: "1.3.14.3.2.26", crypto.SHA256: "2.16.840.1.101.3.4.2.1",
		crypto.SHA384: "2.16.840.1.101.3.4.2.2", crypto.SHA512: "2.16.840.1.101.3.4.2.3",
	}
	if id, ok := known[h]; ok {
		return id, nil
	}
	return "", fmt.Errorf("hash %v is not known here", h)
}

// hashByOID finds a hash for an imprint or a certificate identifier.
func hashByOID(dotted string) (func() hash.Hash, bool) {
	switch dotted {
	case oidStreebog512:
		return gostref.NewStreebog512, true
	case oidStreebog256:
		return gostref.NewStreebog256, true
	case oid34311:
		return gostref.New94Test, true
	}
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if known, err := hashOID(h); err == nil && known == dotted {
			return h.New, true
		}
	}
	return nil, false
}

// schemeOf finds the scheme of a key.
func schemeOf(pub crypto.PublicKey, o schemeOptions) (scheme, error) {
	switch k := pub.(type) {
	case *gostref.PublicKey:
		if k.Curve.Size == 64 {
			return gostScheme(gostref.NewStreebog512, oidStreebog512, oidGOST2015Sign, oidGOST2015Key, o.keyOnly), nil
		}
		return gostScheme(gostref.New94Test, oid34311, oidGOST2004Sign, oidGOST2004Key, o.keyOnly), nil
	case ed25519.PublicKey:
		s, err := hashScheme(crypto.SHA512)
		s.signature, s.opts, s.whole = seq(oid(oidEd25519)), crypto.Hash(0), true
		return s, err
	}
	if o.hash == 0 {
		o.hash = crypto.SHA256
	}
	s, err := hashScheme(o.hash)
	if err != nil {
		return scheme{}, err
	}
	switch pub.(type) {
	case *rsa.PublicKey:
		return s.rsa(o), nil
	case *ecdsa.PublicKey:
		names := map[crypto.Hash]string{
			crypto.SHA1: "1.2.840.10045.4.1", crypto.SHA256: "1.2.840.10045.4.3.2",
			crypto.SHA384: "1.2.840.10045.4.3.3", crypto.SHA512: "1.2.840.10045.4.3.4",
		}
		s.signature = seq(oid(names[o.hash]))
		if o.keyOnly {
			s.signature = seq(oid(oidECDSA))
		}
		return s, nil
	}
	return scheme{}, fmt.Errorf("no scheme for a key of type %T", pub)
}

func gostScheme(fresh func() hash.Hash, digest, signature, key string, keyOnly bool) scheme {
	if keyOnly {
		signature = key
	}
	return scheme{fresh: fresh, digest: seq(oid(digest), null()), signature: seq(oid(signature), null())}
}

func hashScheme(h crypto.Hash) (scheme, error) {
	id, err := hashOID(h)
	return scheme{fresh: h.New, digest: seq(oid(id), null()), opts: h}, err
}

func (s scheme) rsa(o schemeOptions) scheme {
	names := map[crypto.Hash]string{
		crypto.SHA1: "1.2.840.113549.1.1.5", crypto.SHA256: "1.2.840.113549.1.1.11",
		crypto.SHA384: "1.2.840.113549.1.1.12", crypto.SHA512: "1.2.840.113549.1.1.13",
	}
	s.signature = seq(oid(names[o.hash]), null())
	switch {
	case o.pss:
		s.opts = &rsa.PSSOptions{SaltLength: o.hash.Size(), Hash: o.hash}
		s.signature = seq(oid(oidPSS), seq(
			explicit(0, s.digest), explicit(1, seq(oid(oidMGF1), s.digest)), explicit(2, number(int64(o.hash.Size())))))
	case o.keyOnly:
		s.signature = seq(oid(oidRSA), null())
	}
	return s
}

// sign hashes the message and signs.
func (s scheme) sign(key crypto.Signer, rand io.Reader, message []byte) ([]byte, error) {
	digest := message
	if !s.whole {
		digest = sum(s.fresh, message)
	}
	sig, err := key.Sign(rand, digest, s.opts)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	return sig, nil
}
