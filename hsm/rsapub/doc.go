// Package rsapub raises RSA signatures to the public exponent with AVX-512 IFMA, where the processor has it.
//
// Everything is public: modulus, exponent, signature, result. So nothing is constant in time, and nothing of this may ever see a
// private key. A modulus of up to 4096 bits is held in limbs of 52 bits, eight to a register; one multiplication by Montgomery's
// method goes through the limbs of one factor and lets the carries wait in the upper twelve bits of each lane (Gueron and Krasnov,
// "Software implementation of modular exponentiation, using advanced vector instructions architectures", WAIFI 2012). With the radix R at least
// four times the modulus, products of factors below 2n stay below 2n, and only the last result is brought below n.
//
// What the assembly computes is held to math/big by tests, over moduli and bases at the edges. Elsewhere [New] returns nil and
// callers use what they used before.
package rsapub
