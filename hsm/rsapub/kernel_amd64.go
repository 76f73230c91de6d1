package rsapub

import "golang.org/x/sys/cpu"

// hasIFMA says that the processor multiplies 52 bits in lanes (Intel since 2019, AMD since 2022).
var hasIFMA = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512IFMA

// limbsFor is how many limbs the R of a modulus has; 0: there is no multiplication for it.
func limbsFor(bits int) int {
	switch {
	case !hasIFMA:
		return 0
	case bits <= 40*limbBits-2:
		return 40
	case bits <= 64*limbBits-2:
		return 64
	default:
		return 80
	}
}

// product is a·b/R modulo n. The calls are direct, so that numbers stay on the stack.
func (k *Key) product(z, a, b *nat) {
	switch k.limbs {
	case 40:
		product40(z, a, b, &k.n, k.k0)
	case 64:
		product64(z, a, b, &k.n, k.k0)
	default:
		product80(z, a, b, &k.n, k.k0)
	}
}

// The products are a·b/R modulo n, below 2n for a and b below 2n. z may be one of the factors. The factors' limbs have 52 bits, and
// those beyond the kernel's are zero.

//go:noescape
func product40(z, a, b, n *nat, k0 uint64)

//go:noescape
func product64(z, a, b, n *nat, k0 uint64)

//go:noescape
func product80(z, a, b, n *nat, k0 uint64)
