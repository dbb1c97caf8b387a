package build

import "bytes"

// Go addresses arguments and results of calls, which lie on its stack, by
//
//	local.get 1; i64.extend_i32_u; i64.const N; i64.add; i32.wrap_i64
//
// where a load or store from local 1 at the offset N does the same, and an engine
// knows already that the stack is there. The sum never leaves 32 bits: the stack lies
// below what it holds, and memory above that.

var stackBegins, stackEnds = []byte{opLocalGet, 1, opI64ExtendI32U, opI64Const}, []byte{opI64Add, opI32WrapI64}

// A stacker rewrites one function.
type stacker struct {
	reader
	out     []byte
	offsets map[int]uint64 // of loads and stores, by where they are, to be added to their own
}

// stack returns the body of a function with such accesses made direct.
func stack(body []byte) ([]byte, error) {
	f := stacker{reader: reader{b: body}, offsets: make(map[int]uint64)}
	f.skipLocals()
	f.out = append(f.out, body[:f.i]...)
	for f.more() {
		if f.address() {
			continue
		}
		start := f.i
		op := f.instruction()
		if n, ok := f.offsets[start]; ok {
			at := reader{b: body, i: start + 1}
			align, offset := at.uint(), at.uint()
			f.out = appendUint(appendUint(append(f.out, op), align), offset+n)
			continue
		}
		f.out = append(f.out, body[start:f.i]...)
	}
	return f.out, f.err
}

// address writes such an address, if one is next and its load or store is found.
func (f *stacker) address() bool {
	if !bytes.HasPrefix(f.b[f.i:], stackBegins) {
		return false
	}
	r := reader{b: f.b, i: f.i + len(stackBegins)}
	n := r.int()
	if r.err != nil || n < 0 || n > mostOffset || !bytes.HasPrefix(f.b[r.i:], stackEnds) {
		return false
	}
	r.i += len(stackEnds)
	next := r.i
	at, ok := r.access()
	if !ok {
		return false
	}
	f.offsets[at] = uint64(n)
	f.out = append(f.out, opLocalGet, 1)
	f.i = next
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
