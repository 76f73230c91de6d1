package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// SecretPrefix marks secrets as text: "whsec_" and base64.
const SecretPrefix = "whsec_"

// Bounds of a secret, in bytes, by Standard Webhooks.
const (
	secretMin = 24
	secretMax = 64
)

// SecretText renders a secret for its receiver.
func SecretText(secret []byte) string {
	return SecretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// AddHMAC adds a "v1" signature by each secret to the headers that [Sign] has made, so that during a rotation the old secret
// verifies as well as the new one. Errors: a secret that is not 24 to 64 bytes long.
func AddHMAC(h http.Header, body []byte, secrets ...[]byte) error {
	message := signed(h.Get(HeaderID), h.Get(HeaderTimestamp), body)
	all := []string{h.Get(HeaderSignature)}
	for _, secret := range secrets {
		if len(secret) < secretMin || len(secret) > secretMax {
			return fmt.Errorf("a webhook secret has %d bytes, %d to %d are needed", len(secret), secretMin, secretMax)
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(message)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	h.Set(HeaderSignature, strings.Join(all, " "))
	return nil
}
