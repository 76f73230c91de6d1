#include "textflag.h"

// ACC takes 32 octets of the entry into acc if the mask in Y14 is set.
#define ACC(off, acc) \
	VPAND off(SI), Y14, Y13; \
	VPOR  Y13, acc, acc

// func lookupAVX2(dst, row *uint64, vectors, entries, mag uint64)
//
// Every entry is read whatever mag is; vectors, 2, 3, 4 or 6, is the length of an entry in units of 32 octets.
TEXT ·lookupAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ row+8(FP), SI
	MOVQ vectors+16(FP), CX
	MOVQ entries+24(FP), DX
	VPBROADCASTQ mag+32(FP), Y15
	MOVQ CX, R8
	SHLQ $5, R8
	VPCMPEQQ Y11, Y11, Y11 // −1
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPSUBQ Y11, Y0, Y12    // 1: the number of the first entry

loop:
	VPCMPEQQ Y15, Y12, Y14
	VPSUBQ Y11, Y12, Y12
	ACC(0, Y0)
	ACC(32, Y1)
	CMPQ CX, $2
	JEQ  next
	ACC(64, Y2)
	CMPQ CX, $3
	JEQ  next
	ACC(96, Y3)
	CMPQ CX, $4
	JEQ  next
	ACC(128, Y4)
	ACC(160, Y5)

next:
	ADDQ R8, SI
	DECQ DX
	JNZ  loop
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	CMPQ CX, $2
	JEQ  done
	VMOVDQU Y2, 64(DI)
	CMPQ CX, $3
	JEQ  done
	VMOVDQU Y3, 96(DI)
	CMPQ CX, $4
	JEQ  done
	VMOVDQU Y4, 128(DI)
	VMOVDQU Y5, 160(DI)

done:
	VZEROUPPER
	RET
