#include "textflag.h"

// Streebog with AVX-512 VBMI and GFNI. The state of 64 octets is one register, kept transposed: lane j, octet r
// is octet j of word r. In that form one step of substitution, transposition and matrix is
//
//	y = Pi(x)                                  two look-ups of 128 octets each, chosen by the top bit
//	z_c = lane j, octet r: y's octet 8r + c    transposition and broadcast at once (VPERMB)
//	out = Σ_c M_c(z_c)                         an 8×8 bit matrix per lane (GF2P8AFFINEQB)
//
// and out is transposed again, ready for the next step.
//
// Z16–Z19 hold Pi, Z20–Z27 the matrices, Z8–Z15 the indices of z_c, Z28 the transposition.

#define PRODUCT(y, c, m, z) \
	VPERMB         y, c, z; \
	VGF2P8AFFINEQB $0, m, z, z

// LPSX sets x = LPS(x) ⊕ e. It spends a, b, c and K1.
#define LPSX(x, e, a, b, c) \
	VPMOVB2M    x, K1; \
	VMOVDQA64   x, a; \
	VPERMI2B    Z17, Z16, a; \
	VPERMI2B    Z19, Z18, x; \
	VPBLENDMB   x, a, K1, x; \
	PRODUCT(x, Z8, Z20, a); \
	PRODUCT(x, Z9, Z21, b); \
	PRODUCT(x, Z10, Z22, c); \
	VPTERNLOGQ  $0x96, c, b, a; \
	PRODUCT(x, Z11, Z23, b); \
	PRODUCT(x, Z12, Z24, c); \
	VPTERNLOGQ  $0x96, c, b, a; \
	PRODUCT(x, Z13, Z25, b); \
	PRODUCT(x, Z14, Z26, c); \
	VPTERNLOGQ  $0x96, c, b, a; \
	PRODUCT(x, Z15, Z27, x); \
	VPTERNLOGQ  $0x96, e, a, x

// ROUND takes the key in Z0 and the state, not yet added to it, in Z1 to the next round: the constant is at off(AX).
#define ROUND(off) \
	VPXORQ    Z0, Z1, Z1; \
	VPXORQ    off(AX), Z0, Z0; \
	LPSX(Z0, Z7, Z2, Z3, Z4); \
	LPSX(Z1, Z7, Z5, Z6, Z31)

// func streebogAVX512(h, n, sigma *[8]uint64, p *byte, blocks, bits uint64, k *streebogVector)
//
// For each block m at p: h = g_n(h, m), n = n + bits, sigma = sigma + m.
TEXT ·streebogAVX512(SB), NOSPLIT, $0-56
	MOVQ h+0(FP), DI
	MOVQ n+8(FP), SI
	MOVQ sigma+16(FP), DX
	MOVQ p+24(FP), BX
	MOVQ blocks+32(FP), CX
	MOVQ k+48(FP), AX
	VMOVDQU64 0(AX), Z16
	VMOVDQU64 64(AX), Z17
	VMOVDQU64 128(AX), Z18
	VMOVDQU64 192(AX), Z19
	VMOVDQU64 256(AX), Z20
	VMOVDQU64 320(AX), Z21
	VMOVDQU64 384(AX), Z22
	VMOVDQU64 448(AX), Z23
	VMOVDQU64 512(AX), Z24
	VMOVDQU64 576(AX), Z25
	VMOVDQU64 640(AX), Z26
	VMOVDQU64 704(AX), Z27
	VMOVDQU64 768(AX), Z8
	VMOVDQU64 832(AX), Z9
	VMOVDQU64 896(AX), Z10
	VMOVDQU64 960(AX), Z11
	VMOVDQU64 1024(AX), Z12
	VMOVDQU64 1088(AX), Z13
	VMOVDQU64 1152(AX), Z14
	VMOVDQU64 1216(AX), Z15
	VMOVDQU64 1280(AX), Z28
	ADDQ $1344, AX
	VPXORQ Z7, Z7, Z7
	VMOVDQU64 0(DI), Z29
	VPERMB Z29, Z28, Z29

loop:
	VMOVDQU64 0(BX), Z30
	VPERMB Z30, Z28, Z30
	VMOVDQU64 0(SI), Z0
	VPERMB Z0, Z28, Z0
	VPXORQ Z29, Z0, Z0
	VMOVDQA64 Z30, Z1
	LPSX(Z0, Z7, Z2, Z3, Z4)
	ROUND(0)
	ROUND(64)
	ROUND(128)
	ROUND(192)
	ROUND(256)
	ROUND(320)
	ROUND(384)
	ROUND(448)
	ROUND(512)
	ROUND(576)
	ROUND(640)
	ROUND(704)
	VPTERNLOGQ $0x96, Z0, Z1, Z30
	VPXORQ Z30, Z29, Z29

	MOVQ bits+40(FP), R8
	ADDQ R8, 0(SI)
	ADCQ $0, 8(SI)
	ADCQ $0, 16(SI)
	ADCQ $0, 24(SI)
	ADCQ $0, 32(SI)
	ADCQ $0, 40(SI)
	ADCQ $0, 48(SI)
	ADCQ $0, 56(SI)

	MOVQ 0(BX), R8
	ADDQ R8, 0(DX)
	MOVQ 8(BX), R8
	ADCQ R8, 8(DX)
	MOVQ 16(BX), R8
	ADCQ R8, 16(DX)
	MOVQ 24(BX), R8
	ADCQ R8, 24(DX)
	MOVQ 32(BX), R8
	ADCQ R8, 32(DX)
	MOVQ 40(BX), R8
	ADCQ R8, 40(DX)
	MOVQ 48(BX), R8
	ADCQ R8, 48(DX)
	MOVQ 56(BX), R8
	ADCQ R8, 56(DX)

	ADDQ $64, BX
	DECQ CX
	JNZ  loop

	VPERMB Z29, Z28, Z29
	VMOVDQU64 Z29, 0(DI)
	VZEROUPPER
	RET
