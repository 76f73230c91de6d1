package hsm

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// libraries holds the loaded modules by path. It is package state because a PKCS#11 library is: whoever opens it gets
// the one instance of the process, and C_Finalize by one user ends it for all. Entries stay for ever, as do the
// libraries.
var libraries struct {
	sync.Mutex
	byPath map[string]*library
}

// library is one PKCS#11 module.
//
// Calls go in through the gate. Who has shut the gate may initialise and finalise; each time the generation advances,
// and every slot, session and object handle of before is void: PKCS#11 numbers them anew, so that an old handle may
// name another key.
type library struct {
	path string
	// arguments for C_Initialize; empty: none. They change only while nobody uses the library. The C string lives as long as the process:
	// modules may keep it.
	arguments string
	reserved  unsafe.Pointer
	ctx       *pkcs11.Ctx
	native    *native // nil when the module can't be shared with it
	gate      gate
	current   atomic.Uint64 // generation; odd while the library is initialised

	mu       sync.Mutex // guards what follows
	users    int
	tokens   map[*Token]struct{} // those that may have calls inside
	accepted map[string]pinMark  // by token serial: the PIN that a token was logged in with
	refused  map[refusal]bool    // PINs that a token refused; true: the token showed the failed try in its flags
}

// pinMark tells PINs apart without keeping them.
type pinMark [sha256.Size]byte

type refusal struct {
	serial string
	pin    pinMark
}

// acquire loads the module at path and counts the caller as a user of it. All users at a time give the same arguments.
func acquire(path, arguments string) (*library, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	libraries.Lock()
	defer libraries.Unlock()
	lib := libraries.byPath[path]
	if lib == nil {
		if lib, err = load(path, arguments); err != nil {
			return nil, err
		}
		if libraries.byPath == nil {
			libraries.byPath = make(map[string]*library)
		}
		libraries.byPath[path] = lib
	}
	lib.mu.Lock()
	defer lib.mu.Unlock()
	if lib.arguments != arguments {
		if lib.users > 0 || lib.current.Load()%2 == 1 { // odd without users: the last one is just leaving
			return nil, fmt.Errorf("%w: it is in use with other arguments", ErrModule)
		}
		lib.arguments, lib.reserved = arguments, reservedOf(arguments)
	}
	lib.users++
	return lib, nil
}

func load(path, arguments string) (*library, error) {
	list, err := loadNative(path)
	if err != nil {
		return nil, err
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, fmt.Errorf("%w: couldn't load %s", ErrModule, path)
	}
	return &library{
		path: path, ctx: ctx, native: list, arguments: arguments, reserved: reservedOf(arguments),
		tokens:   make(map[*Token]struct{}),
		accepted: make(map[string]pinMark), refused: make(map[refusal]bool),
	}, nil
}

// release undoes acquire. The last user finalises the library, so that the next one reads its configuration anew.
func (l *library) release() {
	l.mu.Lock()
	l.users--
	last := l.users == 0
	l.mu.Unlock()
	if !last || !l.gate.close(nil) {
		return
	}
	defer l.gate.open()
	l.mu.Lock()
	last = l.users == 0 // somebody may have come while the gate was being shut
	l.mu.Unlock()
	if last {
		l.finalise()
	}
}

// join and part tell whose calls may be inside.
func (l *library) join(t *Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens[t] = struct{}{}
}

func (l *library) part(t *Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tokens, t)
}

// stuck counts the calls inside that are taken not to return. While there is one, shutting the gate would only keep
// the others out.
func (l *library) stuck() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := range l.tokens {
		n += t.stuck()
	}
	return n
}

// ready initialises the library unless it is.
func (l *library) ready(gone <-chan struct{}) error {
	if l.current.Load()%2 == 1 {
		return nil
	}
	return l.restart(gone, l.current.Load())
}

// restart has the library to itself and initialises it anew, unless somebody did since generation seen.
func (l *library) restart(gone <-chan struct{}, seen uint64) error {
	if n := l.stuck(); n > 0 {
		return fmt.Errorf("%w: %d calls do not return, so the library can't be initialised anew", ErrUnavailable, n)
	}
	if !l.gate.close(gone) {
		return fmt.Errorf("%w: calls in the library did not end in time", ErrUnavailable)
	}
	defer l.gate.open()
	if now := l.current.Load(); now != seen && now%2 == 1 {
		return nil
	}
	l.finalise()
	return l.initialise()
}

// initialise calls C_Initialize. The caller has shut the gate and finalised the library.
func (l *library) initialise() error {
	err := l.ctx.Initialize(pkcs11.InitializeWithReserved(l.reserved))
	if err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		return fmt.Errorf("%w: couldn't initialise it: %w", ErrModule, err)
	}
	l.current.Add(1)
	return nil
}

// finalise calls C_Finalize if we initialised the library. The caller has shut the gate. An error says that somebody
// else finalised it already.
func (l *library) finalise() {
	if l.current.Load()%2 == 1 {
		_ = l.ctx.Finalize()
		l.current.Add(1)
	}
}

// mayLogIn says whether pin may be tried on the token with these flags; loggedIn tells that the process is logged in to
// it already. A PIN that was refused is not tried again, until the token's count of failed tries shows that somebody
// has logged in since or set the PIN anew: so that however often we try, our tries never add up to a lock-out.
func (l *library) mayLogIn(serial, pin string, flags uint, loggedIn bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	mark := pinMark(sha256.Sum256([]byte(pin)))
	if shown, ok := l.refused[refusal{serial, mark}]; ok {
		if !shown || flags&pkcs11.CKF_USER_PIN_COUNT_LOW != 0 {
			return fmt.Errorf("%w: it was refused before and is not tried again", ErrWrongPIN)
		}
		delete(l.refused, refusal{serial, mark})
	}
	if known, ok := l.accepted[serial]; loggedIn && ok && known != mark {
		return fmt.Errorf("%w: the token is logged in to with another one", ErrWrongPIN)
	}
	if !loggedIn && flags&(pkcs11.CKF_USER_PIN_LOCKED|pkcs11.CKF_USER_PIN_FINAL_TRY) != 0 {
		return fmt.Errorf("%w: token %q", ErrPINLocked, serial)
	}
	return nil
}

// refusedPIN is a refusal as it travels between processes: the PIN itself is known on both sides.
type refusedPIN struct {
	Serial string `json:"serial"`
	Shown  bool   `json:"shown"`
}

// recall takes over what an earlier process learnt about pin, so that a process which is started anew does not try it again.
func (l *library) recall(pin string, refused []refusedPIN) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range refused {
		l.refused[refusal{r.Serial, sha256.Sum256([]byte(pin))}] = r.Shown
	}
}

// refusals is what recall takes.
func (l *library) refusals(pin string) (out []refusedPIN) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r, shown := range l.refused {
		if r.pin == sha256.Sum256([]byte(pin)) {
			out = append(out, refusedPIN{r.serial, shown})
		}
	}
	return out
}

// loggedIn keeps the outcome of a C_Login: nil, ErrWrongPIN or anything else. flags are the token's, after it.
func (l *library) loggedIn(serial, pin string, flags uint, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mark := pinMark(sha256.Sum256([]byte(pin)))
	switch {
	case err == nil:
		l.accepted[serial] = mark
	case errors.Is(err, ErrWrongPIN):
		l.refused[refusal{serial, mark}] = flags&pkcs11.CKF_USER_PIN_COUNT_LOW != 0
	}
}
