//go:build !amd64

package rsapub

// kernelFor: there is none.
func kernelFor(int) (product func(z, a, b, n *nat, k0 uint64), limbs int) { return nil, 0 }
