package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/fetch/download"
	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"
)

// listSettings say which lists of revoked certificates are at hand before anybody asks for them.
type listSettings struct {
	Dir        string        `name:"lists-dir" env:"QAQPA_LISTS_DIR" placeholder:"FOLDER" help:"Keep the authorities' lists of revoked certificates in this folder and refresh them in the background; verdicts use them when OCSP gives nothing, also while the network is down, until the lists expire. Without it a list is fetched when a verdict needs it. One process uses the folder at a time."`
	Required   bool          `name:"lists-required" env:"QAQPA_LISTS_REQUIRED" default:"true" negatable:"" help:"Be ready only when each obligatory national list has been fetched once."`
	Every      time.Duration `name:"lists-every" env:"QAQPA_LISTS_EVERY" default:"1h" help:"Longest pause between two requests for a complete list; one near the end of its time is asked for earlier."`
	DeltaEvery time.Duration `name:"lists-delta-every" env:"QAQPA_LISTS_DELTA_EVERY" default:"10m" help:"The same for lists of changes."`
	KeepFor    time.Duration `name:"lists-keep" env:"QAQPA_LISTS_KEEP" default:"720h" help:"How long the folder keeps lists that newer ones have replaced; the database keeps them as evidence in any case."`
	LearntMax  int           `name:"lists-learnt-max" env:"QAQPA_LISTS_LEARNT_MAX" default:"32" help:"Most further lists that are kept because certificates of trusted authorities name them; 0 for none."`
}

// openLists opens the store of lists, which g.archive tells of each list before a verdict can name it; nil without a folder.
func (g *gateway) openLists(ctx context.Context, s listSettings, trusted *trust.Store, allowPrivate bool) error {
	if s.Dir == "" {
		return nil
	}
	if s.Every <= 0 || s.DeltaEvery <= 0 || s.KeepFor < 0 || s.LearntMax < 0 {
		return errors.New("the settings of lists hold a pause of zero or a negative number")
	}
	points, err := revoked.National(trusted)
	if err != nil {
		return err
	}
	learntMax := s.LearntMax
	if learntMax == 0 {
		learntMax = -1
	}
	g.download = download.New(download.Config{AllowPrivate: allowPrivate})
	g.lists, err = revoked.Open(ctx, revoked.Config{
		Dir: s.Dir, Source: g.download, Authorities: trusted.Pool(), Points: points, Archive: archive{g},
		BaseEvery: s.Every, DeltaEvery: s.DeltaEvery, KeepFor: s.KeepFor, LearntMax: learntMax,
		Now: time.Now, Log: g.log, Registerer: g.registry,
	})
	if err != nil {
		return fmt.Errorf("couldn't open the lists of revoked certificates in %s: %w", s.Dir, err)
	}
	g.listsRequired = s.Required
	return nil
}

// archive keeps lists as evidence. The signer wants the lists and the lists want the signer; nothing is archived before both
// are there, since the store fetches nothing until runLists.
type archive struct{ gateway *gateway }

func (a archive) Archive(ctx context.Context, l *revoked.List) error {
	return a.gateway.signer.Archive(ctx, l)
}

// runLists keeps the lists up to date until ctx ends.
func (g *gateway) runLists(ctx context.Context) error {
	if g.lists == nil {
		return nil
	}
	return g.lists.Run(ctx)
}

// closeLists lets the folder go; runLists has returned.
func (g *gateway) closeLists() error {
	if g.download != nil {
		g.download.Close()
	}
	if g.lists == nil {
		return nil
	}
	return g.lists.Close()
}
