package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"qaqpa/hsm"
	"qaqpa/signer/audit"

	"github.com/prometheus/client_golang/prometheus"
)

// hsmWorkerCmd is the worker process of a token.
type hsmWorkerCmd struct{}

func (hsmWorkerCmd) Run(io streams, log *logSettings) error {
	return hsm.RunWorker(log.logger(io.err).With("process", "hsm-worker"))
}

// fleetSettings are those of tokens that serve, beside the settings of one token.
type fleetSettings struct {
	Replicas  []string           `name:"hsm-replica" env:"QAQPA_HSM_REPLICAS" sep:"none" placeholder:"MODULE;TOKEN;PINFILE[;ARGUMENTS]" help:"Another token, of this module or another; may be given several times. Of keys that stand in several tokens the load is shared, and when one token fails the others go on; other keys are used where they stand. TOKEN as for --hsm-token, ARGUMENTS as for --hsm-module-args."`
	Processes int                `name:"hsm-processes" env:"QAQPA_HSM_PROCESSES" default:"2" help:"Worker processes for each token; a module with a lock of its own, such as SoftHSM, signs faster from two."`
	Seats     int                `name:"hsm-sessions" env:"QAQPA_HSM_SESSIONS" default:"0" help:"Sessions of each worker process: the calls at once in a token. A token over a network wants many, one that computes on this machine, such as SoftHSM, one or two; 0: the number that is fastest is found while calls wait, and followed when it changes."`
	Stall     time.Duration      `name:"hsm-stall" env:"QAQPA_HSM_STALL" default:"3s" help:"How long a call may stay in a module before its worker process is killed and started anew. Longer than the token's slowest signature."`
	Queue     int                `name:"hsm-queue-max" env:"QAQPA_HSM_QUEUE_MAX" default:"1024" help:"Calls of one key that may wait; more are refused with 429."`
	Rates     map[string]float64 `name:"hsm-key-rate" env:"QAQPA_HSM_KEY_RATE" placeholder:"LABEL=NUMBER" help:"Most signatures a second of a key; may be given for several keys."`
	Weights   map[string]float64 `name:"hsm-key-weight" env:"QAQPA_HSM_KEY_WEIGHT" placeholder:"LABEL=NUMBER" help:"Share of a key in tokens that are fully used, relative to the 1 of others."`
}

// fleet opens the token and its replicas with worker processes of their own.
func (s tokenSettings) fleet(ctx context.Context, io streams, log *slog.Logger, registry prometheus.Registerer) (*hsm.Fleet, error) {
	if s.Module == "" || s.Label == "" {
		return nil, errors.New("no token: give --hsm-module and --hsm-token")
	}
	pin, err := s.pin(io)
	if err != nil {
		return nil, err
	}
	f := s.Fleet
	cfg := hsm.FleetConfig{
		Tokens:      []hsm.FleetToken{{Module: s.Module, Arguments: s.Args, Label: s.Label, PIN: pin}},
		CallTimeout: s.Deadline, Stall: f.Stall, QueueMax: f.Queue, Limits: make(map[string]hsm.KeyLimits), GOST: parseGOST, Log: log, Registerer: registry,
	}
	for _, r := range f.Replicas {
		t, err := replica(r)
		if err != nil {
			return nil, err
		}
		cfg.Tokens = append(cfg.Tokens, t)
	}
	for i := range cfg.Tokens {
		cfg.Tokens[i].Processes, cfg.Tokens[i].Seats = f.Processes, f.Seats
	}
	for label, n := range f.Rates {
		cfg.Limits[label] = hsm.KeyLimits{PerSecond: n}
	}
	for label, n := range f.Weights {
		l := cfg.Limits[label]
		l.Weight = n
		cfg.Limits[label] = l
	}
	fleet, err := hsm.OpenFleet(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("couldn't open token %q: %w", s.Label, err)
	}
	return fleet, nil
}

func replica(s string) (hsm.FleetToken, error) {
	parts := strings.SplitN(s, ";", 4)
	if len(parts) < 3 {
		return hsm.FleetToken{}, fmt.Errorf("--hsm-replica %q is not MODULE;TOKEN;PINFILE", s)
	}
	pin, err := readSecret(parts[2])
	if err != nil {
		return hsm.FleetToken{}, err
	}
	t := hsm.FleetToken{Module: parts[0], Label: parts[1], PIN: pin}
	if len(parts) == 4 {
		t.Arguments = parts[3]
	}
	return t, nil
}

// keyOf finds a key by what an operator writes: its label, or id:… for CKA_ID.
func keyOf(ctx context.Context, fleet *hsm.Fleet, name string) (*hsm.FleetKey, error) {
	ref, err := hsm.ParseRef(name)
	if err != nil {
		return nil, err
	}
	return fleet.Key(ctx, ref)
}

func certificateOf(ctx context.Context, fleet *hsm.Fleet, name string) ([]byte, error) {
	ref, err := hsm.ParseRef(name)
	if err != nil {
		return nil, err
	}
	return fleet.Certificate(ctx, ref)
}

// actorGateway uses keys that nobody in particular asked for.
const actorGateway = "system:gateway"

// recorded is a key whose every use is in the audit log before the signature leaves. The keys of seals need none of this: the
// signer's own entry, which says more, is committed before a seal leaves.
func (g *gateway) recorded(key *hsm.FleetKey) *hsm.FleetKey {
	return key.Recorded(usesOnRecord(audit.NewRecorder(g.audit, g.db), actorGateway))
}

// recordUse puts one use of a key on record.
type recordUse = func(context.Context, hsm.Use) error

// usesOnRecord writes each use into the audit log in the name of the actor, and returns when the entry is committed.
func usesOnRecord(recorder *audit.Recorder, actor string) recordUse {
	return func(ctx context.Context, use hsm.Use) error {
		detail, err := json.Marshal(map[string]string{
			"token": use.Token, "mechanism": use.Mechanism, "sha256": hex.EncodeToString(use.SHA256[:]),
		})
		if err != nil {
			return fmt.Errorf("couldn't write down the use of key %q: %w", use.Key, err)
		}
		entry := audit.Entry{Actor: actor, Action: "key.used", Subject: "key:" + use.Key, Detail: detail}
		if err := recorder.Record(ctx, entry); err != nil {
			return fmt.Errorf("couldn't put the use of key %q on record: %w", use.Key, err)
		}
		return nil
	}
}

// withRecord is for commands that sign: a use of a key is on record, in the name of who works here, before the signature leaves.
func withRecord(ctx context.Context, d databaseSettings, sign func(recordUse) error) (err error) {
	db, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	book, err := audit.New(audit.Config{Now: time.Now})
	if err != nil {
		return err
	}
	return sign(usesOnRecord(audit.NewRecorder(book, db), operatorActor()))
}
