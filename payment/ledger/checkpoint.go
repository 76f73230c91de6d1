package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrCheckpoint says that a note is no checkpoint, or that its signature does not hold.
var ErrCheckpoint = errors.New("not a signed checkpoint")

// noteMax is the largest note that is read, in bytes.
const noteMax = 4096

// checkpointMark is the first line of the body.
const checkpointMark = "qaqpa-checkpoint-v1"

// Checkpoint is the signed state of the journal. Its body is seven lines: the mark, the origin, the number of the
// checkpoint, the total number of leaves, the top root, the digest of the note before (zeros for the first), the time.
type Checkpoint struct {
	// Origin names the log; it is also the name of the key.
	Origin   string
	Number   int64
	Total    int64
	Root     Hash
	Previous Hash
	At       time.Time
}

// body renders the text that is signed.
func (c Checkpoint) body() string {
	return fmt.Sprintf("%s\n%s\n%d\n%d\n%s\n%s\n%s\n", checkpointMark, c.Origin, c.Number, c.Total,
		base64.StdEncoding.EncodeToString(c.Root[:]), base64.StdEncoding.EncodeToString(c.Previous[:]),
		c.At.UTC().Format(time.RFC3339Nano))
}

// Sign renders the checkpoint as a signed note.
func (c Checkpoint) Sign(signer note.Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.body()}, signer)
	if err != nil {
		return "", fmt.Errorf("couldn't sign checkpoint %d: %w", c.Number, err)
	}
	return string(signed), nil
}

// NoteHash is the digest of a note by which the next one names it.
func NoteHash(signed string) Hash { return sha256.Sum256([]byte(signed)) }

// OpenCheckpoint verifies a note under one of the keys and reads it. Errors wrap [ErrCheckpoint].
func OpenCheckpoint(signed string, keys note.Verifiers) (Checkpoint, error) {
	if len(signed) > noteMax {
		return Checkpoint{}, fmt.Errorf("%w: longer than %d bytes", ErrCheckpoint, noteMax)
	}
	opened, err := note.Open([]byte(signed), keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := parseCheckpoint(opened.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, signature := range opened.Sigs {
		if signature.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: signed by another than %s", ErrCheckpoint, c.Origin)
}

func parseCheckpoint(body string) (Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 8 || lines[0] != checkpointMark || lines[7] != "" {
		return Checkpoint{}, fmt.Errorf("%w: unknown body", ErrCheckpoint)
	}
	c := Checkpoint{Origin: lines[1]}
	var err error
	if c.Number, err = strconv.ParseInt(lines[2], 10, 64); err != nil || c.Number < 1 {
		return Checkpoint{}, fmt.Errorf("%w: number %q", ErrCheckpoint, lines[2])
	}
	if c.Total, err = strconv.ParseInt(lines[3], 10, 64); err != nil || c.Total < 0 {
		return Checkpoint{}, fmt.Errorf("%w: size %q", ErrCheckpoint, lines[3])
	}
	if c.Root, err = tlog.ParseHash(lines[4]); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: root %q", ErrCheckpoint, lines[4])
	}
	if c.Previous, err = tlog.ParseHash(lines[5]); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: previous %q", ErrCheckpoint, lines[5])
	}
	if c.At, err = time.Parse(time.RFC3339Nano, lines[6]); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: time %q", ErrCheckpoint, lines[6])
	}
	if c.body() != body { // one checkpoint, one text
		return Checkpoint{}, fmt.Errorf("%w: not in canonical form", ErrCheckpoint)
	}
	return c, nil
}

// PeekCheckpoint reads a note without checking its signature, for showing what the gateway itself has stored.
func PeekCheckpoint(signed string) (Checkpoint, error) {
	body, _, found := strings.Cut(signed, "\n\n")
	if !found || len(signed) > noteMax {
		return Checkpoint{}, fmt.Errorf("%w: no signature", ErrCheckpoint)
	}
	return parseCheckpoint(body + "\n")
}
