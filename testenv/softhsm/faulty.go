package softhsm

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed native
var sources embed.FS

// Faulty is a PKCS#11 module around SoftHSM's that goes wrong when it is told to, in whichever process has it loaded.
type Faulty struct {
	Module  string // path of the module
	control *os.File
}

// Numbers of functions in faults and counts: their places in CK_FUNCTION_LIST.
const (
	CallInitialize      = 0
	CallOpenSession     = 12
	CallLogin           = 18
	CallCreateObject    = 20
	CallSignInit        = 42
	CallSign            = 43
	CallGenerateKey     = 58
	CallGenerateKeyPair = 59
)

// Places in the control file; native/faulty.c says what they mean.
const (
	atDelay  = 0
	atFreeze = 1
	atWrong  = 2
	atError  = 3
	atCrash  = 6
	atLoose  = 7
	atCounts = 16
	atModule = 1024
)

// NewFaulty compiles the module into dir. Several in different folders have faults of their own.
func NewFaulty(dir string) (*Faulty, error) {
	module, err := ModulePath()
	if err != nil {
		return nil, err
	}
	f := &Faulty{Module: filepath.Join(dir, "faulty.so")}
	if err := compile("faulty.c", f.Module, "-shared", "-fPIC"); err != nil {
		return nil, err
	}
	if f.control, err = os.OpenFile(f.Module+".control", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("couldn't make the control file: %w", err)
	}
	page := make([]byte, 4096)
	copy(page[atModule:], module)
	if _, err := f.control.WriteAt(page, 0); err != nil {
		return nil, fmt.Errorf("couldn't write the control file: %w", err)
	}
	return f, nil
}

// CompileLoop compiles the loop that shows what a module can do, see native/loop.c, into dir and returns its path.
func CompileLoop(dir string) (string, error) {
	path := filepath.Join(dir, "loop")
	return path, compile("loop.c", path, "-pthread")
}

// compile runs the C compiler that cgo needs anyway.
func compile(source, to string, flags ...string) error {
	dir, err := os.MkdirTemp("", "qaqpa-cc-")
	if err != nil {
		return fmt.Errorf("couldn't make a folder for sources: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{source, "pkcs11.h"} {
		text, err := sources.ReadFile("native/" + name)
		if err != nil {
			return fmt.Errorf("couldn't read %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("couldn't write %s: %w", name, err)
		}
	}
	cmd := exec.Command("cc", append([]string{"-O2", "-o", to, filepath.Join(dir, source), "-ldl"}, flags...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("couldn't compile %s: %w: %s", source, err, out)
	}
	return nil
}

// Close lets go of the control file; processes that have the module go on.
func (f *Faulty) Close() error { return f.control.Close() }

func (f *Faulty) set(at int, values ...uint64) error {
	var b []byte
	for _, v := range values {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	if _, err := f.control.WriteAt(b, int64(8*at)); err != nil {
		return fmt.Errorf("couldn't set a fault: %w", err)
	}
	return nil
}

// Delay makes C_SignInit and C_Sign so many microseconds slower each.
func (f *Faulty) Delay(us uint64) error { return f.set(atDelay, us) }

// Freeze has calls not return until it is called with false.
func (f *Faulty) Freeze(on bool) error { return f.set(atFreeze, flag(on)) }

// Wrong spoils the next n signatures.
func (f *Faulty) Wrong(n uint64) error { return f.set(atWrong, n) }

// Fail has the next n calls of a function return an error code.
func (f *Faulty) Fail(call int, code, n uint64) error {
	return errors.Join(f.set(atError+2, 0), f.set(atError, code, uint64(call)), f.set(atError+2, n))
}

// Crash has C_Sign end the process that calls it.
func (f *Faulty) Crash(on bool) error { return f.set(atCrash, flag(on)) }

// Loosen has keys that are made be extractable, whatever was asked for, as a careless module may.
func (f *Faulty) Loosen(on bool) error { return f.set(atLoose, flag(on)) }

// Calls is how often a function was called, in all processes.
func (f *Faulty) Calls(call int) (uint64, error) {
	var b [8]byte
	if _, err := f.control.ReadAt(b[:], int64(8*(atCounts+call))); err != nil {
		return 0, fmt.Errorf("couldn't read a count: %w", err)
	}
	return binary.NativeEndian.Uint64(b[:]), nil
}

func flag(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}
