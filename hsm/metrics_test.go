package hsm_test

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"slices"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// Signatures are counted by token, key and mechanism.
func TestMetricsTellTokenKeyAndMechanism(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	made(t, soft, map[string]hsm.Algorithm{"seal": hsm.RSA2048, "webhook": hsm.Ed25519})
	registry := prometheus.NewRegistry()
	f := fleetOf(t, func(c *hsm.FleetConfig) { c.Registerer = registry }, soft)
	seal, webhook := fleetKey(t, f, "seal"), fleetKey(t, f, "webhook")
	for range 2 {
		_, err := seal.Sign(nil, make([]byte, 32), crypto.SHA256)
		must(t, err)
	}
	_, err = seal.Sign(nil, make([]byte, 32), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	must(t, err)
	_, err = webhook.Sign(nil, []byte("event"), crypto.Hash(0))
	must(t, err)
	families, err := registry.Gather()
	must(t, err)
	var got []string
	for _, family := range families {
		if family.GetName() != "qaqpa_hsm_signatures_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			line := ""
			for _, l := range m.GetLabel() {
				line += l.GetName() + "=" + l.GetValue() + " "
			}
			got = append(got, fmt.Sprintf("%s%v", line, m.GetCounter().GetValue()))
		}
	}
	slices.Sort(got)
	want := []string{
		"key=seal mechanism=RSA_PKCS result=ok token=qaqpa 2",
		"key=seal mechanism=RSA_PKCS_PSS result=ok token=qaqpa 1",
		"key=webhook mechanism=EDDSA result=ok token=qaqpa 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signatures by label (-want +got):\n%s", diff)
	}
}
