package algo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

//go:embed reliability.json
var reliabilityJSON []byte

// Reliability is a table of the times until which algorithms are held to be reliable, in the manner of ETSI TS 119 312.
// It is immutable and safe to share.
type Reliability struct {
	Version string
	hashes  [hashEnd]*period
	keys    map[Family][]keyPeriod // ascending by bits
}

type period struct {
	end    time.Time // zero: none set
	source string
}

type keyPeriod struct {
	bits int
	period
}

// Strength is the answer for one algorithm at one time.
type Strength struct {
	Reliable bool
	Subject  string    // what decides: "SHA-1", "RSA of 1024 bits"
	Until    time.Time // when reliability ended or ends; zero: no end is set, or it never was (Reliable false)
	Source   string    // document that says so
}

// DefaultReliability is the built-in table.
var DefaultReliability = sync.OnceValue(func() *Reliability {
	t, err := LoadReliability(reliabilityJSON)
	if err != nil {
		panic("algo: built-in reliability table: " + err.Error()) // a test loads it; no input reaches this
	}
	return t
})

// LoadReliability reads a table in the form of reliability.json: hashes by their Name, keys by their family's name and
// least size in bits, end dates (exclusive, UTC) absent where there is none, and the source of each row. Names and
// fields it does not know are errors, since a typing mistake would otherwise make an algorithm good for ever.
func LoadReliability(document []byte) (*Reliability, error) {
	var in struct {
		Version string            `json:"version"`
		Sources map[string]string `json:"sources"`
		Hashes  []reliabilityRow  `json:"hashes"`
		Keys    []reliabilityRow  `json:"keys"`
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("couldn't read reliability table: %w", err)
	}
	t := &Reliability{Version: in.Version, keys: make(map[Family][]keyPeriod)}
	for _, row := range in.Hashes {
		p, err := row.period(in.Sources)
		if err != nil {
			return nil, err
		}
		h, ok := hashNamed(row.Name)
		if !ok {
			return nil, fmt.Errorf("couldn't read reliability table: no hash %q", row.Name)
		}
		t.hashes[h] = &p
	}
	for _, row := range in.Keys {
		p, err := row.period(in.Sources)
		if err != nil {
			return nil, err
		}
		f, ok := familyNamed(row.Family)
		if !ok {
			return nil, fmt.Errorf("couldn't read reliability table: no family %q", row.Family)
		}
		if known := t.keys[f]; len(known) > 0 && known[len(known)-1].bits >= row.BitsMin {
			return nil, fmt.Errorf("couldn't read reliability table: %s not in ascending order of size", row.Family)
		}
		t.keys[f] = append(t.keys[f], keyPeriod{bits: row.BitsMin, period: p})
	}
	return t, nil
}

type reliabilityRow struct {
	Name    string `json:"name"`
	Family  string `json:"family"`
	BitsMin int    `json:"bits_min"`
	End     string `json:"end"`
	Source  string `json:"source"`
}

func (r reliabilityRow) period(sources map[string]string) (period, error) {
	p := period{source: sources[r.Source]}
	if p.source == "" {
		return p, fmt.Errorf("couldn't read reliability table: row %s%s without a source", r.Name, r.Family)
	}
	if r.End == "" {
		return p, nil
	}
	var err error
	if p.end, err = time.Parse(time.DateOnly, r.End); err != nil {
		return p, fmt.Errorf("couldn't read reliability table: %w", err)
	}
	return p, nil
}

func hashNamed(name string) (Hash, bool) {
	for h := MD5; h < hashEnd; h++ {
		if hashes[h].name == name {
			return h, true
		}
	}
	return 0, false
}

func familyNamed(name string) (Family, bool) {
	for i, n := range familyNames {
		if n == name && Family(i) != Unknown {
			return Family(i), true
		}
	}
	return Unknown, false
}

// Hash tells whether h was reliable at a time. A hash that the table does not list never was.
func (t *Reliability) Hash(h Hash, at time.Time) Strength {
	s := Strength{Subject: h.Name()}
	if !h.Valid() || t.hashes[h] == nil {
		return s
	}
	return t.hashes[h].at(s, at)
}

// Key tells whether a key of a family and size in bits was reliable at a time. A size below all listed ones never was.
func (t *Reliability) Key(f Family, bits int, at time.Time) Strength {
	s := Strength{Subject: f.String() + " of " + strconv.Itoa(bits) + " bits"}
	for _, row := range slices.Backward(t.keys[f]) {
		if bits >= row.bits {
			return row.at(s, at)
		}
	}
	return s
}

// Signature tells whether a signature algorithm with a key of some bits was reliable at a time; the weaker of hash and
// key decides. A PSS signature is judged as PSS whichever key made it.
func (t *Reliability) Signature(s Signature, bits int, at time.Time) Strength {
	key := t.Key(s.Family, bits, at)
	if s.Hash == 0 && s.SignsMessage() { // its hash is part of the algorithm
		return key
	}
	hash := t.Hash(s.Hash, at)
	if weaker(hash, key) {
		return hash
	}
	return key
}

// weaker reports whether a ended, or ends, before b. Without a date, what is reliable never ends and what is not never
// was.
func weaker(a, b Strength) bool {
	switch {
	case a.Reliable != b.Reliable:
		return !a.Reliable
	case a.Reliable:
		return !a.Until.IsZero() && (b.Until.IsZero() || a.Until.Before(b.Until))
	default:
		return !b.Until.IsZero() && a.Until.Before(b.Until)
	}
}

func (p period) at(s Strength, at time.Time) Strength {
	s.Until, s.Source = p.end, p.source
	s.Reliable = p.end.IsZero() || at.Before(p.end)
	return s
}
