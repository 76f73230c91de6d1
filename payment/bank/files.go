package bank

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// Folders of a bank that exchanges files through a shared disk.
const (
	outFolder     = "out"
	inFolder      = "in"
	doneFolder    = "in/done"
	refusedFolder = "in/refused"
	fileSuffix    = ".p7m"
)

const (
	reportsAtOnce  = 100
	reportBytesMax = 5 << 20
	folderMode     = 0o750
	fileMode       = 0o640
)

// FilesConfig configures [Files].
type FilesConfig struct {
	// Timeout bounds a call; 0 means 10 s.
	Timeout time.Duration
	// Settle is how long a report must not have changed before it is read: the bank may still be writing it; 0 means 2 s.
	Settle time.Duration
	// Now is the clock. Obligatory.
	Now func() time.Time
	// Transport carries requests; nil means a new one without proxies.
	Transport http.RoundTripper
}

// Files exchanges files with banks, over HTTP (https://…: PUT and GET of address/name) or through a shared folder (file:///…: we write
// out/name.p7m and read in/). Safe for concurrent use; several gateways may share a folder.
type Files struct {
	client *Client
	settle time.Duration
	now    func() time.Time
}

// NewFiles returns it.
func NewFiles(cfg FilesConfig) *Files {
	if cfg.Settle == 0 {
		cfg.Settle = 2 * time.Second
	}
	return &Files{client: New(Config{Timeout: cfg.Timeout, ReplyMax: reportBytesMax, Transport: cfg.Transport}), settle: cfg.Settle, now: cfg.Now}
}

// Left is a report that a bank has left in the folder.
type Left struct {
	// Name of the file, for [Files.Done].
	Name    string
	Message []byte
}

// Put hands a sealed file over. Doing so again with the same bytes changes nothing: names are the file's own. An error leaves open
// whether the bank has it.
func (f *Files) Put(ctx context.Context, address, name string, message []byte) error {
	root, isFolder, err := folder(address)
	if err != nil {
		return err
	}
	if isFolder {
		defer root.Close()
		return put(root, name+fileSuffix, message)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, address+"/"+url.PathEscape(name), bytes.NewReader(message))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	request.GetBody = nil // the transport repeats nothing on its own
	request.Header.Set("Content-Type", ContentType)
	reply, err := f.client.do(request)
	if err == nil && reply.Status/100 != 2 {
		err = fmt.Errorf("%w: status %d", ErrNoReply, reply.Status)
	}
	return err
}

// Ask asks for the report about a file. A folder cannot be asked: [ErrNoReply].
func (f *Files) Ask(ctx context.Context, address, name string) (Reply, error) {
	if strings.HasPrefix(address, "file:") {
		return Reply{}, fmt.Errorf("%w: the bank reports through a folder", ErrNoReply)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/"+url.PathEscape(name), http.NoBody)
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	return f.client.do(request)
}

// Reports are what a bank has left in its folder, at most 100 at once; none of a bank that is spoken to over HTTP.
func (f *Files) Reports(address string) ([]Left, error) {
	root, isFolder, err := folder(address)
	if err != nil || !isFolder {
		return nil, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), inFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read a bank's folder: %w", err)
	}
	var left []Left
	for _, e := range entries {
		// A link would let whoever writes here read elsewhere, so only plain files count; names of unfinished ones are passed over.
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".part") || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		info, err := e.Info()
		if err != nil || f.now().Sub(info.ModTime()) < f.settle {
			continue
		}
		one := Left{Name: e.Name()}
		if one.Message, err = read(root, path.Join(inFolder, e.Name())); err != nil {
			return left, err
		}
		if left = append(left, one); len(left) == reportsAtOnce {
			break
		}
	}
	return left, nil
}

// Done puts a report aside: among the taken, or among the refused.
func (f *Files) Done(address, name string, taken bool) error {
	root, isFolder, err := folder(address)
	if err != nil || !isFolder {
		return err
	}
	defer root.Close()
	to := doneFolder
	if !taken {
		to = refusedFolder
	}
	if err := root.MkdirAll(to, folderMode); err != nil {
		return fmt.Errorf("couldn't make a bank's folder: %w", err)
	}
	// A bank may use a name again: both are kept.
	kept := f.now().UTC().Format("20060102T150405.000000") + "-" + name
	if err := root.Rename(path.Join(inFolder, name), path.Join(to, kept)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("couldn't put a report aside: %w", err)
	}
	return nil
}

// folder opens the folder of an address; names below it cannot lead out of it.
func folder(address string) (*os.Root, bool, error) {
	dir, isFolder := strings.CutPrefix(address, "file://")
	if !isFolder {
		return nil, false, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, true, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	return root, true, nil
}

// put writes whole or not at all: a bank that looks in between sees no half file, and what was answered for stays after a power cut.
func put(root *os.Root, name string, message []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: couldn't write a file for the bank: %w", ErrNoReply, err)
		}
	}()
	if err := root.MkdirAll(outFolder, folderMode); err != nil {
		return err //nolint:wrapcheck // wrapped above
	}
	target, hidden := path.Join(outFolder, name), path.Join(outFolder, "."+name)
	file, err := root.OpenFile(hidden, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return err //nolint:wrapcheck // wrapped above
	}
	_, err = file.Write(message)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := root.Rename(hidden, target); err != nil {
		return err //nolint:wrapcheck // wrapped above
	}
	dir, err := root.Open(outFolder)
	if err != nil {
		return err //nolint:wrapcheck // wrapped above
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func read(root *os.Root, name string) (raw []byte, err error) {
	file, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("couldn't open a report: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	// One byte more than may be: the reader of the report refuses it, and it is put aside.
	if raw, err = io.ReadAll(io.LimitReader(file, reportBytesMax+1)); err != nil {
		return nil, fmt.Errorf("couldn't read a report: %w", err)
	}
	return raw, nil
}
