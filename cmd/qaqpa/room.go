package main

import (
	"context"
	"encoding/hex"
	"time"

	"qaqpa/api"
	"qaqpa/api/portal"
	"qaqpa/hsm"
	"qaqpa/signer/dual"
	"qaqpa/signer/tsa"
)

// room is what the operator's pages show of keys, trust and lists.
func (g *gateway) room(ctx context.Context, c *serveCmd) api.Room {
	r := api.Room{Requests: dual.New(g.db, g.audit, time.Now), Trust: g.trust, Lists: g.lists}
	for _, k := range []struct {
		purpose, ref string
		key          *hsm.FleetKey
	}{{"seal", c.SealKey, g.sealKey}, {"checkpoint", c.CheckpointKey, g.checkpointKey}, {"webhook", c.WebhookKey, g.webhookKey}} {
		held := portal.HeldKey{
			Purpose: k.purpose, Token: c.Token.Label, Label: k.key.Label(), ID: hex.EncodeToString(k.key.ID()), Algorithm: string(k.key.Algorithm()),
		}
		// Not every key has a certificate, and a page shows the others all the same.
		if der, err := certificateOf(ctx, g.token, k.ref); err == nil {
			held.Certificate = der
		}
		r.Keys = append(r.Keys, held)
	}
	r.Tokens = func() []api.TokenState {
		states := g.token.Tokens()
		out := make([]api.TokenState, len(states))
		for i, t := range states {
			out[i] = api.TokenState{Label: t.Label, Processes: t.Processes, Usable: t.Usable, Since: t.Since, Problem: t.Problem, Trouble: string(t.Trouble)}
		}
		return out
	}
	// Without an authority nobody relies on the clock being checked.
	if c.Stamps.Key != "" {
		clock := c.Stamps.clock()
		r.Clock = func(ctx context.Context) error { return tsa.CheckClock(ctx, clock, c.Stamps.Accuracy) }
	}
	return r
}
