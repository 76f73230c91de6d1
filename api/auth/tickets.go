package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// What a ticket is for.
const (
	TicketSignIn  = "sign-in"
	TicketOrder   = "order"
	TicketMandate = "mandate"
)

// How far a ticket has come.
const (
	TicketWaiting = "waiting"
	TicketFetched = "fetched"
	TicketSigned  = "signed"
	TicketRefused = "refused"
)

// ticketLife is how long a QR code can be used.
const ticketLife = 5 * time.Minute

// ErrNoTicket says that a QR code is unknown, was used, or is too old.
var ErrNoTicket = errors.New("no such QR code, or its time is over")

// Ticket is what the phone behind a QR code was asked to sign.
type Ticket struct {
	Purpose string `db:"purpose"`
	// Subject is the order or the agreement; of a sign-in it is for this package alone.
	Subject string `db:"subject"`
	// Owner opened the ticket; empty for sign-in.
	Owner string `db:"owner"`
	State string `db:"state"`
	// Refusal is the code of the problem for which the phone's last answer was refused.
	Refusal string `db:"refusal"`
	// Signed says who has signed, for sign-in.
	Signed    string    `db:"person"`
	ExpiresAt time.Time `db:"expires_at"`
}

// TicketToken is what stands in the QR code. It is made from a secret of the browser and of no use to find that: whoever
// photographs the code can sign, but never becomes the one who waits.
func TicketToken(secret, purpose, subject string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("qr\x00" + purpose + "\x00" + subject))
	const length = 16 // bytes, more than anybody guesses within minutes
	return hex.EncodeToString(mac.Sum(nil)[:length])
}

// OpenTicket begins the life of a QR code, or begins it anew after it ended or was refused.
func (s *Store) OpenTicket(ctx context.Context, token string, t Ticket) error {
	hash := sha256.Sum256([]byte(token))
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM qr_ticket WHERE token_sha256 IN (SELECT token_sha256 FROM qr_ticket WHERE expires_at <= $1 LIMIT $2)`, now, sweepMax); err != nil {
			return fmt.Errorf("couldn't clear away old QR codes: %w", err)
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO qr_ticket (token_sha256, purpose, subject, owner, state, refusal, person, expires_at) VALUES ($1, $2, $3, $4, 'waiting', '', '', $5)
			ON CONFLICT (token_sha256) DO UPDATE SET state = 'waiting', refusal = '', expires_at = excluded.expires_at WHERE qr_ticket.state <> 'signed'`,
			hash[:], t.Purpose, t.Subject, t.Owner, now.Add(ticketLife))
		if err != nil {
			return fmt.Errorf("couldn't store a QR code: %w", err)
		}
		return nil
	})
}

// Ticket finds what a QR code is for. Errors: [ErrNoTicket].
func (s *Store) Ticket(ctx context.Context, token string) (Ticket, error) {
	hash := sha256.Sum256([]byte(token))
	var out Ticket
	err := s.cfg.DB.GetContext(ctx, &out, `SELECT purpose, subject, owner, state, refusal, person, expires_at FROM qr_ticket
		WHERE token_sha256 = $1 AND expires_at > $2`, hash[:], s.cfg.Now().UTC())
	if errors.Is(err, sql.ErrNoRows) {
		return Ticket{}, ErrNoTicket
	}
	if err != nil {
		return Ticket{}, fmt.Errorf("couldn't read a QR code: %w", err)
	}
	return out, nil
}

// MarkTicket notes how far a ticket has come; a signed one stays signed. Errors: [ErrNoTicket].
func (s *Store) MarkTicket(ctx context.Context, token, state, refusal string, who Person) error {
	signed := ""
	if who.IIN != "" {
		raw, err := json.Marshal(who)
		if err != nil {
			return fmt.Errorf("couldn't write who signed: %w", err)
		}
		signed = string(raw)
	}
	hash := sha256.Sum256([]byte(token))
	done, err := s.cfg.DB.ExecContext(ctx, `UPDATE qr_ticket SET state = $2, refusal = $3, person = $4 WHERE token_sha256 = $1 AND state <> 'signed' AND expires_at > $5`,
		hash[:], state, refusal, signed, s.cfg.Now().UTC())
	if err != nil {
		return fmt.Errorf("couldn't mark a QR code: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrNoTicket, err)
	}
	return nil
}

// ChallengeSubject names a challenge within a ticket without giving its token away. Errors: [ErrNoChallenge].
func ChallengeSubject(token string) (string, error) {
	hash, ok := hashSecret(token)
	if !ok {
		return "", ErrNoChallenge
	}
	return hex.EncodeToString(hash), nil
}

// TicketChallenge returns the bytes that the phone signs to sign in. Errors: [ErrNoChallenge].
func (s *Store) TicketChallenge(ctx context.Context, t Ticket) ([]byte, error) {
	hash, err := hex.DecodeString(t.Subject)
	if err != nil || t.Purpose != TicketSignIn {
		return nil, ErrNoChallenge
	}
	return s.selectChallenge(ctx, hash, s.cfg.Now())
}

// TicketPerson is who has signed a ticket for sign-in. Errors: [ErrNoTicket].
func TicketPerson(t Ticket) (Person, error) {
	var who Person
	if t.Purpose != TicketSignIn || t.State != TicketSigned {
		return who, ErrNoTicket
	}
	if err := json.Unmarshal([]byte(t.Signed), &who); err != nil {
		return who, fmt.Errorf("couldn't read who signed: %w", err)
	}
	return who, nil
}
