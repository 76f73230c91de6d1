//go:build race

package xmldsig_test

// slowness: the race detector makes everything several times slower.
const slowness = 15
