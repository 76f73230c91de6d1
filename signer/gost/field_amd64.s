#include "textflag.h"

// Multiplication with MULX, ADCX and ADOX: a row of partial products runs two carry chains at once, the low
// halves on CF and the high halves on OF. Every function is straight-line code: time depends on nothing.
//
// Operands are read before the result is written, so that they may be one and the same.

// MA adds DX·src to the pair of words lo and next.
#define MA(src, lo, next) \
	MULXQ src, AX, BX; \
	ADCXQ AX, lo; \
	ADOXQ BX, next

// ROW4 adds DX·y to a0…a3 and sets a4 to what comes out; y is at DI. a4 must differ from the others.
#define ROW4(a0, a1, a2, a3, a4) \
	XORQ  a4, a4; \
	MA(0(DI), a0, a1); \
	MA(8(DI), a1, a2); \
	MA(16(DI), a2, a3); \
	MA(24(DI), a3, a4); \
	MOVL  $0, AX; \
	ADCXQ AX, a4

// FOLD4 brings the product in R8…R15 below 2^256, with c in DX, and stores it at SI.
#define FOLD4 \
	XORQ  CX, CX; \
	MA(R12, R8, R9); \
	MA(R13, R9, R10); \
	MA(R14, R10, R11); \
	MULXQ R15, AX, BX; \
	ADCXQ AX, R11; \
	ADOXQ CX, BX; \
	ADCXQ CX, BX; \
	IMULQ DX, BX; \
	ADDQ  BX, R8; \
	ADCQ  $0, R9; \
	ADCQ  $0, R10; \
	ADCQ  $0, R11; \
	SBBQ  AX, AX; \
	ANDQ  DX, AX; \
	ADDQ  AX, R8; \
	MOVQ  R8, 0(SI); \
	MOVQ  R9, 8(SI); \
	MOVQ  R10, 16(SI); \
	MOVQ  R11, 24(SI)

// ROW8 adds DX·y to a0…a7 and sets a8 to what comes out; y is at DI.
#define ROW8(a0, a1, a2, a3, a4, a5, a6, a7, a8) \
	XORQ  a8, a8; \
	MA(0(DI), a0, a1); \
	MA(8(DI), a1, a2); \
	MA(16(DI), a2, a3); \
	MA(24(DI), a3, a4); \
	MA(32(DI), a4, a5); \
	MA(40(DI), a5, a6); \
	MA(48(DI), a6, a7); \
	MA(56(DI), a7, a8); \
	MOVL  $0, AX; \
	ADCXQ AX, a8

// FOLDROW adds DX·hi and the high half of the last row to the word kept at off(SP), leaving it in hi.
#define FOLDROW(off, hi, last, next) \
	MULXQ hi, hi, next; \
	ADCXQ off(SP), hi; \
	ADOXQ last, hi

// FOLD8 brings the product below 2^512, with c in DX: low half at 0(SP), high half in h0…h7, x and y are two more
// registers. The result is stored at SI.
#define FOLD8(h0, h1, h2, h3, h4, h5, h6, h7, x, y) \
	XORQ  x, x; \
	FOLDROW(0, h0, x, y); \
	FOLDROW(8, h1, y, x); \
	FOLDROW(16, h2, x, y); \
	FOLDROW(24, h3, y, x); \
	FOLDROW(32, h4, x, y); \
	FOLDROW(40, h5, y, x); \
	FOLDROW(48, h6, x, y); \
	FOLDROW(56, h7, y, x); \
	MOVL  $0, y; \
	ADCXQ y, x; \
	ADOXQ y, x; \
	IMULQ DX, x; \
	ADDQ  x, h0; \
	ADCQ  $0, h1; \
	ADCQ  $0, h2; \
	ADCQ  $0, h3; \
	ADCQ  $0, h4; \
	ADCQ  $0, h5; \
	ADCQ  $0, h6; \
	ADCQ  $0, h7; \
	SBBQ  x, x; \
	ANDQ  DX, x; \
	ADDQ  x, h0; \
	MOVQ  h0, 0(SI); \
	MOVQ  h1, 8(SI); \
	MOVQ  h2, 16(SI); \
	MOVQ  h3, 24(SI); \
	MOVQ  h4, 32(SI); \
	MOVQ  h5, 40(SI); \
	MOVQ  h6, 48(SI); \
	MOVQ  h7, 56(SI)

// SQUARE doubles the words at a(SP) and b(SP), adds the square of DX to them and leaves them in lo and hi.
#define SQUARE(a, b, lo, hi) \
	MULXQ DX, AX, BX; \
	MOVQ  a(SP), lo; \
	MOVQ  b(SP), hi; \
	ADCXQ lo, lo; \
	ADOXQ AX, lo; \
	ADCXQ hi, hi; \
	ADOXQ BX, hi

// MROW4 is one step of Montgomery multiplication: t = (t + DX·y + m·p)/2^64 over t0…t4, with o as one more
// register. Afterwards t0 is spent and t1, …, t4, o hold t.
#define MROW4(t0, t1, t2, t3, t4, o) \
	XORQ  o, o; \
	MA(0(DI), t0, t1); \
	MA(8(DI), t1, t2); \
	MA(16(DI), t2, t3); \
	MA(24(DI), t3, t4); \
	MOVL  $0, AX; \
	ADCXQ AX, t4; \
	ADOXQ AX, o; \
	ADCXQ AX, o; \
	MOVQ  n0+32(FP), DX; \
	IMULQ t0, DX; \
	XORQ  AX, AX; \
	MA(0(CX), t0, t1); \
	MA(8(CX), t1, t2); \
	MA(16(CX), t2, t3); \
	MA(24(CX), t3, t4); \
	MOVL  $0, AX; \
	ADCXQ AX, t4; \
	ADOXQ AX, o; \
	ADCXQ AX, o

// MROW8 is MROW4 for eight words; o may be BP.
#define MROW8(t0, t1, t2, t3, t4, t5, t6, t7, t8) \
	XORQ  BP, BP; \
	MOVQ  y+16(FP), DI; \
	MA(0(DI), t0, t1); \
	MA(8(DI), t1, t2); \
	MA(16(DI), t2, t3); \
	MA(24(DI), t3, t4); \
	MA(32(DI), t4, t5); \
	MA(40(DI), t5, t6); \
	MA(48(DI), t6, t7); \
	MA(56(DI), t7, t8); \
	MOVL  $0, AX; \
	ADCXQ AX, t8; \
	ADOXQ AX, BP; \
	ADCXQ AX, BP; \
	MOVQ  n0+32(FP), DX; \
	IMULQ t0, DX; \
	MOVQ  p+24(FP), DI; \
	XORQ  AX, AX; \
	MA(0(DI), t0, t1); \
	MA(8(DI), t1, t2); \
	MA(16(DI), t2, t3); \
	MA(24(DI), t3, t4); \
	MA(32(DI), t4, t5); \
	MA(40(DI), t5, t6); \
	MA(48(DI), t6, t7); \
	MA(56(DI), t7, t8); \
	MOVL  $0, AX; \
	ADCXQ AX, t8; \
	ADOXQ AX, BP; \
	ADCXQ AX, BP; \
	MOVQ  BP, t0

// LAST8 selects t or t − p for one word: the difference was kept at off(SP).
#define LAST8(off, t) \
	CMOVQCC off(SP), t; \
	MOVQ  t, off(SI)

// func mulPM4ADX(z, x, y *[4]uint64, c uint64)
TEXT ·mulPM4ADX(SB), NOSPLIT, $0-32
	MOVQ  x+8(FP), SI
	MOVQ  y+16(FP), DI
	MOVQ  0(SI), DX
	MULXQ 0(DI), R8, R9
	MULXQ 8(DI), AX, R10
	ADDQ  AX, R9
	MULXQ 16(DI), AX, R11
	ADCQ  AX, R10
	MULXQ 24(DI), AX, R12
	ADCQ  AX, R11
	ADCQ  $0, R12
	MOVQ  8(SI), DX
	ROW4(R9, R10, R11, R12, R13)
	MOVQ  16(SI), DX
	ROW4(R10, R11, R12, R13, R14)
	MOVQ  24(SI), DX
	ROW4(R11, R12, R13, R14, R15)
	MOVQ  c+24(FP), DX
	MOVQ  z+0(FP), SI
	FOLD4
	RET

// func sqrPM4ADX(z, x *[4]uint64, c uint64)
TEXT ·sqrPM4ADX(SB), NOSPLIT, $0-24
	MOVQ  x+8(FP), SI
	MOVQ  0(SI), DX
	MULXQ 8(SI), R9, R10
	MULXQ 16(SI), AX, R11
	ADDQ  AX, R10
	MULXQ 24(SI), AX, R12
	ADCQ  AX, R11
	ADCQ  $0, R12
	XORQ  R14, R14
	MOVQ  8(SI), DX
	MA(16(SI), R11, R12)
	MULXQ 24(SI), AX, R13
	ADCXQ AX, R12
	ADOXQ R14, R13
	ADCXQ R14, R13
	MOVQ  16(SI), DX
	MULXQ 24(SI), AX, R14
	ADDQ  AX, R13
	ADCQ  $0, R14

	// Twice that, plus the squares.
	XORQ  R15, R15
	MOVQ  0(SI), DX
	MULXQ DX, R8, BX
	ADCXQ R9, R9
	ADOXQ BX, R9
	MOVQ  8(SI), DX
	MULXQ DX, AX, BX
	ADCXQ R10, R10
	ADOXQ AX, R10
	ADCXQ R11, R11
	ADOXQ BX, R11
	MOVQ  16(SI), DX
	MULXQ DX, AX, BX
	ADCXQ R12, R12
	ADOXQ AX, R12
	ADCXQ R13, R13
	ADOXQ BX, R13
	MOVQ  24(SI), DX
	MULXQ DX, AX, BX
	ADCXQ R14, R14
	ADOXQ AX, R14
	ADCXQ R15, R15
	ADOXQ BX, R15
	MOVQ  c+16(FP), DX
	MOVQ  z+0(FP), SI
	FOLD4
	RET

// func mulPM8ADX(z, x, y *[8]uint64, c uint64)
TEXT ·mulPM8ADX(SB), NOSPLIT, $64-32
	MOVQ  x+8(FP), SI
	MOVQ  y+16(FP), DI
	MOVQ  0(SI), DX
	MULXQ 0(DI), R8, R9
	MULXQ 8(DI), AX, R10
	ADDQ  AX, R9
	MULXQ 16(DI), AX, R11
	ADCQ  AX, R10
	MULXQ 24(DI), AX, R12
	ADCQ  AX, R11
	MULXQ 32(DI), AX, R13
	ADCQ  AX, R12
	MULXQ 40(DI), AX, R14
	ADCQ  AX, R13
	MULXQ 48(DI), AX, R15
	ADCQ  AX, R14
	MULXQ 56(DI), AX, CX
	ADCQ  AX, R15
	ADCQ  $0, CX
	MOVQ  R8, 0(SP)
	MOVQ  8(SI), DX
	ROW8(R9, R10, R11, R12, R13, R14, R15, CX, R8)
	MOVQ  R9, 8(SP)
	MOVQ  16(SI), DX
	ROW8(R10, R11, R12, R13, R14, R15, CX, R8, R9)
	MOVQ  R10, 16(SP)
	MOVQ  24(SI), DX
	ROW8(R11, R12, R13, R14, R15, CX, R8, R9, R10)
	MOVQ  R11, 24(SP)
	MOVQ  32(SI), DX
	ROW8(R12, R13, R14, R15, CX, R8, R9, R10, R11)
	MOVQ  R12, 32(SP)
	MOVQ  40(SI), DX
	ROW8(R13, R14, R15, CX, R8, R9, R10, R11, R12)
	MOVQ  R13, 40(SP)
	MOVQ  48(SI), DX
	ROW8(R14, R15, CX, R8, R9, R10, R11, R12, R13)
	MOVQ  R14, 48(SP)
	MOVQ  56(SI), DX
	ROW8(R15, CX, R8, R9, R10, R11, R12, R13, R14)
	MOVQ  R15, 56(SP)
	MOVQ  c+24(FP), DX
	MOVQ  z+0(FP), SI
	FOLD8(CX, R8, R9, R10, R11, R12, R13, R14, AX, BX)
	RET

// func sqrPM8ADX(z, x *[8]uint64, c uint64)
TEXT ·sqrPM8ADX(SB), NOSPLIT, $128-24
	MOVQ  x+8(FP), SI

	// x0 times x1…x7: words 1 to 8.
	MOVQ  0(SI), DX
	MULXQ 8(SI), R8, R9
	MULXQ 16(SI), AX, R10
	ADDQ  AX, R9
	MULXQ 24(SI), AX, R11
	ADCQ  AX, R10
	MULXQ 32(SI), AX, R12
	ADCQ  AX, R11
	MULXQ 40(SI), AX, R13
	ADCQ  AX, R12
	MULXQ 48(SI), AX, R14
	ADCQ  AX, R13
	MULXQ 56(SI), AX, R15
	ADCQ  AX, R14
	ADCQ  $0, R15
	MOVQ  R8, 8(SP)
	MOVQ  R9, 16(SP)

	// x1 times x2…x7: words 3 to 9.
	MOVQ  8(SI), DX
	XORQ  R8, R8
	MA(16(SI), R10, R11)
	MA(24(SI), R11, R12)
	MA(32(SI), R12, R13)
	MA(40(SI), R13, R14)
	MA(48(SI), R14, R15)
	MA(56(SI), R15, R8)
	MOVL  $0, AX
	ADCXQ AX, R8
	MOVQ  R10, 24(SP)
	MOVQ  R11, 32(SP)

	// x2 times x3…x7: words 5 to 10.
	MOVQ  16(SI), DX
	XORQ  R9, R9
	MA(24(SI), R12, R13)
	MA(32(SI), R13, R14)
	MA(40(SI), R14, R15)
	MA(48(SI), R15, R8)
	MA(56(SI), R8, R9)
	MOVL  $0, AX
	ADCXQ AX, R9
	MOVQ  R12, 40(SP)
	MOVQ  R13, 48(SP)

	// x3 times x4…x7: words 7 to 11.
	MOVQ  24(SI), DX
	XORQ  R10, R10
	MA(32(SI), R14, R15)
	MA(40(SI), R15, R8)
	MA(48(SI), R8, R9)
	MA(56(SI), R9, R10)
	MOVL  $0, AX
	ADCXQ AX, R10
	MOVQ  R14, 56(SP)
	MOVQ  R15, 64(SP)

	// x4 times x5…x7: words 9 to 12.
	MOVQ  32(SI), DX
	XORQ  R11, R11
	MA(40(SI), R8, R9)
	MA(48(SI), R9, R10)
	MA(56(SI), R10, R11)
	MOVL  $0, AX
	ADCXQ AX, R11
	MOVQ  R8, 72(SP)
	MOVQ  R9, 80(SP)

	// x5 times x6 and x7: words 11 to 13.
	MOVQ  40(SI), DX
	XORQ  R12, R12
	MA(48(SI), R10, R11)
	MA(56(SI), R11, R12)
	MOVL  $0, AX
	ADCXQ AX, R12
	MOVQ  R10, 88(SP)
	MOVQ  R11, 96(SP)

	// x6 times x7: words 13 and 14.
	MOVQ  48(SI), DX
	MULXQ 56(SI), AX, R13
	ADDQ  AX, R12
	ADCQ  $0, R13
	MOVQ  R12, 104(SP)
	MOVQ  R13, 112(SP)

	// Twice that, plus the squares.
	XORQ  AX, AX
	MOVQ  AX, 0(SP)
	MOVQ  AX, 120(SP)
	MOVQ  0(SI), DX
	SQUARE(0, 8, R8, R9)
	MOVQ  R8, 0(SP)
	MOVQ  R9, 8(SP)
	MOVQ  8(SI), DX
	SQUARE(16, 24, R8, R9)
	MOVQ  R8, 16(SP)
	MOVQ  R9, 24(SP)
	MOVQ  16(SI), DX
	SQUARE(32, 40, R8, R9)
	MOVQ  R8, 32(SP)
	MOVQ  R9, 40(SP)
	MOVQ  24(SI), DX
	SQUARE(48, 56, R8, R9)
	MOVQ  R8, 48(SP)
	MOVQ  R9, 56(SP)
	MOVQ  32(SI), DX
	SQUARE(64, 72, R8, R9)
	MOVQ  40(SI), DX
	SQUARE(80, 88, R10, R11)
	MOVQ  48(SI), DX
	SQUARE(96, 104, R12, R13)
	MOVQ  56(SI), DX
	SQUARE(112, 120, R14, R15)
	MOVQ  c+16(FP), DX
	MOVQ  z+0(FP), SI
	FOLD8(R8, R9, R10, R11, R12, R13, R14, R15, AX, BX)
	RET

// func mulMont4ADX(z, x, y, p *[4]uint64, n0 uint64)
TEXT ·mulMont4ADX(SB), NOSPLIT, $0-40
	MOVQ  x+8(FP), SI
	MOVQ  y+16(FP), DI
	MOVQ  p+24(FP), CX
	XORQ  R8, R8
	XORQ  R9, R9
	XORQ  R10, R10
	XORQ  R11, R11
	XORQ  R12, R12
	MOVQ  0(SI), DX
	MROW4(R8, R9, R10, R11, R12, R13)
	MOVQ  8(SI), DX
	MROW4(R9, R10, R11, R12, R13, R8)
	MOVQ  16(SI), DX
	MROW4(R10, R11, R12, R13, R8, R9)
	MOVQ  24(SI), DX
	MROW4(R11, R12, R13, R8, R9, R10)

	// t is R12, R13, R8, R9, R10: subtract p if it is not below.
	MOVQ  R12, AX
	MOVQ  R13, BX
	MOVQ  R8, DX
	MOVQ  R9, DI
	SUBQ  0(CX), AX
	SBBQ  8(CX), BX
	SBBQ  16(CX), DX
	SBBQ  24(CX), DI
	SBBQ  $0, R10
	CMOVQCS R12, AX
	CMOVQCS R13, BX
	CMOVQCS R8, DX
	CMOVQCS R9, DI
	MOVQ  z+0(FP), SI
	MOVQ  AX, 0(SI)
	MOVQ  BX, 8(SI)
	MOVQ  DX, 16(SI)
	MOVQ  DI, 24(SI)
	RET

// func mulMont8ADX(z, x, y, p *[8]uint64, n0 uint64)
TEXT ·mulMont8ADX(SB), NOSPLIT, $64-40
	MOVQ  x+8(FP), SI
	XORQ  R8, R8
	XORQ  R9, R9
	XORQ  R10, R10
	XORQ  R11, R11
	XORQ  R12, R12
	XORQ  R13, R13
	XORQ  R14, R14
	XORQ  R15, R15
	XORQ  CX, CX
	MOVQ  0(SI), DX
	MROW8(R8, R9, R10, R11, R12, R13, R14, R15, CX)
	MOVQ  8(SI), DX
	MROW8(R9, R10, R11, R12, R13, R14, R15, CX, R8)
	MOVQ  16(SI), DX
	MROW8(R10, R11, R12, R13, R14, R15, CX, R8, R9)
	MOVQ  24(SI), DX
	MROW8(R11, R12, R13, R14, R15, CX, R8, R9, R10)
	MOVQ  32(SI), DX
	MROW8(R12, R13, R14, R15, CX, R8, R9, R10, R11)
	MOVQ  40(SI), DX
	MROW8(R13, R14, R15, CX, R8, R9, R10, R11, R12)
	MOVQ  48(SI), DX
	MROW8(R14, R15, CX, R8, R9, R10, R11, R12, R13)
	MOVQ  56(SI), DX
	MROW8(R15, CX, R8, R9, R10, R11, R12, R13, R14)

	// t is CX, R8, …, R14, R15: subtract p, at DI, if it is not below.
	MOVQ  z+0(FP), SI
	MOVQ  CX, AX
	SUBQ  0(DI), AX
	MOVQ  AX, 0(SP)
	MOVQ  R8, AX
	SBBQ  8(DI), AX
	MOVQ  AX, 8(SP)
	MOVQ  R9, AX
	SBBQ  16(DI), AX
	MOVQ  AX, 16(SP)
	MOVQ  R10, AX
	SBBQ  24(DI), AX
	MOVQ  AX, 24(SP)
	MOVQ  R11, AX
	SBBQ  32(DI), AX
	MOVQ  AX, 32(SP)
	MOVQ  R12, AX
	SBBQ  40(DI), AX
	MOVQ  AX, 40(SP)
	MOVQ  R13, AX
	SBBQ  48(DI), AX
	MOVQ  AX, 48(SP)
	MOVQ  R14, AX
	SBBQ  56(DI), AX
	MOVQ  AX, 56(SP)
	SBBQ  $0, R15
	LAST8(0, CX)
	LAST8(8, R8)
	LAST8(16, R9)
	LAST8(24, R10)
	LAST8(32, R11)
	LAST8(40, R12)
	LAST8(48, R13)
	LAST8(56, R14)
	RET
