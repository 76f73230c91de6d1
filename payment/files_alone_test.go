package payment

import (
	"context"
	"errors"
	"sync"
	"testing"

	"qaqpa/payment/bank"
	"qaqpa/payment/order"
)

// twoFolders are the folders of two banks: one whose disk is broken when reports are put aside.
type twoFolders struct {
	*fakeFiles
	mu     sync.Mutex
	broken string // address of a folder with a report that cannot be put aside
}

var errFolder = errors.New("the folder is read-only")

// Reports implements FileChannel.
func (f *twoFolders) Reports(address string) ([]bank.Left, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if address == f.broken {
		return []bank.Left{{Name: "r", Message: []byte("garbage")}}, nil
	}
	return f.fakeFiles.Reports(address)
}

// Done implements FileChannel.
func (f *twoFolders) Done(address, name string, taken bool) error {
	if address == f.broken {
		return errFolder
	}
	return f.fakeFiles.Done(address, name, taken)
}

// Put implements FileChannel.
func (f *twoFolders) Put(ctx context.Context, address, name string, message []byte) error {
	return f.fakeFiles.Put(ctx, address, name, message)
}

// What goes wrong at one bank does not hold up the files of another, whichever comes first; when it goes wrong at each, the round fails.
func TestFilesOfEachBankAlone(t *testing.T) {
	folders := &twoFolders{broken: "https://broken.invalid/files"}
	b := setup(t, func(c *Config) {
		folders.fakeFiles, _ = c.Files.(*fakeFiles)
		c.Files = folders
	})
	b.byFiles(otherBIC)
	third := "AAAAKZKA" // before the other in the order of the round
	_, err := b.db.ExecContext(t.Context(), `INSERT INTO banks SELECT (jsonb_populate_record(b, jsonb_build_object('bic', $1::text, 'bin', '990140000067', 'files', $2::text))).*
		FROM banks b WHERE b.bic = $3`, third, folders.broken, otherBIC)
	b.must(err)
	o := b.orderedAt(otherBIC, citizenIIN, b.fee(citizenIIN))
	_, err = b.authoriseAs(o, citizen(citizenIIN))
	b.must(err)
	b.clock.advance(b.cfg.FileEvery)
	for range 4 {
		b.filesWork()
	}
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("the order of the sound bank is %s", got)
	}
	_, err = b.db.ExecContext(t.Context(), `UPDATE banks SET files = $1 WHERE files <> ''`, folders.broken)
	b.must(err)
	if _, err := b.workFiles(t.Context()); !errors.Is(err, errFolder) {
		t.Errorf("a round that failed everywhere ends with %v", err)
	}
	b.check()
}
