package api

import (
	"qaqpa/signer/algo"
)

// digestNames are the hashes by which an original may be given in place of its octets, as verdicts name them.
var digestNames = map[string]algo.Hash{
	algo.SHA256.Name(): algo.SHA256, algo.SHA384.Name(): algo.SHA384, algo.SHA512.Name(): algo.SHA512,
	algo.Streebog256.Name(): algo.Streebog256, algo.Streebog512.Name(): algo.Streebog512, algo.GOST94Test.Name(): algo.GOST94Test,
}

// digestsOf reads the digests of an original; nil where there are none.
func digestsOf(named map[string][]byte) (map[algo.Hash][]byte, error) {
	if len(named) == 0 {
		return nil, nil
	}
	out := make(map[algo.Hash][]byte, len(named))
	for name, digest := range named {
		h, known := digestNames[name]
		if !known || len(digest) != h.Size() {
			return nil, badField("/detached_digests/" + clip(name))
		}
		out[h] = digest
	}
	return out, nil
}
