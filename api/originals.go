package api

import (
	"strconv"

	"qaqpa/signer"
	"qaqpa/signer/algo"
)

// namedOriginal is one of several originals: its octets, or digests of it.
type namedOriginal struct {
	Name    string            `json:"name" limit:"1024"`
	Content *[]byte           `json:"content,omitempty"`
	Digests map[string][]byte `json:"digests,omitempty" limit:"8"`
}

// originalsOf reads several originals.
func originalsOf(list []namedOriginal) (out []signer.NamedOriginal, err error) {
	seen := make(map[string]bool, len(list))
	for i, in := range list {
		at := "/originals/" + strconv.Itoa(i)
		o := signer.NamedOriginal{Name: in.Name}
		if in.Name == "" || seen[in.Name] {
			return nil, badField(at + "/name")
		}
		seen[in.Name] = true
		if in.Content != nil {
			o.Octets = *in.Content
		}
		if o.Digests, err = digestsOf(at+"/digests", in.Digests); err != nil {
			return nil, err
		}
		if (in.Content == nil) == (len(in.Digests) == 0) {
			return nil, badField(at + "/content")
		}
		out = append(out, o)
	}
	return out, nil
}

// octetsOf is how much of a request counts towards the limit of a document.
func octetsOf(req signer.ValidateRequest) int {
	sum := len(req.Document) + len(req.Detached)
	for i := range req.Originals {
		sum += len(req.Originals[i].Octets)
	}
	return sum
}

// digestNames are the hashes by which an original may be given in place of its octets, as verdicts name them.
var digestNames = map[string]algo.Hash{
	algo.SHA256.Name(): algo.SHA256, algo.SHA384.Name(): algo.SHA384, algo.SHA512.Name(): algo.SHA512,
	algo.Streebog256.Name(): algo.Streebog256, algo.Streebog512.Name(): algo.Streebog512, algo.GOST94Test.Name(): algo.GOST94Test,
}

// digestsOf reads the digests of an original in a member; nil where there are none.
func digestsOf(member string, named map[string][]byte) (map[algo.Hash][]byte, error) {
	if len(named) == 0 {
		return nil, nil
	}
	out := make(map[algo.Hash][]byte, len(named))
	for name, digest := range named {
		h, known := digestNames[name]
		if !known || len(digest) != h.Size() {
			return nil, badField(member + "/" + clip(name))
		}
		out[h] = digest
	}
	return out, nil
}
