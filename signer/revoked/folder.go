package revoked

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// errFolder is wrapped by everything that goes wrong with the folder.
var errFolder = errors.New("the folder of lists fails")

const (
	lockFile   = "lock"
	listFolder = "lists"
	listSuffix = ".crl"
	partSuffix = ".part"
)

// folder is where lists outlive the process.
type folder struct {
	root *os.Root
	lock *os.File
}

// openFolder makes the folder if need be, takes it for this process and sweeps what a crash left half-written.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the folder of lists: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the folder of lists: %w", err)
	}
	f := &folder{root: root}
	if err := f.prepare(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) prepare() (err error) {
	if f.lock, err = f.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("couldn't open the lock: %w", err)
	}
	if err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err := f.root.Mkdir(listFolder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("couldn't make the folder of lists: %w", err)
	}
	return f.removeParts()
}

func (f *folder) close() error {
	var errs []error
	if f.lock != nil {
		errs = append(errs, f.lock.Close()) // lets the lock go
	}
	return errors.Join(append(errs, f.root.Close())...)
}

func (f *folder) removeParts() error {
	for _, dir := range []string{".", listFolder} {
		names, err := f.names(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasSuffix(name, partSuffix) {
				if err := f.root.Remove(path.Join(dir, name)); err != nil {
					return fmt.Errorf("couldn't remove a part: %w", err)
				}
			}
		}
	}
	return nil
}

func (f *folder) names(dir string) ([]string, error) {
	d, err := f.root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("couldn't look into the folder of lists: %w", err)
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

func listPath(d Digest) string { return path.Join(listFolder, hex.EncodeToString(d[:])+listSuffix) }

// part is a list on its way to the folder.
type part struct {
	*os.File
	in   *folder
	name string
}

// part makes a file to write a list to; name keeps those of different points apart.
func (f *folder) part(name string) (*part, error) {
	p := path.Join(listFolder, name+partSuffix)
	file, err := f.root.OpenFile(p, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFolder, err)
	}
	return &part{file, f, p}, nil
}

// octets reads back what was written.
func (p *part) octets(n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := p.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", errFolder, err)
	}
	return b, nil
}

// keep makes the list durable under its digest. When it returns nil, the list survives a crash of the machine.
func (p *part) keep(d Digest, now time.Time) error {
	err := p.Sync()
	if err == nil {
		err = p.in.root.Rename(p.name, listPath(d))
	}
	if err == nil {
		err = p.in.root.Chtimes(listPath(d), now, now)
	}
	if err == nil {
		err = p.in.sync(listFolder)
	}
	if err != nil {
		return fmt.Errorf("%w: couldn't keep a list: %w", errFolder, err)
	}
	p.name = ""
	return nil
}

// discard closes the file, and removes it unless it was kept.
func (p *part) discard() error {
	err := p.Close()
	if p.name != "" {
		err = errors.Join(err, p.in.root.Remove(p.name))
	}
	return err
}

func (f *folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// open opens a kept list.
func (f *folder) open(d Digest) (*os.File, error) {
	file, err := f.root.Open(listPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %x", ErrNotKept, d)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFolder, err)
	}
	return file, nil
}

// read reads a kept list of at most limit octets.
func (f *folder) read(d Digest, limit int64) (b []byte, err error) {
	file, err := f.open(d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil || info.Size() > limit {
		return nil, fmt.Errorf("%w: a list is larger than the limit or cannot be looked at: %w", errFolder, err)
	}
	b = make([]byte, info.Size())
	if _, err := io.ReadFull(file, b); err != nil {
		return nil, fmt.Errorf("%w: %w", errFolder, err)
	}
	return b, nil
}

// touch notes that a list was current until now.
func (f *folder) touch(d Digest, now time.Time) error {
	if err := f.root.Chtimes(listPath(d), now, now); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	return nil
}

// sweep removes lists that are not current and were last so before a time.
func (f *folder) sweep(current map[Digest]bool, before time.Time) error {
	names, err := f.names(listFolder)
	if err != nil {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	for _, name := range names {
		b, err := hex.DecodeString(strings.TrimSuffix(name, listSuffix))
		if err != nil || len(b) != len(Digest{}) || current[Digest(b)] {
			continue
		}
		file := path.Join(listFolder, name)
		info, err := f.root.Stat(file)
		if err == nil && info.ModTime().Before(before) {
			err = f.root.Remove(file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", errFolder, err)
		}
	}
	return nil
}
