package hsm

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Limits of Config. Every session is a thread that a hung module may keep for ever, and a Go process dies at 10,000.
const (
	defaultSessions = 8
	maxSessions     = 256
	maxQueue        = 1 << 16
	defaultTimeout  = 5 * time.Second
)

// Config says which token to open and within which limits.
type Config struct {
	// Module is the absolute path of the PKCS#11 library. A library belongs to this package: nothing else in the
	// process may initialise or finalise it.
	Module string
	// Arguments go to the module's C_Initialize in the reserved field, for modules that want such, as NSS does: "configdir='sql:/…'
	// dbTokenDescription='label'". All users of a module in one process have to give the same. Keys are then made without crypto11.
	Arguments string
	// Token names the token: its label, or "serial:" and its serial number, or "slot:" and the number of its slot. A label survives
	// everything. A serial number tells tokens of one label apart; it ends when the token is set up anew. Slot numbers are for readers
	// that keep them: those of SoftHSM change when a token is set up, and others when tokens come and go.
	Token string
	// PIN is the user's PIN, the value itself; cmd reads it from a file or the environment.
	PIN string
	// SessionsMax bounds the calls in flight on this token, 1 to 256; 0 means 8. SoftHSM is fastest with 2 to 8; a
	// network HSM makes SessionsMax / (2 × round-trip time) signatures a second.
	SessionsMax int
	// QueueMax bounds the calls that wait for a session; one more is refused with ErrBusy. 0 means 32 × SessionsMax.
	QueueMax int
	// CallTimeout is the longest that one call may take, waiting included, when its context allows more; 0 means 5 s.
	// Generate, ImportCertificate and Keys are bounded by their context, or by two minutes.
	CallTimeout time.Duration
	// GOST makes public keys of GOST R 34.10 that verify; nil means that such keys are neither made nor used.
	GOST ParseGOST
	// Now is the clock of the metrics; nil means time.Now.
	Now func() time.Time
	// Log gets loss and return of the token; nil means no log.
	Log *slog.Logger
	// Registerer gets the metrics; nil means none. Tokens may share one.
	Registerer prometheus.Registerer

	// What a worker process sets, see worker.go.
	seats   int             // sessions beside the workers', for calls that the process hands in itself
	refused []refusedPIN    // what an earlier process learnt about the PIN
	noted   func(now state) // told of each change of the connection; must not block
}

// LogValue hides the PIN.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("module", c.Module), slog.String("token", c.Token),
		slog.Int("sessions_max", c.SessionsMax), slog.Int("queue_max", c.QueueMax),
		slog.Duration("call_timeout", c.CallTimeout))
}

// String hides the PIN.
func (c Config) String() string { return c.LogValue().String() }

// withDefaults checks the settings and fills in what may be left out.
func (c Config) withDefaults() (Config, error) {
	if _, err := parseTokenRef(c.Token); err != nil {
		return c, err
	}
	switch {
	case !filepath.IsAbs(c.Module):
		return c, fmt.Errorf("%w: path %q is not absolute", ErrModule, c.Module)
	case strings.ContainsRune(c.Arguments, 0):
		return c, errors.New("arguments of the module hold a zero byte")
	case c.PIN == "":
		return c, errors.New("PIN is empty")
	case c.SessionsMax < 0 || c.SessionsMax > maxSessions:
		return c, fmt.Errorf("SessionsMax must be 0 to %d", maxSessions)
	case c.QueueMax < 0 || c.QueueMax > maxQueue:
		return c, fmt.Errorf("QueueMax must be 0 to %d", maxQueue)
	case c.CallTimeout < 0:
		return c, errors.New("CallTimeout is negative")
	}
	if c.SessionsMax == 0 {
		c.SessionsMax = defaultSessions
	}
	if c.QueueMax == 0 {
		c.QueueMax = 32 * c.SessionsMax
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // the default of Config.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
