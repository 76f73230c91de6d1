#include "textflag.h"

// One multiplication by Montgomery's method in limbs of 52 bits, eight to a register. SI is a, BX b, DI n, R9 is k0; the sum is in Z0
// and those after it, each lane a limb whose upper twelve bits hold what was not carried yet: at most four additions of 52 bits
// in each of eighty steps.
//
// Step i adds a·b[i] and such a multiple m of n that the lowest limb vanishes, and moves everything down by one limb. m waits for the
// lowest lane of the sum alone; so the products that do not depend on m are collected beside it in Z20 for the lowest register, which
// the next step waits for.
//
// Z28 has the mask of a limb, Z29 b[i], Z30 m, Z31 b[i+1]; K1 is the lowest lane.

// BEGIN clears the rest and takes b[0].
#define BEGIN \
	MOVQ z+0(FP), R8; \
	MOVQ a+8(FP), SI; \
	MOVQ b+16(FP), BX; \
	MOVQ n+24(FP), DI; \
	MOVQ k0+32(FP), R9; \
	MOVL $1, AX; \
	KMOVW AX, K1; \
	MOVQ $0xfffffffffffff, AX; \
	VPBROADCASTQ AX, Z28; \
	VPXORQ Z27, Z27, Z27; \
	VPBROADCASTQ (BX), Z29

// FIRST begins the sum of a register: a·b[0], the lower halves.
#define FIRST(off, acc) \
	VPXORQ acc, acc, acc; \
	VPMADD52LUQ off(SI), Z29, acc

// FACTOR computes m from the lowest lane, and the products beside it.
#define FACTOR \
	VMOVQ X0, AX; \
	IMULQ R9, AX; \
	VPBROADCASTQ AX, Z30; \
	VPBROADCASTQ 8(BX), Z31; \
	ADDQ $8, BX; \
	VPXORQ Z20, Z20, Z20; \
	VPMADD52HUQ (SI), Z29, Z20; \
	VPMADD52LUQ (SI), Z31, Z20; \
	VPMADD52HUQ (DI), Z30, Z20

// LOW adds the lower halves of m·n.
#define LOW(off, acc) \
	VPMADD52LUQ off(DI), Z30, acc

// LOWEST moves the lowest register down; the limb that leaves is zero but for its carry.
#define LOWEST(acc, next) \
	VPSRLQ.Z $52, acc, K1, Z21; \
	VPADDQ Z21, Z20, Z20; \
	VALIGNQ $1, acc, next, acc; \
	VPADDQ Z20, acc, acc

// DOWN moves another register down and adds what belongs one limb higher, and the lower halves of the next step.
#define DOWN(off, acc, next) \
	VALIGNQ $1, acc, next, acc; \
	VPMADD52HUQ off(SI), Z29, acc; \
	VPMADD52LUQ off(SI), Z31, acc; \
	VPMADD52HUQ off(DI), Z30, acc

// SPLIT leaves 52 bits in each lane of acc and puts the rest into over.
#define SPLIT(acc, over) \
	VPSRLQ $52, acc, over; \
	VPANDQ Z28, acc, acc

// RAISE adds the rests one lane higher, and tells which lanes are beyond 52 bits (into gt) and which would be with one more (into eq).
#define RAISE(acc, below, over, gt, eq) \
	VALIGNQ $7, below, over, Z26; \
	VPADDQ Z26, acc, acc; \
	VPCMPUQ $6, Z28, acc, K2; \
	VPCMPUQ $0, Z28, acc, K3; \
	KMOVB K2, gt; \
	KMOVB K3, eq

// GATHER puts eight lanes' marks into their place among 64.
#define GATHER(gt, eq, shift) \
	SHLQ $shift, gt; \
	SHLQ $shift, eq; \
	ORQ gt, R10; \
	ORQ eq, R11

// FINISH adds one to the lanes of a register that the low octet of DX marks, takes the next octet up, and stores.
#define FINISH(off, acc) \
	KMOVB DX, K2; \
	SHRQ $8, DX; \
	VPSUBQ Z27, acc, K2, acc; \
	VPANDQ Z28, acc, acc; \
	VMOVDQU64 acc, off(R8)

// RIPPLE carries through the marks: a lane beyond 52 bits makes a carry (R10), one that is full hands it on (R11). DX marks the lanes
// that get one; CF of the addition is what comes out above.
#define RIPPLE \
	MOVQ R10, DX; \
	SHLQ $1, DX; \
	ADDQ R11, DX; \
	XORQ R11, DX

// func product40(z, a, b, n *nat, k0 uint64)
TEXT ·product40(SB), NOSPLIT, $0-40
	BEGIN
	FIRST(0, Z0)
	FIRST(64, Z1)
	FIRST(128, Z2)
	FIRST(192, Z3)
	FIRST(256, Z4)
	MOVL $40, CX
	PCALIGN $32

loop:
	FACTOR
	LOW(0, Z0)
	LOW(64, Z1)
	LOWEST(Z0, Z1)
	LOW(128, Z2)
	DOWN(64, Z1, Z2)
	LOW(192, Z3)
	DOWN(128, Z2, Z3)
	LOW(256, Z4)
	DOWN(192, Z3, Z4)
	DOWN(256, Z4, Z27)
	VMOVDQA64 Z31, Z29
	DECQ CX
	JNZ loop

	SPLIT(Z0, Z10)
	SPLIT(Z1, Z11)
	SPLIT(Z2, Z12)
	SPLIT(Z3, Z13)
	SPLIT(Z4, Z14)
	RAISE(Z0, Z27, Z10, R10, R11)
	RAISE(Z1, Z10, Z11, AX, CX)
	GATHER(AX, CX, 8)
	RAISE(Z2, Z11, Z12, AX, CX)
	GATHER(AX, CX, 16)
	RAISE(Z3, Z12, Z13, AX, CX)
	GATHER(AX, CX, 24)
	RAISE(Z4, Z13, Z14, AX, CX)
	GATHER(AX, CX, 32)
	RIPPLE
	VPTERNLOGQ $0xff, Z27, Z27, Z27
	FINISH(0, Z0)
	FINISH(64, Z1)
	FINISH(128, Z2)
	FINISH(192, Z3)
	FINISH(256, Z4)
	VZEROUPPER
	RET

// func product64(z, a, b, n *nat, k0 uint64)
TEXT ·product64(SB), NOSPLIT, $0-40
	BEGIN
	FIRST(0, Z0)
	FIRST(64, Z1)
	FIRST(128, Z2)
	FIRST(192, Z3)
	FIRST(256, Z4)
	FIRST(320, Z5)
	FIRST(384, Z6)
	FIRST(448, Z7)
	MOVL $64, CX
	PCALIGN $32

loop:
	FACTOR
	LOW(0, Z0)
	LOW(64, Z1)
	LOWEST(Z0, Z1)
	LOW(128, Z2)
	DOWN(64, Z1, Z2)
	LOW(192, Z3)
	DOWN(128, Z2, Z3)
	LOW(256, Z4)
	DOWN(192, Z3, Z4)
	LOW(320, Z5)
	DOWN(256, Z4, Z5)
	LOW(384, Z6)
	DOWN(320, Z5, Z6)
	LOW(448, Z7)
	DOWN(384, Z6, Z7)
	DOWN(448, Z7, Z27)
	VMOVDQA64 Z31, Z29
	DECQ CX
	JNZ loop

	SPLIT(Z0, Z10)
	SPLIT(Z1, Z11)
	SPLIT(Z2, Z12)
	SPLIT(Z3, Z13)
	SPLIT(Z4, Z14)
	SPLIT(Z5, Z15)
	SPLIT(Z6, Z16)
	SPLIT(Z7, Z17)
	RAISE(Z0, Z27, Z10, R10, R11)
	RAISE(Z1, Z10, Z11, AX, CX)
	GATHER(AX, CX, 8)
	RAISE(Z2, Z11, Z12, AX, CX)
	GATHER(AX, CX, 16)
	RAISE(Z3, Z12, Z13, AX, CX)
	GATHER(AX, CX, 24)
	RAISE(Z4, Z13, Z14, AX, CX)
	GATHER(AX, CX, 32)
	RAISE(Z5, Z14, Z15, AX, CX)
	GATHER(AX, CX, 40)
	RAISE(Z6, Z15, Z16, AX, CX)
	GATHER(AX, CX, 48)
	RAISE(Z7, Z16, Z17, AX, CX)
	GATHER(AX, CX, 56)
	RIPPLE
	VPTERNLOGQ $0xff, Z27, Z27, Z27
	FINISH(0, Z0)
	FINISH(64, Z1)
	FINISH(128, Z2)
	FINISH(192, Z3)
	FINISH(256, Z4)
	FINISH(320, Z5)
	FINISH(384, Z6)
	FINISH(448, Z7)
	VZEROUPPER
	RET

// func product80(z, a, b, n *nat, k0 uint64)
TEXT ·product80(SB), NOSPLIT, $0-40
	BEGIN
	FIRST(0, Z0)
	FIRST(64, Z1)
	FIRST(128, Z2)
	FIRST(192, Z3)
	FIRST(256, Z4)
	FIRST(320, Z5)
	FIRST(384, Z6)
	FIRST(448, Z7)
	FIRST(512, Z8)
	FIRST(576, Z9)
	MOVL $80, CX
	PCALIGN $32

loop:
	FACTOR
	LOW(0, Z0)
	LOW(64, Z1)
	LOWEST(Z0, Z1)
	LOW(128, Z2)
	DOWN(64, Z1, Z2)
	LOW(192, Z3)
	DOWN(128, Z2, Z3)
	LOW(256, Z4)
	DOWN(192, Z3, Z4)
	LOW(320, Z5)
	DOWN(256, Z4, Z5)
	LOW(384, Z6)
	DOWN(320, Z5, Z6)
	LOW(448, Z7)
	DOWN(384, Z6, Z7)
	LOW(512, Z8)
	DOWN(448, Z7, Z8)
	LOW(576, Z9)
	DOWN(512, Z8, Z9)
	DOWN(576, Z9, Z27)
	VMOVDQA64 Z31, Z29
	DECQ CX
	JNZ loop

	SPLIT(Z0, Z10)
	SPLIT(Z1, Z11)
	SPLIT(Z2, Z12)
	SPLIT(Z3, Z13)
	SPLIT(Z4, Z14)
	SPLIT(Z5, Z15)
	SPLIT(Z6, Z16)
	SPLIT(Z7, Z17)
	SPLIT(Z8, Z18)
	SPLIT(Z9, Z19)
	RAISE(Z0, Z27, Z10, R10, R11)
	RAISE(Z1, Z10, Z11, AX, CX)
	GATHER(AX, CX, 8)
	RAISE(Z2, Z11, Z12, AX, CX)
	GATHER(AX, CX, 16)
	RAISE(Z3, Z12, Z13, AX, CX)
	GATHER(AX, CX, 24)
	RAISE(Z4, Z13, Z14, AX, CX)
	GATHER(AX, CX, 32)
	RAISE(Z5, Z14, Z15, AX, CX)
	GATHER(AX, CX, 40)
	RAISE(Z6, Z15, Z16, AX, CX)
	GATHER(AX, CX, 48)
	RAISE(Z7, Z16, Z17, AX, CX)
	GATHER(AX, CX, 56)
	RAISE(Z8, Z17, Z18, R12, R13)
	RAISE(Z9, Z18, Z19, AX, CX)
	SHLQ $8, AX
	SHLQ $8, CX
	ORQ AX, R12 // the marks of the upper sixteen lanes
	ORQ CX, R13

	// As RIPPLE, over 80 lanes.
	MOVQ R10, DX
	SHRQ $63, R10
	SHLQ $1, R12
	ORQ R10, R12
	SHLQ $1, DX
	ADDQ R11, DX
	ADCQ R13, R12
	XORQ R11, DX
	XORQ R13, R12
	VPTERNLOGQ $0xff, Z27, Z27, Z27
	FINISH(0, Z0)
	FINISH(64, Z1)
	FINISH(128, Z2)
	FINISH(192, Z3)
	FINISH(256, Z4)
	FINISH(320, Z5)
	FINISH(384, Z6)
	FINISH(448, Z7)
	MOVQ R12, DX
	FINISH(512, Z8)
	FINISH(576, Z9)
	VZEROUPPER
	RET
