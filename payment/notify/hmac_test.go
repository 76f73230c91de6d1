package notify

import (
	"encoding/base64"
	"net/http"
	"testing"
)

// The example of the Standard Webhooks specification.
func TestAddHMAC(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set(HeaderID, "msg_p5jXN8AQM9LWM0D4loKWxJek")
	h.Set(HeaderTimestamp, "1614265330")
	h.Set(HeaderSignature, "v1a,x")
	other := make([]byte, 32)
	if err := AddHMAC(h, []byte(`{"test": 2432232314}`), secret, other); err != nil {
		t.Fatal(err)
	}
	const want = "v1a,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,"
	if got := h.Get(HeaderSignature); len(got) != len(want)+44 || got[:len(want)] != want {
		t.Errorf("got %s", got)
	}
	if got := SecretText(secret); got != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("got %s", got)
	}
	for _, n := range []int{0, 23, 65} {
		if err := AddHMAC(h, nil, make([]byte, n)); err == nil {
			t.Errorf("took a secret of %d bytes", n)
		}
	}
}
