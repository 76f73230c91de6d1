//go:build !race

package xmldsig_test

const slowness = 1
