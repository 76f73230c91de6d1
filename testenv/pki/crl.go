package pki

import (
	"encoding/hex"
	"fmt"
	"time"
)

// CRLOptions change a list. The zero value is a full list as of now that lasts a day.
type CRLOptions struct {
	Delta bool
	// ThisUpdate, zero: the clock; NextUpdate, zero: a day later (an hour for a delta).
	ThisUpdate, NextUpdate time.Time
	NoNextUpdate           bool
	// SignedBy signs in place of the CA, whose name stays.
	SignedBy         *CA
	CorruptSignature bool
	// Number replaces the counter.
	Number int64
	// Extensions are appended; EntryExtensions to each entry.
	Extensions, EntryExtensions []Extension
}

// CRL is the full list (DER) of an authority as of now, under a new number.
func (p *PKI) CRL(ca *CA) ([]byte, error) { return p.CRLWith(ca, CRLOptions{}) }

// DeltaCRL is what has changed since the last full list. It is never a base itself, and its number
// comes from a counter of its own, usually below the base's: as in the real authority's files.
func (p *PKI) DeltaCRL(ca *CA) ([]byte, error) { return p.CRLWith(ca, CRLOptions{Delta: true}) }

// HoldCRL freezes the full list that the server gives out, so that later revocations appear in
// delta lists alone. ThawCRL ends that.
func (p *PKI) HoldCRL(ca *CA) error {
	der, err := p.CRL(ca)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[ca.file()] = der
	return nil
}

// ThawCRL lets the server make full lists again.
func (p *PKI) ThawCRL(ca *CA) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, ca.file())
}

// served is the full list that the server gives out.
func (p *PKI) served(ca *CA) ([]byte, error) {
	p.mu.Lock()
	der := p.held[ca.file()]
	p.mu.Unlock()
	if der != nil {
		return der, nil
	}
	return p.CRL(ca)
}

// CRLWith makes a list to order.
func (p *PKI) CRLWith(ca *CA, o CRLOptions) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.listOf(ca)
	now := p.opts.Now().UTC().Truncate(time.Second)
	if o.ThisUpdate.IsZero() {
		o.ThisUpdate = now
	}
	if o.NextUpdate.IsZero() {
		o.NextUpdate = o.ThisUpdate.Add(24 * time.Hour)
		if o.Delta {
			o.NextUpdate = o.ThisUpdate.Add(time.Hour)
		}
	}
	entries, extensions := l.issue(ca, o)
	if err := p.save(); err != nil {
		return nil, err
	}
	for _, e := range o.Extensions {
		extensions = append(extensions, extension(e.OID, e.Critical, e.Value))
	}
	signer := ca
	if o.SignedBy != nil {
		signer = o.SignedBy
	}
	return p.signCRL(ca, signer, o, entries, extensions)
}

// issue takes the entries of a list and moves its counters on.
func (l *list) issue(ca *CA, o CRLOptions) (entries, extensions [][]byte) {
	aki := extension(extAKI, false, seq(implicit(0, octets(ca.keyID))))
	if o.Delta {
		l.Delta++
		for _, r := range append(append([]revocation{}, l.Revocations...), l.Released...) {
			if !r.Listed {
				entries = append(entries, r.entry(o))
			}
		}
		base := l.Number
		return entries, [][]byte{
			extension(extDelta, true, number(base)), extension(extCRLNumber, false, number(o.counter(l.Delta))), aki,
		}
	}
	l.Number++
	l.Issued = o.ThisUpdate
	l.Released = nil
	for i := range l.Revocations {
		l.Revocations[i].Listed = true
		entries = append(entries, l.Revocations[i].entry(o))
	}
	return entries, [][]byte{aki, extension(extCRLNumber, false, number(o.counter(l.Number)))}
}

func (o CRLOptions) counter(n int64) int64 {
	if o.Number != 0 {
		return o.Number
	}
	return n
}

func (r revocation) entry(o CRLOptions) []byte {
	serial, err := hex.DecodeString(r.Serial)
	if err != nil {
		panic(fmt.Sprintf("pki: index holds serial %q", r.Serial)) // written by this package alone
	}
	var extensions [][]byte
	if r.Reason != Unspecified {
		extensions = append(extensions, extension(extReason, false, r.Reason.encode()))
	}
	for _, e := range o.EntryExtensions {
		extensions = append(extensions, extension(e.OID, e.Critical, e.Value))
	}
	if len(extensions) == 0 {
		return seq(integer(serial), moment(r.At))
	}
	return seq(integer(serial), moment(r.At), seq(extensions...))
}

// signCRL makes the CertificateList. The GOST-2015 lists have the oddity of the newest test list of
// the real authority: the inner AlgorithmIdentifier lacks the NULL that the outer one has.
func (p *PKI) signCRL(ca, signer *CA, o CRLOptions, entries, extensions [][]byte) ([]byte, error) {
	s, err := schemeOf(signer.key.Public(), schemeOptions{})
	if err != nil {
		return nil, err
	}
	inner := s.signature
	if signer.Family == GOST2015 {
		inner = seq(oid(oidGOST2015Sign))
	}
	var next, revoked []byte
	if !o.NoNextUpdate {
		next = moment(o.NextUpdate)
	}
	if len(entries) > 0 {
		revoked = seq(entries...)
	}
	tbs := seq(number(1), inner, ca.subject, moment(o.ThisUpdate), next, revoked, explicit(0, seq(extensions...)))
	return signed(tbs, s, signer.key, p.opts.Rand, o.CorruptSignature)
}
