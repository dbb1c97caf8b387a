package build

import "bytes"

// Go addresses arguments and results of calls, which lie on its stack, by
//
//	local.get 1; i64.extend_i32_u; i64.const N; i64.add; i32.wrap_i64
//
// where a load or store from local 1 at the offset N does the same, and an engine
// knows already that the stack is there. The sum never leaves 32 bits: the stack lies
// below what it holds, and memory above that.

var stackBegins = []byte{opLocalGet, 1, opI64ExtendI32U, opI64Const}
var stackEnds = []byte{opI64Add, opI32WrapI64}

// stack writes such an address, where one is next and its load or store is found.
func (f *reuser) stack(start int) bool {
	if !bytes.HasPrefix(f.b[start:], stackBegins) {
		return false
	}
	r := reader{b: f.b, i: start + len(stackBegins)}
	n := r.int()
	if r.err != nil || n < 0 || n > mostOffset || !bytes.HasPrefix(f.b[r.i:], stackEnds) {
		return false
	}
	r.i += len(stackEnds)
	i := r.i
	at, ok := r.access()
	if !ok {
		return false
	}
	f.offsets[at] = uint64(n)
	f.out = append(f.out, opLocalGet, 1)
	f.i = i
	return true
}

// mostOffset is more than any frame is large that matters.
const mostOffset = 1 << 16

// access finds the load or store whose address is on top of the operand stack, where
// nothing but a simple value comes between.
func (r *reader) access() (at int, ok bool) {
	values := 0 // above the address
	for r.more() {
		at = r.i
		switch op := r.instruction(); {
		case isLoad(op) && values == 0, isStore(op) && values == 1:
			return at, true
		case op == opLocalGet, op == opGlobalGet, op == opI32Const, op == opI64Const:
			values++
		case isBinary(op) && values >= 2:
			values--
		case values >= 1 && (op == opLocalTee || isLoad(op) || isUnary(op)):
		default:
			return 0, false
		}
	}
	return 0, false
}

func isLoad(op byte) bool  { return op >= 0x28 && op <= 0x35 }
func isStore(op byte) bool { return op >= 0x36 && op <= 0x3E }

// isUnary reports whether an instruction makes an integer of one, as far as Go uses
// them.
func isUnary(op byte) bool {
	return op == opI32Eqz || op == opI64Eqz || op == opI32WrapI64 || op == opI64ExtendI32U
}

// isBinary reports whether an instruction makes an integer of two.
func isBinary(op byte) bool {
	return op >= 0x46 && op <= 0x4F || op >= 0x51 && op <= 0x5A || op >= 0x6A && op <= 0x78 || op >= 0x7C && op <= 0x8A
}

// moved writes a load or store whose address stack has written, if the instruction at
// start is one.
func (f *reuser) moved(op byte, start int) bool {
	n, ok := f.offsets[start]
	if !ok {
		return false
	}
	at := reader{b: f.b, i: start + 1}
	align, offset := at.uint(), at.uint()
	f.out = appendUint(appendUint(append(f.out, op), align), offset+n)
	return true
}
