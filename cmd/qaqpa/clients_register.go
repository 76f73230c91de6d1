package main

import (
	"context"
	"fmt"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/inquiry"
)

// clientsSetRegisterCmd says that an agency keeps its own register of debts.
type clientsSetRegisterCmd struct {
	databaseSettings `embed:""`
	Agency           string        `required:"" placeholder:"ID" help:"Id of the agency."`
	URL              string        `name:"url" required:"" placeholder:"URL" help:"Where its register takes signed questions."`
	Wait             time.Duration `default:"3s" help:"How long a citizen waits for its answer: 100ms to 10s."`
	Fresh            time.Duration `default:"1m" help:"How long an answer stands in for the next one, up to 24h; 0s: it is asked each time."`
	ByReference      bool          `help:"It also answers questions about one debt, by the number that the agency gave it."`
	Paused           bool          `help:"Do not ask it."`
	AllowPrivate     bool          `env:"QAQPA_ALLOW_PRIVATE" help:"Take an address that is loopback, private or plain HTTP."`
}

func (c *clientsSetRegisterCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, c.AllowPrivate, func(r *payment.Registrar) error {
		set := inquiry.Settings{URL: c.URL, Wait: c.Wait, Fresh: c.Fresh, Paused: c.Paused, ByReference: c.ByReference}
		idem, err := idemOf(set)
		if err != nil {
			return err
		}
		if _, err := r.SetRegister(ctx, idem, c.Agency, set); err != nil {
			return fmt.Errorf("couldn't set the register of %s: %w", c.Agency, err)
		}
		fmt.Fprintln(io.out, "set; looks from now on ask it")
		return nil
	})
}
