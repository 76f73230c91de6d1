package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"
)

// TestListsOfProduction: with a folder, production waits for the national lists before it is ready, and a second process does not get
// the folder; without one there is no store. What makes no sense is refused.
func TestListsOfProduction(t *testing.T) {
	store, err := trust.New(trust.Config{Mode: trust.Production})
	if err != nil {
		t.Fatal(err)
	}
	open := func(s listSettings) (*gateway, error) {
		g := &gateway{log: slog.New(slog.DiscardHandler), registry: newRegistry()}
		return g, g.openLists(t.Context(), s, store, false)
	}
	if g, err := open(listSettings{}); err != nil || g.lists != nil || g.closeLists() != nil {
		t.Errorf("without a folder: %v", err)
	}
	good := listSettings{Dir: t.TempDir(), Required: true, Every: time.Hour, DeltaEvery: time.Minute, KeepFor: time.Hour}
	g, err := open(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.lists.Ready(); !errors.Is(err, revoked.ErrNotReady) || !g.listsRequired {
		t.Errorf("before the first list: %v", err)
	}
	if points := g.lists.Status(); len(points) < 8 {
		t.Errorf("%d national lists", len(points))
	}
	if second, err := open(good); !errors.Is(err, revoked.ErrInUse) || second.closeLists() != nil {
		t.Errorf("a second process: %v", err)
	}
	if err := g.closeLists(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*listSettings){
		func(s *listSettings) { s.Every = 0 },
		func(s *listSettings) { s.DeltaEvery = -1 },
		func(s *listSettings) { s.KeepFor = -1 },
		func(s *listSettings) { s.LearntMax = -1 },
	} {
		bad := good
		change(&bad)
		if g, err := open(bad); err == nil {
			t.Errorf("%+v was taken", bad)
			_ = g.closeLists() // the failure is told already
		}
	}
}
