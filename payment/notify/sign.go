package notify

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// PublicKeyPrefix marks public keys as text: "whpk_" and base64.
const PublicKeyPrefix = "whpk_"

// ErrKey says that the key is not Ed25519.
var ErrKey = errors.New("webhooks are signed by Ed25519 keys only")

// ErrSignature says that a webhook's signature does not hold, or that its time is too far from now.
var ErrSignature = errors.New("webhook signature does not hold")

// signed is what the signature covers: id, time in seconds, and the raw body.
func signed(id, timestamp string, body []byte) []byte {
	return append([]byte(id+"."+timestamp+"."), body...)
}

// Sign returns the headers of a delivery at the given time. The signature is "v1a," and base64 of Ed25519 over
// id.timestamp.body. random goes to the key's Sign.
func Sign(key crypto.Signer, random io.Reader, id string, at time.Time, body []byte) (http.Header, error) {
	if _, ok := key.Public().(ed25519.PublicKey); !ok {
		return nil, ErrKey
	}
	if id == "" || strings.ContainsAny(id, ". \r\n") {
		return nil, fmt.Errorf("couldn't sign webhook: id %q", id)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signature, err := key.Sign(random, signed(id, timestamp, body), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("couldn't sign webhook %s: %w", id, err)
	}
	h := http.Header{}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, "v1a,"+base64.StdEncoding.EncodeToString(signature))
	return h, nil
}

// Verify checks the headers of a delivery as a receiver does: one of the space-separated v1a signatures holds, and the
// time is within tolerance of now. Errors wrap [ErrSignature].
func Verify(key ed25519.PublicKey, h http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	timestamp := h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: no timestamp or no key", ErrSignature)
	}
	if away := now.Sub(time.Unix(seconds, 0)).Abs(); away > tolerance {
		return fmt.Errorf("%w: sent %s from now", ErrSignature, away)
	}
	message := signed(h.Get(HeaderID), timestamp, body)
	for one := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		text, isEd25519 := strings.CutPrefix(one, "v1a,")
		if !isEd25519 {
			continue
		}
		if signature, err := base64.StdEncoding.DecodeString(text); err == nil && ed25519.Verify(key, message, signature) {
			return nil
		}
	}
	return ErrSignature
}

// PublicKey renders the key that receivers need.
func PublicKey(key ed25519.PublicKey) string {
	return PublicKeyPrefix + base64.StdEncoding.EncodeToString(key)
}
