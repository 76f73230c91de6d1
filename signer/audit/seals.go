package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
)

// Heads is the document that is sealed: the ends of all chains that have entries, in order.
type Heads struct {
	Type  string    `json:"type"` // "audit-heads"
	At    time.Time `json:"at"`
	Heads []Head    `json:"heads"`
}

// Head is the end of one chain; Hash is hex.
type Head struct {
	Chain int    `json:"chain"`
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
}

const headsType = "audit-heads"

// MakeSeal signs a document and returns the signed form with the document inside.
type MakeSeal func(ctx context.Context, document []byte) (sealed []byte, err error)

// SealHeads signs the present heads of all chains and stores the result. It returns the id of the seal. Entries that are
// appended meanwhile fall under the next seal.
func (l *Log) SealHeads(ctx context.Context, db *sqlx.DB, seal MakeSeal) (string, error) {
	var rows []head
	// One statement is one snapshot: the heads belong together.
	if err := db.SelectContext(ctx, &rows, `SELECT chain, seq, hash FROM audit_chains WHERE seq > 0 ORDER BY chain`); err != nil {
		return "", fmt.Errorf("couldn't read the audit heads: %w", err)
	}
	at := l.now().UTC().Truncate(time.Microsecond)
	doc := Heads{Type: headsType, At: at, Heads: make([]Head, len(rows))}
	for i, h := range rows {
		doc.Heads[i] = Head{Chain: h.Chain, Seq: h.Seq, Hash: hex.EncodeToString(h.Hash)}
	}
	document, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("couldn't write down the audit heads: %w", err)
	}
	sealed, err := seal(ctx, document)
	if err != nil {
		return "", fmt.Errorf("couldn't seal the audit heads: %w", err)
	}
	u, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("couldn't make an id for the seal: %w", err)
	}
	id := "ads_" + hex.EncodeToString(u[:])
	_, err = db.ExecContext(ctx, `INSERT INTO audit_seals (id, at, document, sealed) VALUES ($1, $2, $3, $4)`, id, at, document, sealed)
	if err != nil {
		return "", fmt.Errorf("couldn't store the seal of the audit heads: %w", err)
	}
	return id, nil
}

// sealedHeads reads the seals and returns which entries they vouch for.
func sealedHeads(ctx context.Context, tx *sqlx.Tx, rep *Report, open OpenSeal) (map[mark][]byte, error) {
	rows, err := tx.QueryxContext(ctx, `SELECT id, document, sealed FROM audit_seals ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the audit seals: %w", err)
	}
	defer rows.Close() // rows.Err is checked
	marks := map[mark][]byte{}
	for rows.Next() {
		var id string
		var document, sealed []byte
		if err := rows.Scan(&id, &document, &sealed); err != nil {
			return nil, fmt.Errorf("couldn't read an audit seal: %w", err)
		}
		rep.Seals++
		if what := addMarks(marks, document, sealed, open); what != "" {
			rep.fault(0, 0, "seal %s %s", id, what)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("couldn't read the audit seals: %w", err)
	}
	return marks, nil
}

// addMarks returns what is wrong with a seal, or nothing.
func addMarks(marks map[mark][]byte, document, sealed []byte, open OpenSeal) string {
	if open != nil {
		signed, err := open(sealed)
		if err != nil {
			return fmt.Sprintf("does not hold: %v", err)
		}
		if !bytes.Equal(signed, document) {
			return "signs another document than the one beside it"
		}
	}
	var doc Heads
	if err := json.Unmarshal(document, &doc); err != nil || doc.Type != headsType {
		return "is no list of heads"
	}
	for _, h := range doc.Heads {
		hash, err := hex.DecodeString(h.Hash)
		if err != nil || len(hash) != 32 {
			return "holds something that is no hash"
		}
		m := mark{h.Chain, h.Seq}
		if before, ok := marks[m]; ok && !bytes.Equal(before, hash) {
			return fmt.Sprintf("contradicts an earlier seal about entry %d of chain %d", h.Seq, h.Chain)
		}
		marks[m] = hash
	}
	return ""
}
