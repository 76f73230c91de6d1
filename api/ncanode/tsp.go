package ncanode

import (
	"encoding/hex"
	"strings"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
)

// tspInfo is a time stamp.
type tspInfo struct {
	SerialNumber     string  `json:"serialNumber"`
	GenTime          string  `json:"genTime"`
	Policy           string  `json:"policy"`
	TSA              *string `json:"tsa"`
	TSPHashAlgorithm *string `json:"tspHashAlgorithm"`
	Hash             string  `json:"hash"`
}

// tspOf is the earliest time stamp of a signature that holds; nil where there is none. The verdict has those of the
// signature in their order.
func tspOf(s *signer.SignatureVerdict, info *cms.SignerInfo) *tspInfo {
	tokens, err := info.SignatureTimestamps()
	if err != nil {
		return nil
	}
	best := -1
	for i, t := range s.TimeStamps[:min(len(s.TimeStamps), len(tokens))] {
		if t.Indication == report.TotalPassed && (best < 0 || t.GenTime.Before(s.TimeStamps[best].GenTime)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	token, err := tsp.ParseToken(tokens[best])
	if err != nil {
		return nil
	}
	out := &tspInfo{
		SerialNumber: hexNumber(token.Info.Serial), GenTime: stamp(token.Info.GenTime), Policy: token.Info.Policy,
		TSPHashAlgorithm: hashName(token.Info.Hash), Hash: hex.EncodeToString(token.Info.Imprint),
	}
	if tsa := s.TimeStamps[best].TSA; tsa != "" {
		out.TSA = &tsa
	}
	return out
}

var nationalHashes = map[algo.Hash]string{
	algo.GOST94Test: "GOST34311", algo.Streebog256: "GOST3411-2015-256", algo.Streebog512: "GOST3411-2015-512",
}

// hashName is NCANode's name of a hash, and for those that it does not know one of the same kind.
func hashName(h algo.Hash) *string {
	if h == 0 {
		return nil
	}
	name, national := nationalHashes[h]
	if !national {
		name = strings.ReplaceAll(h.Name(), "-", "")
	}
	return &name
}
