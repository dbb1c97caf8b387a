#include "textflag.h"

// Both loops address memory by PC_B, the one local of 32 bits, and its highest
// offset first: an engine then checks one bound for 64 bytes.

// func xor(p []byte, m Mask, pos int)
TEXT ·xor(SB), NOSPLIT, $0-40
	I64Load p_base+0(FP)
	I32WrapI64
	Set     PC_B

	// the mask as it lies over a word at pos
	I32Load  m+24(FP)
	I64Load  pos+32(FP)
	I32WrapI64
	I32Const $3
	I32Shl
	I32Rotr
	I64ExtendI32U
	Tee      R1
	Get      R1
	I64Const $32
	I64Shl
	I64Or
	Set      R1

	I64Load p_len+8(FP)
	I64Const $64
	I64Sub
	Set     R0

	// while there are 64 bytes
	Block
	Loop
		Get      R0
		I64Const $0
		I64LtS
		BrIf     $1

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
		Set      R0
		Br       $0
	End
	End

	// R0 is how many are left, less 64: its low bits tell how many. Words.
	Block
	Loop
		Get      R0
		I64Const $-56
		I64LtS
		BrIf     $1

		Get      PC_B
		Get      PC_B
		I64Load  $0
		Get      R1
		I64Xor
		I64Store $0

		Get      PC_B
		I32Const $8
		I32Add
		Set      PC_B
		Get      R0
		I64Const $8
		I64Sub
		Set      R0
		Br       $0
	End
	End

	// what is left of a word
	Get      R0
	I64Const $4
	I64And
	I32WrapI64
	If
		Get        PC_B
		Get        PC_B
		I64Load32U $0
		Get        R1
		I64Xor
		I64Store32 $0
		Get        PC_B
		I32Const   $4
		I32Add
		Set        PC_B
	End
	Get      R0
	I64Const $2
	I64And
	I32WrapI64
	If
		Get        PC_B
		Get        PC_B
		I64Load16U $0
		Get        R1
		I64Xor
		I64Store16 $0
		Get        R1
		I64Const   $16
		I64ShrU
		Set        R1
		Get        PC_B
		I32Const   $2
		I32Add
		Set        PC_B
	End
	Get      R0
	I64Const $1
	I64And
	I32WrapI64
	If
		Get       PC_B
		Get       PC_B
		I64Load8U $0
		Get       R1
		I64Xor
		I64Store8 $0
	End
	RET

// func leadingASCII(p []byte) int
TEXT ·leadingASCII(SB), NOSPLIT, $0-32
	I64Load p_base+0(FP)
	I32WrapI64
	Set     PC_B
	I64Load p_len+8(FP)
	I64Const $64
	I64Sub
	Set     R0

	// while there are 64 bytes
	Block
	Loop
		Get      R0
		I64Const $0
		I64LtS
		BrIf     $1

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
		Set      R0
		Br       $0
	End
	End

	// while there is a word
	Block
	Loop
		Get      R0
		I64Const $-56
		I64LtS
		BrIf     $1

		Get     PC_B
		I64Load $0
		I64Const $-9187201950435737472
		I64And
		I64Eqz
		I32Eqz
		BrIf    $1

		Get      PC_B
		I32Const $8
		I32Add
		Set      PC_B
		Get      R0
		I64Const $8
		I64Sub
		Set      R0
		Br       $0
	End
	End

	// R0 is how many are left, less 64. Fewer than a word: byte by byte.
	Block
		Get      R0
		I64Const $-57
		I64GtS
		BrIf     $0
		Loop
			Get      R0
			I64Const $-64
			I64Eq
			BrIf     $1

			Get       PC_B
			I64Load8U $0
			I64Const  $128
			I64And
			I64Eqz
			I32Eqz
			BrIf      $1

			Get      PC_B
			I32Const $1
			I32Add
			Set      PC_B
			Get      R0
			I64Const $1
			I64Sub
			Set      R0
			Br       $0
		End
	End

	Get      SP
	I64Load  p_len+8(FP)
	Get      R0
	I64Const $64
	I64Add
	I64Sub
	I64Store ret+24(FP)
	RET
