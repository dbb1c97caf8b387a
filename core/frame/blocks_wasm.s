#include "textflag.h"

// Both loops address memory by PC_B, the one local of 32 bits, and its highest
// offset first: an engine then checks one bound for 64 bytes.

// func xorBlocks(p *byte, n int, key uint64)
TEXT ·xorBlocks(SB), NOSPLIT, $0-24
	I64Load p+0(FP)
	I32WrapI64
	Set     PC_B
	I64Load n+8(FP)
	Set     R0
	I64Load key+16(FP)
	Set     R1

	Loop
		Get      PC_B
		Get      PC_B
		I64Load  $56
		Get      R1
		I64Xor
		I64Store $56

		Get      PC_B
		Get      PC_B
		I64Load  $48
		Get      R1
		I64Xor
		I64Store $48

		Get      PC_B
		Get      PC_B
		I64Load  $40
		Get      R1
		I64Xor
		I64Store $40

		Get      PC_B
		Get      PC_B
		I64Load  $32
		Get      R1
		I64Xor
		I64Store $32

		Get      PC_B
		Get      PC_B
		I64Load  $24
		Get      R1
		I64Xor
		I64Store $24

		Get      PC_B
		Get      PC_B
		I64Load  $16
		Get      R1
		I64Xor
		I64Store $16

		Get      PC_B
		Get      PC_B
		I64Load  $8
		Get      R1
		I64Xor
		I64Store $8

		Get      PC_B
		Get      PC_B
		I64Load  $0
		Get      R1
		I64Xor
		I64Store $0

		Get      PC_B
		I32Const $64
		I32Add
		Set      PC_B

		Get      R0
		I64Const $64
		I64Sub
		Tee      R0
		I64Eqz
		I32Eqz
		BrIf     $0
	End
	RET

// func asciiBlocks(p *byte, n int) int
TEXT ·asciiBlocks(SB), NOSPLIT, $0-24
	I64Load p+0(FP)
	I32WrapI64
	Set     PC_B
	I64Load n+8(FP)
	Set     R0

	Block
		Loop
			Get     PC_B
			I64Load $56
			Get     PC_B
			I64Load $48
			I64Or
			Get     PC_B
			I64Load $40
			I64Or
			Get     PC_B
			I64Load $32
			I64Or
			Get     PC_B
			I64Load $24
			I64Or
			Get     PC_B
			I64Load $16
			I64Or
			Get     PC_B
			I64Load $8
			I64Or
			Get     PC_B
			I64Load $0
			I64Or
			I64Const $-9187201950435737472 // the top bit of each byte
			I64And
			I64Eqz
			I32Eqz
			BrIf    $1

			Get      PC_B
			I32Const $64
			I32Add
			Set      PC_B

			Get      R0
			I64Const $64
			I64Sub
			Tee      R0
			I64Eqz
			I32Eqz
			BrIf     $0
		End
	End

	Get      SP
	I64Load  n+8(FP)
	Get      R0
	I64Sub
	I64Store ret+16(FP)
	RET
