//go:build !release

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is the gateway as a process of its own.
type process struct {
	cmd   *exec.Cmd
	ended chan error // the result of Wait, once
}

// startGateway starts `serve` and waits until it says that it is ready.
func (w *world) startGateway(ctx context.Context) error {
	log, err := os.OpenFile(w.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("couldn't open the gateway's log: %w", err)
	}
	defer log.Close() // the child has its own descriptor
	// The gateway outlives ctx, so that Ctrl-C ends it in order: close interrupts it first, then what it stands on.
	cmd := w.command(context.WithoutCancel(ctx), "serve")
	cmd.Stdout, cmd.Stderr = log, log
	// Its own group, or Ctrl-C would reach it beside us; and it must not outlive us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	w.process = &process{cmd: cmd, ended: make(chan error, 1)}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the parent-death signal belongs to the thread that forked
		err := cmd.Start()
		started <- err
		if err == nil {
			w.process.ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		w.process = nil
		return fmt.Errorf("couldn't start the gateway: %w", err)
	}
	return w.ready(ctx)
}

// readyWait is generous: a loaded machine may take long to initialise the token.
const readyWait = 60 * time.Second

func (w *world) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.adminURL+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("couldn't ask whether the gateway is ready: %w", err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close() // only the status matters
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-w.process.ended:
			w.process = nil
			return fmt.Errorf("the gateway ended while starting, see %s: %w", w.logs, err)
		case <-ctx.Done():
			return fmt.Errorf("the gateway was not ready within %s, see %s", readyWait, w.logs)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// gatewayEnded delivers the result of the gateway when it ends by itself.
func (w *world) gatewayEnded() <-chan error { return w.process.ended }

// killGateway ends the gateway with SIGKILL, as a power cut would.
func (w *world) killGateway() error {
	if err := w.process.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("couldn't kill the gateway: %w", err)
	}
	err := <-w.process.ended // "signal: killed" is what was asked for
	w.process = nil
	if err == nil {
		return errors.New("the gateway had ended by itself before it was killed")
	}
	return nil
}

// interrupt asks the gateway to stop and waits; after 30 s it is killed, which loses nothing but takes the blame.
func (p *process) interrupt() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("couldn't stop the gateway: %w", err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("the gateway did not end well: %w", err)
		}
		return nil
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill() // it may just have ended
		return errors.New("the gateway did not stop within 30 s and was killed")
	}
}
