package sandbox

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"

	"qaqpa/api/strictjson"
)

// SizeMax bounds the file, in octets.
const SizeMax = 64 << 10

// Sandbox is what developers may use.
type Sandbox struct {
	// AgencyKey and PortalKey are API keys.
	AgencyKey string `json:"agency_key" limit:"200"`
	PortalKey string `json:"portal_key" limit:"200"`
	// Service is the id of a service of the agency that takes debts; Payer the IIN of a person who is invented; Bank the BIC of one
	// that moves no money.
	Service string `json:"service" limit:"80"`
	Payer   string `json:"payer" limit:"12"`
	Bank    string `json:"bank" limit:"11"`
	// PayerPEM is the payer's certificate and private key, PEM.
	PayerPEM string `json:"payer_pem" limit:"16384"`
}

// plain is what every value but the PEM is made of: it is pasted into shells, in which nothing of it may mean anything.
var plain = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,200}$`)

// Read reads the file of a sandbox (JSON), and refuses one that lacks something or would not be harmless when pasted.
func Read(file []byte) (Sandbox, error) {
	decoder, err := strictjson.New[Sandbox](strictjson.Limits{})
	if err != nil {
		return Sandbox{}, fmt.Errorf("couldn't prepare reading a sandbox: %w", err)
	}
	if len(file) > SizeMax {
		return Sandbox{}, fmt.Errorf("couldn't read the sandbox: it has more than %d octets", SizeMax)
	}
	s, err := decoder.Decode(file)
	if err != nil {
		return Sandbox{}, fmt.Errorf("couldn't read the sandbox: %w", err)
	}
	for name, value := range map[string]string{"agency_key": s.AgencyKey, "portal_key": s.PortalKey, "service": s.Service, "payer": s.Payer, "bank": s.Bank} {
		if !plain.MatchString(value) {
			return Sandbox{}, fmt.Errorf("couldn't read the sandbox: %s is not plain", name)
		}
	}
	return s, s.pair()
}

// pair checks that there is a certificate with its key, and nothing else.
func (s Sandbox) pair() error {
	var certificate, key bool
	rest := []byte(s.PayerPEM)
	for len(bytes.TrimSpace(rest)) > 0 {
		block, after := pem.Decode(rest)
		if block == nil {
			return errors.New("couldn't read the sandbox: payer_pem is no PEM")
		}
		rest = after
		switch block.Type {
		case "CERTIFICATE":
			_, err := x509.ParseCertificate(block.Bytes)
			certificate = err == nil
		case "PRIVATE KEY":
			_, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			key = err == nil
		}
	}
	if !certificate || !key {
		return errors.New("couldn't read the sandbox: payer_pem lacks a certificate or a private key that openssl can use")
	}
	return nil
}

// Known are the values by the names that bodies and paths have for them.
func (s Sandbox) Known() map[string]string {
	return map[string]string{"service": s.Service, "payer": s.Payer, "bank": s.Bank}
}

// Harmless reports whether a bank at this address is a stand-in on the gateway's own machine. The attack: a gateway that pays is
// started as a sandbox by mistake, and everybody reads its keys.
func Harmless(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}
