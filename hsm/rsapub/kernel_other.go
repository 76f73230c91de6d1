//go:build !amd64

package rsapub

// limbsFor: there is no multiplication.
func limbsFor(int) int { return 0 }

func (*Key) product(_, _, _ *nat) {}
