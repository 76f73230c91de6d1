package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jades"
	"qaqpa/signer/tsp"
	"qaqpa/signer/xmldsig"
)

// Original is what a detached signature or a time-stamp token is over. The zero Original is none.
type Original struct {
	// Octets are it, whole; an empty one is a non-nil empty slice.
	Octets []byte
	// Digests are it, known by its digests alone. They serve CMS, time-stamp tokens and those references of XML signatures that are
	// over the octets as they are; where transforms have to see the original they count as none.
	Digests map[algo.Hash][]byte
	// Named, instead of the others, are several originals by the names that references of XML signatures give them. Of one alone
	// CMS needs no name. No original of these has originals of its own.
	Named map[string]Original

	content cms.Content // of a stream that was read
}

// given tells whether there is any.
func (o Original) given() bool {
	return o.Octets != nil || len(o.Digests) > 0 || o.content.Present() || len(o.Named) > 0
}

// sources are the originals as references of XML signatures find them; nil: there are none. A single one is what every reference
// out of the document means, whatever it is called: the caller knows what he handed in. Of several each is found by its name.
func (o Original) sources() xmldsig.Sources {
	content := func(o Original) xmldsig.Content { return xmldsig.Content{Octets: o.Octets, Digests: o.Digests} }
	switch {
	case len(o.Named) > 0:
		return func(uri string, _ bool) (xmldsig.Content, bool) {
			name, ok := o.called(uri)
			return content(o.Named[name]), ok
		}
	case o.Octets != nil, len(o.Digests) > 0:
		return func(string, bool) (xmldsig.Content, bool) { return content(o), true }
	}
	return nil
}

// called is the name under which what a URI means was handed in: the URI as it is written, or with its percent signs decoded.
func (o Original) called(uri string) (name string, ok bool) {
	if _, ok := o.Named[uri]; ok {
		return uri, true
	}
	plain, err := url.PathUnescape(uri)
	_, ok = o.Named[plain]
	return plain, ok && err == nil
}

// of is the original as CMS takes it.
func (o Original) of() cms.Content {
	switch {
	case o.Octets != nil:
		return cms.ContentOf(o.Octets)
	case o.content.Present():
		return o.content
	case len(o.Digests) > 0:
		return cms.ContentDigests(o.Digests)
	case len(o.Named) == 1:
		for _, only := range o.Named {
			return only.of()
		}
	}
	return cms.Content{}
}

// sha256 is the hex of its SHA-256; empty where that is not known.
func (o Original) sha256() string {
	d, err := o.of().Digest(algo.SHA256)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(d)
}

// ReadOriginal reads an original to its end through a small buffer and keeps the digests that a document may ask for: memory
// does not grow with the original. Documents that have to see what they cover, XML among them, get it whole, up to wholeMax
// octets; a longer one is ErrOriginalSize. Archive time stamps of version 2 over an original that was read in passing stay
// undecided: they hash it amid other octets.
func ReadOriginal(document []byte, r io.Reader, wholeMax int64) (Original, error) {
	hashes, inPassing := hashesOf(document)
	if inPassing {
		c, err := cms.ReadContent(r, hashes)
		return Original{content: c}, err
	}
	octets, err := io.ReadAll(io.LimitReader(r, wholeMax+1))
	switch {
	case err != nil:
		return Original{}, fmt.Errorf("couldn't read the original: %w", err)
	case int64(len(octets)) > wholeMax:
		return Original{}, fmt.Errorf("%w: more than %d octets", ErrOriginalSize, wholeMax)
	}
	if octets == nil {
		octets = []byte{}
	}
	return Original{Octets: octets}, nil
}

// InPassing reports whether ReadOriginal keeps digests alone for a document.
func InPassing(document []byte) bool {
	_, ok := hashesOf(document)
	return ok
}

// OriginalHashes are the hash functions of which a document needs digests of its original; nil where digests do not serve it.
func OriginalHashes(document []byte) []algo.Hash {
	hashes, ok := hashesOf(document)
	if !ok {
		return nil
	}
	return hashes
}

// hashesOf are the hashes over its content that a CMS document needs; ok false for other documents, and where a signature is over
// the content itself, as Ed25519 without signed attributes is.
func hashesOf(document []byte) (hashes []algo.Hash, ok bool) {
	if isXML(document) || unwrapXML(document) != nil {
		return nil, false
	}
	if jades.Is(document) {
		return jwsHashes(document)
	}
	hashes = []algo.Hash{algo.SHA256}
	add := func(h algo.Hash) {
		if h.Valid() && !slices.Contains(hashes, h) {
			hashes = append(hashes, h)
		}
	}
	binary, err := cms.Dearmour(document)
	if err != nil {
		return nil, false
	}
	if r, err := tsp.ParseResponse(binary); err == nil && r.Token != nil {
		add(r.Token.Info.Hash)
		return hashes, true
	}
	if t, err := tsp.ParseToken(binary); err == nil {
		add(t.Info.Hash)
		return hashes, true
	}
	sd, err := cms.Parse(binary, cms.Limits{})
	if err != nil {
		return nil, false
	}
	for i := range sd.Signers {
		si := &sd.Signers[i]
		if !si.HasSignedAttributes && si.SignatureAlgorithm.SignsMessage() {
			return nil, false
		}
		add(si.DigestAlgorithm)
		stamps, err := si.Stamps(cms.Content{}, stampsMax)
		if err != nil {
			continue // it will be told
		}
		for _, st := range stamps {
			if st.Kind != cms.ContentStamp && st.Kind != cms.ArchiveStampV3 {
				continue
			}
			if t, err := tsp.ParseToken(st.Token); err == nil {
				add(t.Info.Hash)
			}
		}
	}
	return hashes, true
}

// contentDigest is the SHA-256 of what was signed, as the verdict names it. It is made once for a document.
func (c *Case) contentDigest() string {
	if c.sum != "" {
		return c.sum
	}
	switch {
	case !c.attached && c.original.given():
		c.sum = c.original.sha256()
	case c.content != nil, c.format == "CMS" && c.attached:
		sum := sha256.Sum256(c.content)
		c.sum = hex.EncodeToString(sum[:])
	}
	return c.sum
}

// rememberContent hashes attached content for the verdict and lets the signatures have the digest as well.
func (c *Case) rememberContent(sd *cms.SignedData) {
	if !sd.HasContent {
		return
	}
	sum := sha256.Sum256(sd.Content)
	c.sum = hexOf(sum)
	sd.RememberSHA256(sum)
}
