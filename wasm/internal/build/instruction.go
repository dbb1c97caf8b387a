package build

import (
	"errors"
	"fmt"
)

// The instructions that matter here, and those that end others.
const (
	opUnreachable   = 0x00
	opNop           = 0x01
	opBlock         = 0x02
	opLoop          = 0x03
	opIf            = 0x04
	opEnd           = 0x0B
	opBr            = 0x0C
	opBrIf          = 0x0D
	opBrTable       = 0x0E
	opCallIndirect  = 0x11
	opLocalGet      = 0x20
	opLocalSet      = 0x21
	opLocalTee      = 0x22
	opGlobalGet     = 0x23
	opI32Const      = 0x41
	opI64Const      = 0x42
	opF32Const      = 0x43
	opF64Const      = 0x44
	opI32Eqz        = 0x45
	opI32Eq         = 0x46
	opI64Eqz        = 0x50
	opI32Sub        = 0x6B
	opI64Add        = 0x7C
	opI32WrapI64    = 0xA7
	opI64ExtendI32U = 0xAD
	opPrefix        = 0xFC

	noResult = 0x40 // of a block
)

// A reader reads the binary format
// (https://www.w3.org/TR/wasm-core-2/#binary-format). After an error there is no
// more.
type reader struct {
	b     []byte
	i     int
	err   error
	table []uint64 // the labels of the latest br_table
}

func (r *reader) more() bool { return r.err == nil && r.i < len(r.b) }

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
}

func (r *reader) byte() byte {
	if !r.more() {
		r.fail("it is cut off")
		return 0
	}
	r.i++
	return r.b[r.i-1]
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)-r.i) {
		r.fail("it is cut off")
		return nil
	}
	r.i += int(n)
	return r.b[r.i-int(n) : r.i]
}

// uint reads a number in unsigned LEB128.
func (r *reader) uint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail("a number is too long")
	return 0
}

// int reads a number in signed LEB128.
func (r *reader) int() (v int64) {
	for shift := 0; shift < 64; {
		b := r.byte()
		v |= int64(b&0x7F) << shift
		shift += 7
		if b < 0x80 {
			return v << max(64-shift, 0) >> max(64-shift, 0)
		}
	}
	r.fail("a number is too long")
	return 0
}

// skipLocals reads the locals with which a function begins. They are so many, in groups
// of one type.
func (r *reader) skipLocals() (groups, locals uint64) {
	groups = r.uint()
	for i := uint64(0); i < groups && r.err == nil; i++ {
		locals += r.uint()
		r.byte()
	}
	return groups, locals
}

// instruction reads an instruction and returns its opcode. The labels of a br_table
// are in table then, the default last.
func (r *reader) instruction() byte {
	op := r.byte()
	switch {
	case op == opBlock, op == opLoop, op == opIf:
		r.int()
	case op == opBrTable:
		r.table = r.table[:0]
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			r.table = append(r.table, r.uint())
		}
		r.table = append(r.table, r.uint())
	case op == opBr, op == opBrIf, op == 0x10, // call
		op >= 0x20 && op <= 0x26, // variables and tables
		op == 0x3F, op == 0x40:   // memory.size and memory.grow
		r.uint()
	case op == opCallIndirect, op >= 0x28 && op <= 0x3E: // loads and stores
		r.uint()
		r.uint()
	case op == opI32Const, op == opI64Const:
		r.int()
	case op == opF32Const:
		r.take(4)
	case op == opF64Const:
		r.take(8)
	case op == opPrefix:
		r.prefixed()
	case op <= 0x05, op == opEnd, op == 0x0F, op == 0x1A, op == 0x1B, op >= 0x45 && op <= 0xC4:
	default:
		r.fail(fmt.Sprintf("the instruction %#x is not known here", op))
	}
	return op
}

// prefixed reads the rest of an instruction that has a prefix.
func (r *reader) prefixed() {
	switch op := r.uint(); {
	case op <= 7: // conversions that saturate
	case op == 10: // memory.copy
		r.take(2)
	case op == 11: // memory.fill
		r.take(1)
	default:
		r.fail(fmt.Sprintf("the instruction %#x %d is not known here", opPrefix, op))
	}
}

func appendUint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// appendInt appends a number in signed LEB128.
func appendInt(dst []byte, v int64) []byte {
	for v < -64 || v > 63 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v)&0x7F)
}

// appendSized appends p and before it its length.
func appendSized(dst, p []byte) []byte {
	return append(appendUint(dst, uint64(len(p))), p...)
}
