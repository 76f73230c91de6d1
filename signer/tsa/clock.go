package tsa

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// checkEvery is how long a check of the clock holds.
const checkEvery = 10 * time.Second

// watch remembers the last check of the clock.
type watch struct {
	mu      sync.Mutex
	checked time.Time // with monotonic reading
	err     error
}

// sure is nil when the clock was found right within the stated accuracy not long ago and has not jumped since.
func (w *watch) sure(ctx context.Context, cfg Config) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := cfg.Now()
	age := now.Sub(w.checked)                                 // by the monotonic clock, where there is one
	jump := now.Round(0).Sub(w.checked.Round(0)) - age        // how far the wall clock moved beside it
	jumped := jump > cfg.Accuracy/2 || -jump > cfg.Accuracy/2 // somebody set it
	if !w.checked.IsZero() && age >= 0 && age < checkEvery && !jumped {
		return w.err
	}
	err := CheckClock(ctx, cfg.Clock, cfg.Accuracy)
	w.checked, w.err = cfg.Now(), err
	return err
}

// Why a clock is not sure; errors of [CheckClock] wrap one of them with the particulars.
var (
	// ErrClockUnsynchronised: the kernel says that nobody keeps its clock.
	ErrClockUnsynchronised = errors.New("the kernel's clock is not synchronised")
	// ErrClockUnknown: the kernel could not be asked.
	ErrClockUnknown = errors.New("couldn't ask the kernel for the state of its clock")
	// ErrClockServers: too few time servers answered.
	ErrClockServers = errors.New("too few time servers answered")
	// ErrClockOff: the clock may be further off than is stated.
	ErrClockOff = errors.New("the clock may be too far off")
)

// CheckClock is nil when the clock is right within the accuracy. Errors: the four above, or that of a clock of another kind.
func CheckClock(ctx context.Context, clock Clock, accuracy time.Duration) error {
	bound, err := clock.Check(ctx)
	if err == nil && bound > accuracy {
		err = fmt.Errorf("%w: by %v, and %v are stated", ErrClockOff, bound, accuracy)
	}
	return err
}

// KernelClock is sure when the kernel is told so by whatever keeps its clock (chrony, ntpd, PTP): adjtimex(2).
type KernelClock struct{}

// What adjtimex says of a clock that nobody keeps.
const (
	timeError = 5    // TIME_ERROR
	staUnsync = 0x40 // STA_UNSYNC
)

// Check returns the kernel's bound of the error.
func (KernelClock) Check(context.Context) (time.Duration, error) {
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrClockUnknown, err)
	case state == timeError || t.Status&staUnsync != 0:
		return 0, ErrClockUnsynchronised
	}
	return time.Duration(t.Maxerror) * time.Microsecond, nil
}
