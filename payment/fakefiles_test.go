package payment

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"qaqpa/payment/bank"
	stand "qaqpa/testenv/bank"
)

// fakeFiles is a bank behind FileChannel: the stand-in's desk with the notary's signatures. Its scripts say how the next calls go.
type fakeFiles struct {
	*stand.Desk
	mu     sync.Mutex
	notary *notary
	bin    string
	puts   []string // then "ok"
	asks   []string // then "ok"
	taken  int
	names  []string // digests of what was put
	left   []bank.Left
	aside  map[string]bool
}

func newFakeFiles(n *notary, now func() time.Time, bic, bin string) *fakeFiles {
	return &fakeFiles{Desk: &stand.Desk{BIC: bic, Now: now}, notary: n, bin: bin, aside: map[string]bool{}}
}

// Put implements FileChannel.
func (f *fakeFiles) Put(_ context.Context, _, name string, message []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = append(f.names, fmt.Sprintf("%s %x", name, sha256.Sum256(message)))
	step := "ok"
	if !f.Knows(name) { // the script is for files that are new to the bank
		step = next(&f.puts)
	}
	if step == "timeoutNotDone" || step == "errorNotDone" {
		return fmt.Errorf("%w: %w", bank.ErrNoReply, context.DeadlineExceeded)
	}
	var e envelope
	if err := json.Unmarshal(message, &e); err != nil {
		return err
	}
	code, reason := stand.CodeExecuted, ""
	switch step {
	case "refuse":
		code, reason = stand.CodeRefused, "AM04"
	case "pending":
		code = stand.CodePending
	}
	f.taken++
	if step == "lostAfterPut" { // the bank's server took it, and lost it
		return nil
	}
	if err := f.Take(e.Content, code, reason); err != nil {
		return errors.Join(bank.ErrNoReply, fmt.Errorf("%s: %w", name, err))
	}
	if step == "timeoutButDone" || step == "errorButDone" {
		return fmt.Errorf("%w: %w", bank.ErrNoReply, context.DeadlineExceeded)
	}
	return nil
}

// Ask implements FileChannel.
func (f *fakeFiles) Ask(_ context.Context, _, name string) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	step := next(&f.asks)
	switch step {
	case "timeoutNotDone":
		return lost(step)
	case "errorNotDone":
		return bank.Reply{Status: http.StatusInternalServerError}, nil
	}
	return bank.Reply{Status: http.StatusOK, Message: f.signed(f.Report(name, lying(step)), step)}, nil
}

// lying changes what a report says.
func lying(step string) func(*stand.Said) {
	return func(s *stand.Said) {
		switch step {
		case "wrongAmount":
			s.Amount = "1.00"
		case "wrongCurrency":
			s.Currency = "USD"
		case "wrongAttempt":
			s.EndToEnd = s.EndToEnd[:2] + "00000000000000000000000000000000"
		case "unknownCode":
			s.Code = "DONE"
		case "contradict":
			s.Code, s.Reason = stand.CodeRefused, "AC04"
		}
	}
}

func (f *fakeFiles) signed(report []byte, step string) []byte {
	signer := bankSigner(f.bin)
	if step == "otherSigner" {
		signer = bankSigner(agencyBIN)
	}
	message := f.notary.sign(signer, report, false)
	if step == "badSignature" {
		message[len(message)-6] ^= 1
	}
	if step == "garbage" {
		message = []byte("\x30\x82")
	}
	return message
}

// Reports implements FileChannel.
func (f *fakeFiles) Reports(string) ([]bank.Left, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left, nil
}

// Done implements FileChannel.
func (f *fakeFiles) Done(_, name string, taken bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aside[name] = taken
	for i := range f.left {
		if f.left[i].Name == name {
			f.left = append(f.left[:i:i], f.left[i+1:]...)
			break
		}
	}
	return nil
}

// byFiles makes a bank one that takes files.
func (b *bundle) byFiles(bic string) {
	b.t.Helper()
	_, err := b.db.ExecContext(b.t.Context(), `UPDATE banks SET files = 'https://bank.invalid/files' WHERE bic = $1`, bic)
	b.must(err)
}

// filesWork lets files go one step, and waits.
func (b *bundle) filesWork() {
	b.t.Helper()
	b.clock.advance(time.Minute)
	_, err := b.workFiles(b.t.Context())
	b.must(err)
	b.fileCalls.wait()
}
