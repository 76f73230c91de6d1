package hsm

import (
	"errors"
	"fmt"
	"testing"

	"github.com/miekg/pkcs11"
)

// What keeps a token out is told as what an operator can act on, however it came about.
func TestTroubleOf(t *testing.T) {
	for _, c := range []struct {
		why  error
		want Trouble
	}{
		{nil, TroubleStarting},
		{fmt.Errorf("%w before it was connected", errWorkerLost), TroubleWorker},
		{fmt.Errorf("%w: %w", ErrModule, errors.New("no such file")), TroubleModule},
		{fmt.Errorf("%w: %q", ErrTokenNotFound, "x"), TroubleAbsent},
		{ErrTokenAmbiguous, TroubleAmbiguous},
		{typed(pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)), TroublePIN},
		{typed(pkcs11.Error(pkcs11.CKR_PIN_LOCKED)), TroublePINLocked},
		{fmt.Errorf("%w: %w", ErrUnavailable, ErrKeyNotFound), TroubleKey},
		{fmt.Errorf("key %q: %w", "a", ErrWrongSignature), TroubleWrong},
		{typed(pkcs11.Error(pkcs11.CKR_SESSION_COUNT)), TroubleBusy},
		{typed(pkcs11.Error(pkcs11.CKR_DEVICE_MEMORY)), TroubleFull},
		{typed(pkcs11.Error(pkcs11.CKR_DEVICE_ERROR)), TroubleUnavailable},
		{errors.New("something else"), TroubleUnavailable},
	} {
		if got := troubleOf(c.why); got != c.want {
			t.Errorf("%v: got %s, want %s", c.why, got, c.want)
		}
	}
}
