package engine

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/jsononce"
	"qaqpa/signer/path"
	"qaqpa/signer/report"
)

// Policy is a set of rules by which findings become indications: the validation constraints of EN 319 102-1 5.1.4. It is
// immutable; make one with PolicyNamed or LoadPolicy.
type Policy struct {
	// Name is kept with the verdict, and SHA256 names the very document (hex).
	Name, SHA256 string
	// National makes negative what order №500/НҚ calls negative; see # Deviations.
	National bool
	// ChainAtBestTime judges the signer's path for best-signature-time alone (№500/НҚ 14). Otherwise what befell an authority
	// since needs proofs of existence (EN 319 102-1 5.6.2).
	ChainAtBestTime bool
	// Revocation of the signer's certificate and of authorities that are not on the trust list.
	Revocation path.Mode
	// ListedRevocation of authorities on the trust list.
	ListedRevocation path.Mode
	// MaxAge and MaxAgeCA bound the age of revocation data (5.2.5); zero: its nextUpdate alone.
	MaxAge, MaxAgeCA time.Duration
	// StampDelay bounds how long after the claimed signing time a signature may be stamped (5.5.4); zero: not looked at.
	StampDelay time.Duration
	// Algorithms replaces the built-in table of when algorithms are reliable; nil: that one.
	Algorithms *algo.Reliability

	levels   map[Constraint]Level
	policies map[string][]byte   // signature policy documents by OID
	kept     []report.Constraint // of a signature that keeps all; shared by verdicts
}

// Names of policies.
const (
	PolicyKZ       = "kz-2026"
	PolicyStandard = "standard"
	PolicyStrict   = "strict"
)

// Errors of policies.
var (
	// ErrPolicy says that there is no policy of this name.
	ErrPolicy = errors.New("unknown validation policy")
	// ErrPolicyDocument says that a document is no policy.
	ErrPolicyDocument = errors.New("unusable validation policy")
)

//go:embed policies/*.json
var policyFiles embed.FS

// PolicyNamed returns a policy of the gateway; the empty name is that of the national one. The error is ErrPolicy.
func PolicyNamed(name string) (Policy, error) {
	if name == "" {
		name = PolicyKZ
	}
	if !slices.Contains(PolicyNames(), name) {
		return Policy{}, fmt.Errorf("%w: %q", ErrPolicy, name)
	}
	document, err := policyFiles.ReadFile("policies/" + name + ".json")
	if err != nil {
		return Policy{}, fmt.Errorf("%w: %q", ErrPolicy, name)
	}
	return LoadPolicy(document)
}

// PolicyNames are the policies of the gateway; see PolicyNamed.
func PolicyNames() []string { return []string{PolicyKZ, PolicyStandard, PolicyStrict} }

// PolicyDocument is a policy of the gateway as it is written, to start an own one from.
func PolicyDocument(name string) ([]byte, error) {
	if !slices.Contains(PolicyNames(), name) {
		return nil, fmt.Errorf("%w: %q", ErrPolicy, name)
	}
	return policyFiles.ReadFile("policies/" + name + ".json")
}

// policyBytesMax bounds a policy document, the signature policies in it included.
const policyBytesMax = 4 << 20

// policyDepthMax bounds how deep the objects of a policy lie in each other; ours have four levels.
const policyDepthMax = 16

// policyDocument is the form of policies/*.json.
type policyDocument struct {
	Name              string               `json:"name"`
	Description       string               `json:"description"`
	National          bool                 `json:"national"`
	ChainAtBestTime   bool                 `json:"chain_at_best_time"`
	Revocation        string               `json:"revocation"`
	ListedRevocation  string               `json:"listed_revocation"`
	MaxAgeSeconds     int64                `json:"revocation_age_seconds_max"`
	MaxAgeCASeconds   int64                `json:"authority_revocation_age_seconds_max"`
	StampDelaySeconds int64                `json:"time_stamp_delay_seconds_max"`
	Constraints       map[Constraint]Level `json:"constraints"`
	SignaturePolicies []struct {
		OID      string `json:"oid"`
		Document []byte `json:"document"` // base64
	} `json:"signature_policies"`
	Algorithms json.RawMessage `json:"algorithms"`
}

var revocationModes = map[string]path.Mode{"required": path.Required, "if-available": path.IfAvailable, "off": path.Off}

// LoadPolicy reads a policy document in JSON, at most 4 MB, or in YAML (see jsononce.FromYAML), at most 256 kB; JSON begins with a
// brace. Every constraint must be given a level, and fields that are not
// known are refused: a typing mistake would otherwise switch a rule off. The error is ErrPolicyDocument.
func LoadPolicy(document []byte) (Policy, error) {
	p, err := loadPolicy(document)
	if err != nil {
		return Policy{}, fmt.Errorf("%w: %w", ErrPolicyDocument, err)
	}
	return p, nil
}

func loadPolicy(document []byte) (p Policy, err error) {
	if len(document) > policyBytesMax {
		return p, fmt.Errorf("it is longer than %d bytes", policyBytesMax)
	}
	text := document
	if !bytes.HasPrefix(bytes.TrimLeft(document, " \t\r\n"), []byte("{")) {
		if text, err = jsononce.FromYAML(document, policyDepthMax); err != nil {
			return p, err
		}
	}
	if err := jsononce.Check(text, policyDepthMax); err != nil {
		return p, err
	}
	var in policyDocument
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return p, err
	}
	sum := sha256.Sum256(document)
	p = Policy{
		Name: in.Name, SHA256: hex.EncodeToString(sum[:]), National: in.National, ChainAtBestTime: in.ChainAtBestTime,
		MaxAge: time.Duration(in.MaxAgeSeconds) * time.Second, MaxAgeCA: time.Duration(in.MaxAgeCASeconds) * time.Second,
		StampDelay: time.Duration(in.StampDelaySeconds) * time.Second, levels: in.Constraints, policies: map[string][]byte{},
	}
	if in.Name == "" || len(in.Name) > 64 {
		return p, errors.New("its name has between 1 and 64 characters")
	}
	const secondsMax = 1 << 32
	for _, s := range []int64{in.MaxAgeSeconds, in.MaxAgeCASeconds, in.StampDelaySeconds} {
		if s < 0 || s > secondsMax {
			return p, errors.New("a number of seconds is out of range")
		}
	}
	var ok, okListed bool
	p.Revocation, ok = revocationModes[in.Revocation]
	p.ListedRevocation, okListed = revocationModes[in.ListedRevocation]
	if !ok || !okListed {
		return p, errors.New("revocation and listed_revocation are required, if-available or off")
	}
	for _, s := range in.SignaturePolicies {
		p.policies[s.OID] = s.Document
	}
	if len(in.Algorithms) > 0 {
		if p.Algorithms, err = algo.LoadReliability(in.Algorithms); err != nil {
			return p, err
		}
	}
	err = p.complete()
	return p, err
}

// complete holds the levels against the constraints that exist.
func (p *Policy) complete() error {
	for _, c := range slices.Sorted(maps.Keys(p.levels)) {
		if !slices.Contains(Constraints(), c) {
			return fmt.Errorf("there is no constraint %q", c)
		}
		if l := p.levels[c]; l != Fail && l != Warn && l != Inform && l != Ignore {
			return fmt.Errorf("constraint %q has the level %q", c, l)
		}
	}
	for _, c := range Constraints() {
		level, ok := p.levels[c]
		if !ok {
			return fmt.Errorf("constraint %q has no level", c)
		}
		if level != Ignore {
			p.kept = append(p.kept, report.Constraint{Name: string(c), Level: string(level), Kept: true})
		}
	}
	p.kept = slices.Clip(p.kept)
	return nil
}

// Level of a constraint.
func (p *Policy) Level(c Constraint) Level { return p.levels[c] }
