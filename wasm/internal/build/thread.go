package build

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Go's compiler makes of each function one loop around all of its basic blocks:
//
//	loop
//	  block block ... block
//	    local.get 0; br_table ...    (out of the block whose number local 0 has)
//	  end
//	  basic block 0
//	  end
//	  basic block 1
//	  end
//	  ...
//	end
//
// A call begins with block 0. A jump sets local 0 and goes back to the loop, however
// near its target is. So each call and each jump is one to an address from a table,
// which costs as much as a dozen instructions.
//
// Where a jump goes forward, its target begins at the end of a block that encloses
// it: a br out of that block does the same. What is left are calls, and jumps back,
// to the few blocks that begin loops: they are told apart before the br_table. That
// remains for functions that are resumed, where a goroutine was switched or a panic
// recovered: behind a call, or at one of runtime.deferreturn. It leads to no other
// block any more, so that an engine sees where each is entered from, and what its
// locals hold then: worth a tenth of the time of a call.

// thread returns the module with the jumps of its functions made direct. It
// computes the same.
func thread(module []byte) ([]byte, error) {
	if len(module) < 8 || string(module[:4]) != "\x00asm" {
		return nil, errors.New("not a WebAssembly module")
	}
	const codeSection = 10
	out := append([]byte(nil), module[:8]...)
	r := reader{b: module, i: 8}
	for r.more() {
		id := r.byte()
		section := r.take(r.uint())
		if id == codeSection {
			var err error
			if section, err = threadCode(section); err != nil {
				return nil, err
			}
		}
		out = appendSized(append(out, id), section)
	}
	return out, r.err
}

// threadCode threads every function of a code section.
func threadCode(section []byte) ([]byte, error) {
	r := reader{b: section}
	n := r.uint()
	out := appendUint(nil, n)
	for i := range n {
		body := r.take(r.uint())
		survey := threader{reader: reader{b: body}}
		survey.thread()
		f := threader{reader: reader{b: body}, back: survey.left, resumed: survey.resumes}
		f.thread()
		if err := errors.Join(r.err, f.err); err != nil {
			return nil, fmt.Errorf("function %d of the module: %w", i, err)
		}
		if f.isGo {
			var err error
			if f.out, err = stack(f.out); err != nil {
				return nil, fmt.Errorf("function %d of the module: %w", i, err)
			}
		}
		out = appendSized(out, f.out)
	}
	return out, r.err
}

// A threader rewrites one function. What it has to know of what comes later, a first
// one has found out.
type threader struct {
	reader
	out    []byte
	open   []*label // the innermost is the last
	labels int      // that were opened
	isGo   bool     // the function has a br_table as Go writes it

	back    []int64      // numbers of the basic blocks to which jumps go back
	resumed map[int]bool // labels at whose end the function may be resumed

	left    []int64      // back, as far as it was seen
	resumes map[int]bool // resumed, likewise
}

// A label is what a br may name: a block, a loop or an if, or the function.
type label struct {
	n     int      // how many were opened before
	table []*label // of the loop around basic blocks: where each begins
	ended bool
}

func (f *threader) thread() {
	f.skipLocals()
	f.out = append(f.out, f.b[:f.i]...)
	f.resumes = make(map[int]bool)
	f.push()
	last, before := byte(opNop), f.i // the instruction before, and where it begins
	for f.more() {
		if f.threadJump() {
			last, before = opBr, f.i
			continue
		}
		begins := f.i
		start := begins
		op := f.instruction()
		switch op {
		case opBlock, opLoop, opIf:
			f.push()
		case opEnd:
			f.pop(last)
		case opBrTable:
			if bytes.Equal(f.b[before:begins], []byte{opLocalGet, 0}) && f.noteTable() {
				f.enter()
				f.isGo = true
				start = f.i
			}
		}
		last, before = op, begins
		f.out = append(f.out, f.b[start:f.i]...)
	}
}

func (f *threader) push() {
	f.open = append(f.open, &label{n: f.labels})
	f.labels++
}

// callBegins is how a call begins that has no arguments, if there are nops before it or
// not: it makes room for the address of return.
var callBegins = []byte{opLocalGet, 1, opI32Const, 8, opI32Sub}

// pop ends the innermost label, behind the instruction last. If that leaves the
// function under a condition, a call is before it that may switch goroutines. Where
// runtime.deferreturn is called the function may be resumed too.
func (f *threader) pop(last byte) {
	if len(f.open) == 0 {
		f.fail("an end of nothing")
		return
	}
	l := f.open[len(f.open)-1]
	f.open = f.open[:len(f.open)-1]
	l.ended = true
	if last == opBrIf || bytes.HasPrefix(bytes.TrimLeft(f.b[f.i:], "\x01"), callBegins) {
		f.resumes[l.n] = true
	}
}

// noteTable notes where the br_table that was read goes, for the loop around it, and
// reports whether it is the one of the function, as Go writes it: the first basic
// block begins where the innermost label ends. The loop encloses all the blocks,
// which are the others that are open.
func (f *threader) noteTable() bool {
	most := slices.Max(f.table)
	if f.table[0] != 0 || most+2 > uint64(len(f.open)) || f.err != nil {
		return false
	}
	at := len(f.open) - 2 - int(most)
	if f.open[at].table != nil {
		return false
	}
	for _, depth := range f.table {
		f.open[at].table = append(f.open[at].table, f.open[len(f.open)-1-int(depth)])
	}
	return true
}

// mostCompared is how many blocks are told apart before a br_table.
const mostCompared = 8

// enter writes, in place of the br_table of the function, branches to the first basic
// block and to those that jumps go back to, and a br_table to those where it may be
// resumed. There are no others.
func (f *threader) enter() {
	f.out = append(f.out[:len(f.out)-2], opBlock, noResult) // in place of local.get 0
	f.out = append(f.out, opLocalGet, 0, opI32Eqz, opBrIf)
	f.out = appendUint(f.out, f.table[0]+1)
	compared := f.back[:min(len(f.back), mostCompared)]
	for _, number := range compared {
		f.out = appendInt(append(f.out, opLocalGet, 0, opI32Const), number)
		f.out = appendUint(append(f.out, opI32Eq, opBrIf), f.table[min(int(number), len(f.table)-1)]+1)
	}
	f.appendTable(f.back[len(compared):])
	f.out = append(f.out, opEnd, opUnreachable)
}

// appendTable writes the br_table, within a block that it leaves for basic blocks at
// which the function cannot be resumed, and to which none of the jumps back goes.
func (f *threader) appendTable(back []int64) {
	table, empty := make([]uint64, len(f.table)), true
	for number, depth := range f.table {
		l := f.open[len(f.open)-1-int(depth)]
		if f.resumed[l.n] || slices.Contains(back, int64(number)) {
			table[number], empty = depth+1, false
		}
	}
	if empty {
		return
	}
	for number, depth := range f.table {
		if depth == f.table[0] {
			table[number] = depth + 1
		}
	}
	f.out = append(f.out, opLocalGet, 0, opBrTable)
	f.out = appendUint(f.out, uint64(len(table)-1))
	for _, depth := range table {
		f.out = appendUint(f.out, depth)
	}
}

// threadJump writes a jump forward anew, if one is next, and one under a condition
// as one instruction.
func (f *threader) threadJump() bool {
	if next, target, ok := f.jump(f.i, f.open); ok {
		f.out = appendUint(append(f.out, opBr), uint64(f.depth(target)))
		f.i = next
		return true
	}
	if f.i+1 >= len(f.b) || f.b[f.i] != opIf || f.b[f.i+1] != noResult {
		return false
	}
	inside := append(f.open[:len(f.open):len(f.open)], &label{n: f.labels})
	next, target, ok := f.jump(f.i+2, inside)
	if !ok || next >= len(f.b) || f.b[next] != opEnd {
		return false
	}
	f.out = appendUint(append(f.out, opBrIf), uint64(f.depth(target)))
	f.labels++ // the if
	f.i = next + 1
	return true
}

// jump looks for a jump forward at the offset i, where open are the labels, and
// returns what follows it and where it goes.
func (f *threader) jump(i int, open []*label) (next int, target *label, ok bool) {
	r := reader{b: f.b, i: i}
	if r.byte() != opI32Const {
		return 0, nil, false
	}
	number := r.int()
	if r.byte() != opLocalSet || r.uint() != 0 || r.byte() != opBr {
		return 0, nil, false
	}
	depth := r.uint()
	if r.err != nil || depth >= uint64(len(open)) || number < 0 {
		return 0, nil, false
	}
	table := open[len(open)-1-int(depth)].table
	if len(table) == 0 {
		return 0, nil, false
	}
	target = table[min(int(number), len(table)-1)]
	if target.ended && !slices.Contains(f.left, number) {
		f.left = append(f.left, number)
	}
	return r.i, target, !target.ended
}

// depth returns how a br names l.
func (f *threader) depth(l *label) int {
	for i := range f.open {
		if f.open[len(f.open)-1-i] == l {
			return i
		}
	}
	f.fail("a jump out of a block that is not open")
	return 0
}
