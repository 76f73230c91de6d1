package main

import (
	"context"
	"fmt"
	"time"

	"qaqpa/api"
	"qaqpa/signer/tsa"
)

// authoritySettings are those of the gateway's own time-stamping authority.
type authoritySettings struct {
	Key      string        `name:"tsa-key" env:"QAQPA_TSA_KEY" placeholder:"LABEL" help:"Label of the key, with its certificate, of the gateway's own time-stamping authority (RFC 3161, POST /v1/timestamps); empty: it is none."`
	Policy   string        `name:"tsa-own-policy" env:"QAQPA_TSA_OWN_POLICY" placeholder:"OID" help:"Policy under which time stamps are issued."`
	Policies []string      `name:"tsa-own-policies" env:"QAQPA_TSA_OWN_POLICIES" placeholder:"OID" help:"Further policies that requests may name."`
	Accuracy time.Duration `name:"tsa-accuracy" env:"QAQPA_TSA_ACCURACY" default:"1s" help:"Accuracy that time stamps state; while the clock may be further off, none are issued."`
	Ordering bool          `name:"tsa-ordering" env:"QAQPA_TSA_ORDERING" help:"State that time stamps are ordered. One instance at a time can issue such ones; another takes over some seconds after it stops."`
	Clock    string        `name:"tsa-clock" enum:"kernel,ntp" default:"kernel" env:"QAQPA_TSA_CLOCK" help:"How the clock is checked: ${enum}. kernel: chrony, ntpd or PTP tell the kernel how sure it may be; ntp: the servers of --tsa-ntp are asked."`
	NTP      []string      `name:"tsa-ntp" env:"QAQPA_TSA_NTP" placeholder:"HOST:PORT" help:"Time servers that check the clock; more than half must answer."`
}

// openAuthority opens the time-stamping authority; nil when there is none.
func (g *gateway) openAuthority(ctx context.Context, c *serveCmd) (api.TimeStamps, error) {
	s := c.Stamps
	if s.Key == "" {
		return nil, nil //nolint:nilnil // no authority is no error
	}
	key, err := keyOf(ctx, g.token, s.Key)
	if err != nil {
		return nil, fmt.Errorf("couldn't find the key of time stamps %q: %w", s.Key, err)
	}
	der, err := certificateOf(ctx, g.token, s.Key)
	if err != nil {
		return nil, fmt.Errorf("couldn't find the certificate of the key of time stamps %q: %w", s.Key, err)
	}
	store, err := c.Trust.store()
	if err != nil {
		return nil, err
	}
	chain, err := sealChain(der, store)
	if err != nil {
		return nil, err
	}
	authority, err := tsa.New(ctx, tsa.Config{
		DB: g.db, Audit: g.audit, Key: key, Chain: chain, Policy: s.Policy, Policies: s.Policies, Accuracy: s.Accuracy,
		Ordering: s.Ordering, Withdrawn: g.signer.Withdrawn, Clock: s.clock(), Now: time.Now, Registerer: g.registry,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't set up the time-stamping authority: %w", err)
	}
	return authority, nil
}

func (s authoritySettings) clock() tsa.Clock {
	if s.Clock == "ntp" {
		return tsa.NTPClock{Servers: s.NTP, Now: time.Now}
	}
	return tsa.KernelClock{}
}
