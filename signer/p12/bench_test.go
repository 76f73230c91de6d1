package p12_test

import (
	"testing"

	"qaqpa/signer/p12"
)

// A file of the national CA: 1,024 iterations for each of six derivations.
func BenchmarkOpenNational(b *testing.B) {
	s := samples(b)[0]
	file := read(b, s.path)
	for b.Loop() {
		if _, err := p12.Open(file, s.password, p12.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
