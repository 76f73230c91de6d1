//go:build !release

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// demoCommands are the commands that a release leaves out, since they bring their own stand-ins.
type demoCommands struct {
	Demo demoCmd `cmd:"" help:"Pay one fee from debt to sealed receipt, on private parts, with faults; or stay up with --stay."`
}

// demoCmd starts a private PostgreSQL, SoftHSM token, PKI, bank and agency, runs the gateway as a process of its own,
// and tells the story of one fee.
type demoCmd struct {
	Stay        bool   `help:"Keep everything running until Ctrl-C instead of telling the story; the data are kept."`
	Home        string `type:"path" placeholder:"DIR" help:"Folder of the data. Without it: .qaqpa with --stay, else a temporary one that is removed."`
	Output      string `type:"path" placeholder:"DIR" default:".build/demo" help:"Where the story leaves the receipt."`
	Listen      string `default:"127.0.0.1:0" help:"Address of the gateway; port 0 takes a free one, with --stay the one of the last time."`
	AdminListen string `default:"127.0.0.1:0" help:"Address of the admin listener."`
}

func (c *demoCmd) Run(ctx context.Context, io streams) (err error) {
	home, temporary, err := c.home()
	if err != nil {
		return err
	}
	if temporary {
		defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	}
	say := &narrator{w: io.out}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("couldn't find this program: %w", err)
	}
	if c.Stay {
		say.title("qaqpa, with its stand-ins, in " + home)
	} else {
		say.title("One state fee, from debt to sealed receipt")
	}
	w, err := newWorld(ctx, worldConfig{
		home: home, self: []string{self}, listen: c.Listen, adminListen: c.AdminListen, say: say, logs: filepath.Join(home, "gateway.log"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if c.Stay {
		return c.stay(ctx, w, say)
	}
	return tell(ctx, w, say, c.Output)
}

// home decides where the data live. PostgreSQL refuses to run as root, so when we are root its user has to reach the folder.
func (c *demoCmd) home() (dir string, temporary bool, err error) {
	switch {
	case c.Home != "":
		return c.Home, false, nil
	case !c.Stay:
		if dir, err = os.MkdirTemp("", "qaqpa-demo-"); err != nil {
			return "", false, fmt.Errorf("couldn't make a folder for the demonstration: %w", err)
		}
		return dir, true, os.Chmod(dir, 0o755) //nolint:gosec // PostgreSQL's user has to pass through; secrets within are 0600
	}
	dir, err = filepath.Abs(".qaqpa")
	if err != nil {
		return "", false, fmt.Errorf("couldn't resolve .qaqpa: %w", err)
	}
	if os.Geteuid() == 0 && !passable(filepath.Dir(dir)) {
		// A checkout under /root, say: PostgreSQL's user cannot enter it.
		dir = filepath.Join("/var/lib/qaqpa", fmt.Sprintf("%x", sum32(dir)))
	}
	return dir, false, nil
}

// passable tells whether every user may pass through the folder and all above it.
func passable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

func (c *demoCmd) stay(ctx context.Context, w *world, say *narrator) error {
	if err := w.openSandbox(ctx, say); err != nil {
		return fmt.Errorf("couldn't open the sandbox: %w", err)
	}
	say.line("")
	say.line("  sandbox          %s/developers", w.gatewayURL)
	say.line("  verify page      %s/verify", w.gatewayURL)
	say.line("  contract         %s/openapi.yaml", w.gatewayURL)
	say.line("  health, metrics  %s/readyz  %s/metrics", w.adminURL, w.adminURL)
	say.line("  test PKI         %s", w.pki.BaseURL())
	say.line("  bank stand-in    %s", w.bankURL)
	say.line("  agency stand-in  %s", w.agencyURL)
	say.line("  API keys         %s", filepath.Join(w.home, "clients.json"))
	say.line("  gateway's log    %s", filepath.Join(w.home, "gateway.log"))
	say.line("")
	say.line("Ctrl-C stops all of it; the data stay in %s.", w.home)
	select {
	case <-ctx.Done():
		say.line("stopping …")
		return nil
	case err := <-w.gatewayEnded():
		return fmt.Errorf("the gateway ended by itself, see its log: %w", err)
	}
}
