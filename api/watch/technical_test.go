package watch

import "testing"

func TestTechnical(t *testing.T) {
	if trouble, said := Parts(Technical("pin", "token refused the PIN: CKR_PIN_INCORRECT")); trouble != "pin" || said != "token refused the PIN: CKR_PIN_INCORRECT" {
		t.Errorf("got %q and %q", trouble, said)
	}
	if trouble, said := Parts("of an earlier version"); trouble != "of an earlier version" || said != "" {
		t.Errorf("got %q and %q", trouble, said)
	}
}
