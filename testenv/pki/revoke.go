package pki

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Reason is a CRLReason (RFC 5280 5.3.1).
type Reason int

// Reasons seen in the national lists.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	removeFromCRL        Reason = 8
)

// encode is the ENUMERATED of a reason.
func (r Reason) encode() []byte {
	return tlv(tagEnumerated, []byte{byte(r)}) // reasons are 0 to 10
}

// Revoke puts the certificate on its issuer's list from the given time (zero: now) on. OCSP and the
// delta list say so at once, the full list when it is made next. Revoking again replaces reason and
// time: so a hold becomes final.
func (p *PKI) Revoke(id *Identity, reason Reason, at time.Time) error {
	return p.revoke(id.ca, id.serial, reason, at)
}

// RevokeCA puts a national CA on its root's list.
func (p *PKI) RevokeCA(ca *CA, reason Reason, at time.Time) error {
	if ca.parent == nil {
		return errors.New("nobody can revoke a root")
	}
	return p.revoke(ca.parent.file(), ca.serial, reason, at)
}

func (p *PKI) revoke(caFile string, serial []byte, reason Reason, at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.IsZero() {
		at = p.opts.Now()
	}
	l := p.listNamed(caFile)
	entry := revocation{Serial: hex.EncodeToString(serial), At: at.UTC().Truncate(time.Second), Reason: reason}
	if old, ok := l.find(serial); ok {
		*old = entry
	} else {
		l.Revocations = append(l.Revocations, entry)
	}
	return p.save()
}

// Unrevoke takes a certificate off hold; the next delta list says removeFromCRL.
func (p *PKI) Unrevoke(id *Identity) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.listNamed(id.ca)
	r, ok := l.find(id.serial)
	if !ok || r.Reason != CertificateHold {
		return fmt.Errorf("%q is not on hold", id.Name)
	}
	if r.Listed {
		l.Released = append(l.Released, revocation{Serial: r.Serial, At: p.opts.Now(), Reason: removeFromCRL})
	}
	l.Revocations = slices.DeleteFunc(l.Revocations, func(x revocation) bool { return x.Serial == r.Serial })
	return p.save()
}
