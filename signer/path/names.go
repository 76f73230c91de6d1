package path

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"qaqpa/signer/pkix"
)

// names are the names of a certificate that constraints apply to (RFC 5280 6.1.3 (b)): its subject, its alternative
// names, and a mail address in the subject where there are no alternative names (4.2.1.10).
func names(c *pkix.Certificate) []pkix.GeneralName {
	out := make([]pkix.GeneralName, 0, 1+len(c.SubjectAltName))
	if !c.Subject.Empty() {
		out = append(out, pkix.GeneralName{Kind: pkix.DirectoryName, Directory: &c.Subject})
	}
	if c.SubjectAltName != nil {
		return append(out, c.SubjectAltName...)
	}
	for _, mail := range c.Subject.Attribute(pkix.AttrEmail) {
		out = append(out, pkix.GeneralName{Kind: pkix.RFC822Name, Text: mail})
	}
	return out
}

// oidSMTPUTF8Mailbox is a mail address as otherName (RFC 9598), which rfc822Name constraints bind as well.
const oidSMTPUTF8Mailbox = "1.3.6.1.5.5.7.8.9"

// checkNames applies the constraints of one CA to the names of a certificate. Each CA's constraints are applied alone:
// the intersection of permitted sets over a path is that a name is permitted by each of them.
func (v *validation) checkNames(nc *pkix.NameConstraints, all []pkix.GeneralName) error {
	for i := range all {
		if err := v.checkName(nc, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

func (v *validation) checkName(nc *pkix.NameConstraints, n *pkix.GeneralName) error {
	constrained, permitted := false, false
	for _, list := range [2]struct {
		trees    []pkix.GeneralSubtree
		excluded bool
	}{{nc.Permitted, false}, {nc.Excluded, true}} {
		for i := range list.trees {
			t := &list.trees[i]
			if !concerns(t.Base.Kind, n) {
				continue
			}
			if v.work.Names++; v.work.Names > v.in.Budget.Names {
				return fmt.Errorf("more than %d comparisons of names: %w", v.in.Budget.Names, errBudget)
			}
			match, err := matchName(&t.Base, n, list.excluded)
			switch {
			case err != nil:
				return err
			case list.excluded && match:
				return fmt.Errorf("%s is excluded by %s", n, t.Base)
			case !list.excluded:
				constrained, permitted = true, permitted || match
			}
		}
	}
	if constrained && !permitted {
		return fmt.Errorf("%s is not permitted", n)
	}
	return nil
}

func concerns(kind pkix.NameKind, n *pkix.GeneralName) bool {
	return n.Kind == kind || kind == pkix.RFC822Name && n.Kind == pkix.OtherName && n.Text == oidSMTPUTF8Mailbox
}

// matchName reports whether a name lies in the subtree of base. Forms without a rule for it are an error: the
// constraint cannot be processed, so the certificate is refused (RFC 5280 4.2.1.10).
func matchName(base, n *pkix.GeneralName, excluded bool) (bool, error) {
	if base.Kind != n.Kind {
		return false, fmt.Errorf("mail address in Unicode under a constraint of mail addresses")
	}
	switch base.Kind {
	case pkix.DirectoryName:
		return n.Directory.Within(*base.Directory), nil
	case pkix.DNSName:
		return matchDNS(base.Text, n.Text, excluded)
	case pkix.RFC822Name:
		return matchMail(base.Text, n.Text)
	case pkix.URI:
		return matchURI(base.Text, n.Text)
	case pkix.IPAddress:
		return matchIP(base.IP, n.IP)
	case pkix.OtherName, pkix.X400Address, pkix.EDIPartyName, pkix.RegisteredID:
	}
	return false, fmt.Errorf("constraint of form %s cannot be processed", base.Kind)
}

// checkSubtrees refuses constraints that cannot be processed whatever the names are.
func checkSubtrees(nc *pkix.NameConstraints) error {
	for _, list := range [][]pkix.GeneralSubtree{nc.Permitted, nc.Excluded} {
		for i := range list {
			if err := checkSubtree(&list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkSubtree(t *pkix.GeneralSubtree) error {
	if t.Minimum != 0 || t.Maximum != -1 {
		return fmt.Errorf("subtree with minimum or maximum (RFC 5280 4.2.1.10)")
	}
	ok := true
	switch t.Base.Kind {
	case pkix.DNSName:
		ok = t.Base.Text == "" || validHost(t.Base.Text)
	case pkix.RFC822Name:
		ok = validMailConstraint(t.Base.Text)
	case pkix.URI:
		ok = validHost(strings.TrimPrefix(t.Base.Text, "."))
	case pkix.IPAddress:
		_, _, err := subnet(t.Base.IP)
		ok = err == nil
	case pkix.OtherName, pkix.X400Address, pkix.DirectoryName, pkix.EDIPartyName, pkix.RegisteredID:
	}
	if !ok {
		return fmt.Errorf("malformed constraint %s", t.Base)
	}
	return nil
}

// matchDNS: the host itself and everything below it. A wildcard name is all that it may stand for: it is permitted when
// all of that is, and excluded when any of it is (CVE-2025-61727).
func matchDNS(base, host string, excluded bool) (bool, error) {
	rest, wildcard := strings.CutPrefix(host, "*.")
	if !validHost(rest) {
		return false, fmt.Errorf("malformed host name %q under a constraint", host)
	}
	base, host = strings.ToLower(base), strings.ToLower(host)
	if base == "" || host == base || strings.HasSuffix(host, "."+base) {
		return true, nil
	}
	if wildcard && excluded {
		_, parent, _ := strings.Cut(base, ".")
		return parent == strings.ToLower(rest), nil
	}
	return false, nil
}

// validHost reports whether a name is labels of letters, digits, hyphens and underscores.
func validHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
			if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func splitMail(address string) (local, host string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || !validHost(address[at+1:]) {
		return "", "", false
	}
	if quoted := address[0] == '"' && address[at-1] == '"' && at > 1; !quoted && strings.ContainsAny(address[:at], ` <>@"`) {
		return "", "", false
	}
	return address[:at], address[at+1:], true
}

func validMailConstraint(base string) bool {
	if strings.Contains(base, "@") {
		_, _, ok := splitMail(base)
		return ok
	}
	return validHost(strings.TrimPrefix(base, "."))
}

// matchMail: a mailbox, all mailboxes of a host, or (with a leading period) of the hosts below a domain.
func matchMail(base, address string) (bool, error) {
	local, host, ok := splitMail(address)
	if !ok {
		return false, fmt.Errorf("malformed mail address %q under a constraint", address)
	}
	if baseLocal, baseHost, ok := splitMail(base); ok {
		return local == baseLocal && strings.EqualFold(host, baseHost), nil
	}
	return matchDomain(base, host), nil
}

// matchDomain: ".example.kz" is every host below it, "example.kz" that host alone.
func matchDomain(base, host string) bool {
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(strings.ToLower(host), strings.ToLower(base))
	}
	return strings.EqualFold(host, base)
}

// matchURI compares the host of a URI. A URI without a host name cannot be compared, so it is refused (RFC 5280
// 4.2.1.10: the authority must hold a fully qualified domain name).
func matchURI(base, uri string) (bool, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return false, fmt.Errorf("malformed URI under a constraint")
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || !validHost(host) {
		return false, fmt.Errorf("URI without a host name under a constraint")
	}
	return matchDomain(base, host), nil
}

func matchIP(base, ip []byte) (bool, error) {
	net, mask, err := subnet(base)
	if err != nil {
		return false, err
	}
	if len(ip) != len(net) {
		return false, nil
	}
	for i := range ip {
		if ip[i]&mask[i] != net[i]&mask[i] {
			return false, nil
		}
	}
	return true, nil
}

// subnet splits address and mask; the mask must be ones, then zeros (RFC 4632).
func subnet(base []byte) (net, mask []byte, err error) {
	half := len(base) / 2
	net, mask = base[:half], base[half:]
	zero := false
	for _, o := range mask {
		for bit := 7; bit >= 0; bit-- {
			if o>>bit&1 == 0 {
				zero = true
			} else if zero {
				return nil, nil, fmt.Errorf("address mask with holes")
			}
		}
	}
	return net, mask, nil
}
