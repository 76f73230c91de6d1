package tsp

import (
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
)

// ErrNotToken is what CMS gives that is not a time-stamp token.
var ErrNotToken = errors.New("not a time-stamp token")

// Limits of one token: a token carries a few certificates and seldom passes 20 kB.
func limits() cms.Limits {
	return cms.Limits{Bytes: 4 << 20, Depth: 40, Elements: 1 << 18, Certificates: 64, Signers: 4, Attributes: 64}
}

// Token is a time-stamp token: CMS over TSTInfo. It is immutable; slices alias the input of [ParseToken].
type Token struct {
	CMS  *cms.SignedData
	Info Info
}

// Info is TSTInfo (RFC 3161 2.4.2).
type Info struct {
	Raw     []byte // the SEQUENCE
	Policy  string // dotted OID
	Hash    algo.Hash
	HashErr error // why Hash is unknown
	Imprint []byte
	Serial  []byte // contents of the INTEGER
	GenTime time.Time

	Accuracy    time.Duration // 0 when absent
	HasAccuracy bool
	Ordering    bool
	Nonce       []byte // contents of the INTEGER, two's complement; nil when absent
	RawTSA      []byte // GeneralName; nil when absent
	// CriticalExtensions are the OIDs of extensions marked critical: none is known, so each is a fault.
	CriticalExtensions []string
}

// ParseToken reads a ContentInfo with a time-stamp token, BER or DER, and nothing after it. Errors: ErrNotToken,
// asn1ber.ErrSyntax, asn1ber.ErrLimit, cms.ErrNotSignedData.
func ParseToken(token []byte) (*Token, error) {
	sd, err := cms.Parse(token, limits())
	if err != nil {
		return nil, fmt.Errorf("couldn't read time-stamp token: %w", err)
	}
	if sd.ContentType != cms.OIDTSTInfo || !sd.HasContent {
		return nil, fmt.Errorf("couldn't read time-stamp token: %w: content %s", ErrNotToken, sd.ContentType)
	}
	if len(sd.Signers) != 1 {
		return nil, fmt.Errorf("couldn't read time-stamp token: %w: %d signers", ErrNotToken, len(sd.Signers))
	}
	t := &Token{CMS: sd}
	if err := t.Info.parse(sd.Content); err != nil {
		return nil, fmt.Errorf("couldn't read TSTInfo: %w", err)
	}
	return t, nil
}

func (i *Info) parse(content []byte) error {
	e, err := asn1ber.Parse(content, asn1ber.BER, asn1ber.Limits{Bytes: 1 << 20, Depth: 16, Elements: 4096})
	if err != nil {
		return err
	}
	if e.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, e.Tag)
	}
	i.Raw = e.Raw
	r, err := e.Children()
	if err != nil {
		return err
	}
	if err := i.parseFixed(&r); err != nil {
		return err
	}
	if err := i.parseOptional(&r); err != nil {
		return err
	}
	return r.End()
}

// parseFixed reads version, policy, imprint, serial number and time.
func (i *Info) parseFixed(r *asn1ber.Reader) error {
	version, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	if v, err := version.Int64(); err != nil || v != 1 {
		return fmt.Errorf("%w: version", asn1ber.ErrSyntax)
	}
	policy, err := r.ReadOID()
	if err != nil {
		return err
	}
	if i.Policy, err = asn1ber.DottedOID(policy); err != nil {
		return err
	}
	imprint, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	id, err := imprint.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	i.Hash, i.HashErr = algo.ParseHash(id.Raw)
	digest, err := imprint.Read(asn1ber.OctetString)
	if err != nil {
		return err
	}
	if i.Imprint, err = digest.OctetString(); err != nil {
		return err
	}
	if err := imprint.End(); err != nil {
		return err
	}
	serial, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	if i.Serial, err = serial.Integer(); err != nil {
		return err
	}
	genTime, err := r.Read(asn1ber.GeneralizedTime)
	if err != nil {
		return err
	}
	i.GenTime, err = genTime.Time()
	return err
}

// parseOptional reads accuracy, ordering, nonce, authority and extensions.
func (i *Info) parseOptional(r *asn1ber.Reader) error {
	accuracy, ok, err := r.Optional(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if ok {
		i.HasAccuracy = true
		if i.Accuracy, err = parseAccuracy(accuracy); err != nil {
			return err
		}
	}
	ordering, ok, err := r.Optional(asn1ber.Boolean)
	if err != nil {
		return err
	}
	if ok {
		if i.Ordering, err = ordering.Boolean(); err != nil {
			return err
		}
	}
	nonce, ok, err := r.Optional(asn1ber.Integer)
	if err != nil {
		return err
	}
	if ok {
		if i.Nonce, err = nonce.Integer(); err != nil {
			return err
		}
	}
	tsa, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil {
		return err
	}
	if ok {
		name, err := tsa.Children()
		if err != nil {
			return err
		}
		i.RawTSA = name.Rest()
	}
	extensions, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil || !ok {
		return err
	}
	return i.parseExtensions(extensions)
}

// parseAccuracy reads SEQUENCE { seconds, [0] millis, [1] micros }, all optional.
func parseAccuracy(e asn1ber.Element) (time.Duration, error) {
	r, err := e.Children()
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, part := range []struct {
		tag  asn1ber.Tag
		unit time.Duration
		most int64
	}{
		{asn1ber.Integer, time.Second, 1 << 31},
		{asn1ber.Context(0), time.Millisecond, 999},
		{asn1ber.Context(1), time.Microsecond, 999},
	} {
		v, ok, err := r.Optional(part.tag)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		n, err := v.Int64()
		if err != nil || n < 0 || n > part.most {
			return 0, fmt.Errorf("%w: accuracy", asn1ber.ErrSyntax)
		}
		total += time.Duration(n) * part.unit
	}
	return total, r.End()
}

func (i *Info) parseExtensions(list asn1ber.Element) error {
	r, err := list.Children()
	if err != nil {
		return err
	}
	for !r.Empty() {
		x, err := r.Enter(asn1ber.Sequence)
		if err != nil {
			return err
		}
		oid, err := x.ReadOID()
		if err != nil {
			return err
		}
		critical, ok, err := x.Optional(asn1ber.Boolean)
		if err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		if yes, err := critical.Boolean(); err != nil || !yes {
			if err != nil {
				return err
			}
			continue
		}
		dotted, err := asn1ber.DottedOID(oid)
		if err != nil {
			return err
		}
		i.CriticalExtensions = append(i.CriticalExtensions, dotted)
	}
	return nil
}
