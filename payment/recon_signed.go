package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"strings"
)

// signedBy is what validation found of a signed file.
type signedBy struct {
	content        io.Reader
	names, verdict string
	bins           []string
}

// digester hashes what is read, and stops at a signature that nobody has validated.
type digester struct {
	r      io.Reader
	sum    hash.Hash
	size   int64
	seek   []byte // what must not occur, nil when the file was validated
	window []byte // the end of what was read, so that a mark across two reads is seen
}

func (d *digester) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if n == 0 {
		return n, err
	}
	d.sum.Write(p[:n])
	if d.seek != nil && d.signed(p[:n]) {
		return 0, errSigned
	}
	d.size += int64(n)
	return n, err
}

// signed looks for the marks of a signature: CMS at the beginning (DER of a SEQUENCE, or PEM), XMLDSig anywhere.
func (d *digester) signed(p []byte) bool {
	if d.size == 0 && (p[0] == 0x30 || bytes.HasPrefix(p, []byte("-----BEGIN "))) {
		return true
	}
	if bytes.Contains(p, d.seek) {
		return true
	}
	edge := append(d.window, p[:min(len(p), len(d.seek)-1)]...)
	if bytes.Contains(edge, d.seek) {
		return true
	}
	if len(p) >= len(d.seek)-1 {
		edge = p
	}
	d.window = append(d.window[:0], edge[max(len(edge)-len(d.seek)+1, 0):]...)
	return false
}

// reconcileSigned validates the whole file before a byte of it is believed, and reads what was signed and nothing else.
func (s *Service) reconcileSigned(ctx context.Context, f StatementFile) (FileReport, bool, error) {
	if _, err := f.Body.Seek(0, io.SeekStart); err != nil {
		return FileReport{}, false, fmt.Errorf("couldn't read the file from its beginning: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f.Body, signedBytesMax+1))
	if err != nil {
		return FileReport{}, false, fmt.Errorf("couldn't read the file: %w", err)
	}
	if len(raw) > signedBytesMax {
		return FileReport{}, false, ErrStatementUnreadable.with("a signed file is larger than 64 MiB").of(reasonLimit, "64 MiB")
	}
	found, err := s.cfg.Verifier.Verify(ctx, raw, nil)
	if err != nil {
		return FileReport{}, false, ErrVerifierUnavailable.because(err)
	}
	if !found.Valid {
		e := ErrSignatureInvalid.with(found.Indication)
		e.Reasons, e.VerdictID = found.Reasons, found.VerdictID
		return FileReport{}, false, e
	}
	content := found.Content
	if content == nil {
		if !found.Whole {
			// Signature wrapping: a genuine signature over one part, and the statement in another.
			return FileReport{}, false, ErrSignatureContent.with("the signature does not cover the whole file")
		}
		content = raw
	}
	by := &signedBy{verdict: found.VerdictID}
	var names []string
	for _, signer := range found.Signers {
		names = append(names, signer.Name)
		by.bins = append(by.bins, signer.BIN)
	}
	by.names = strings.Join(names, ", ")
	d := &digester{sum: sha256.New(), size: int64(len(raw))}
	d.sum.Write(raw)
	first, err := s.peek(ctx, f, bytes.NewReader(content))
	if err != nil {
		return FileReport{}, false, err
	}
	first.account = nil
	by.content = bytes.NewReader(content)
	return s.takeIn(ctx, f, d, by, first)
}

// signer holds the signature against the banks whose accounts the file is about. A file that an account needs signed, and
// that is not, is refused; so is one that somebody else has signed.
func (in *intake) signer(ctx context.Context, done []parsedStatement) error {
	for _, p := range done {
		if in.signed == nil {
			if p.account.Signed {
				return ErrStatementUnsigned.with("account "+p.account.Account).of(reasonUnsigned, p.account.Account)
			}
			continue
		}
		bin, known := in.bins[p.account.Bank]
		if !known {
			if err := one(ctx, in.db, &bin, `SELECT bin FROM banks WHERE bic = $1`, p.account.Bank); err != nil {
				return err
			}
			in.bins[p.account.Bank] = bin
		}
		for _, signer := range in.signed.bins {
			if signer != bin {
				return ErrStatementSigner.with("account "+p.account.Account).of(reasonSigner, p.account.Account)
			}
		}
		if len(in.signed.bins) == 0 {
			return ErrStatementSigner.with("nobody is named")
		}
	}
	return nil
}
