package rsapub

import "golang.org/x/sys/cpu"

// hasIFMA says that the processor multiplies 52 bits in lanes (Intel since 2019, AMD since 2022).
var hasIFMA = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512IFMA

// kernelFor is the multiplication for a modulus, and how many limbs its R has: R = 2^(52·limbs) ≥ 4n. Nil: there is none.
func kernelFor(bits int) (product func(z, a, b, n *nat, k0 uint64), limbs int) {
	switch {
	case !hasIFMA:
		return nil, 0
	case bits <= 40*limbBits-2:
		return product40, 40
	case bits <= 64*limbBits-2:
		return product64, 64
	default:
		return product80, 80
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
