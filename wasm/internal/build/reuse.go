package build

import "math/bits"

// Go addresses memory by 64-bit locals, and wraps them to 32 bits at each access:
//
//	local.get X; i32.wrap_i64; ...
//
// Each result is a new value to an engine, which checks it against the bound of
// memory anew. So the first one on a path is kept in a local of 32 bits, and the
// others take it from there, until X is set.

// reuse returns the body of a function with addresses kept.
func reuse(body []byte) ([]byte, error) {
	survey := reuser{reader: reader{b: body}, kept: all}
	survey.function()
	f := reuser{reader: reader{b: body}, kept: survey.reused}
	f.function()
	return f.out, f.err
}

// A set of locals, of the first 64.
type set uint64

const all = ^set(0)

func (s set) has(x uint64) bool { return x < 64 && s>>x&1 != 0 }

// only returns the set of x alone, an empty one if that is too large.
func only(x uint64) set { return set(1) << x }

// A reuser rewrites one function. A first one finds out what to keep.
type reuser struct {
	reader
	out    []byte
	kept   set
	reused set      // of kept, or of all, what was used again
	locals uint64   // how many there were, and parameters
	valid  set      // whose local of 32 bits holds what it should
	open   []joined // the innermost is the last

	offsets map[int]uint64 // of loads and stores, to be added
}

// A joined is the end of a block, where paths meet.
type joined struct {
	valid set // on all paths that were seen
	loop  bool
}

func (f *reuser) function() {
	f.offsets = make(map[int]uint64)
	f.declare()
	for f.more() {
		start := f.i
		op := f.instruction()
		if op == opLocalGet && (f.stack(start) || f.address(start)) || f.moved(op, start) {
			continue
		}
		f.out = append(f.out, f.b[start:f.i]...)
		f.follow(op, start)
	}
}

// declare writes the locals, and behind them those of 32 bits.
func (f *reuser) declare() {
	groups := f.uint()
	start := f.i
	f.locals = 1 // the parameter of a function of Go's
	for range groups {
		f.locals += f.uint()
		f.byte()
	}
	f.out = append(appendUint(f.out, groups+1), f.b[start:f.i]...)
	f.out = append(appendUint(f.out, uint64(bits.OnesCount64(uint64(f.kept)))), typeI32)
	f.open = []joined{{valid: all}}
}

// address writes the address that the local.get at start begins, if it does and the
// local is one that is kept.
func (f *reuser) address(start int) bool {
	at := reader{b: f.b, i: start + 1}
	x := at.uint()
	if at.byte() != opI32WrapI64 || at.err != nil || !f.kept.has(x) {
		return false
	}
	f.i = at.i
	if f.valid.has(x) {
		f.reused |= only(x)
		f.out = appendUint(append(f.out, opLocalGet), f.local(x))
		return true
	}
	f.valid |= only(x)
	f.out = append(f.out, f.b[start:f.i]...)
	f.out = appendUint(append(f.out, opLocalTee), f.local(x))
	return true
}

// local returns the local of 32 bits that keeps x.
func (f *reuser) local(x uint64) uint64 {
	return f.locals + uint64(bits.OnesCount64(uint64(f.kept&(only(x)-1))))
}

// follow notes what the instruction at start does to what is valid.
func (f *reuser) follow(op byte, start int) {
	at := reader{b: f.b, i: start + 1}
	switch op {
	case opLocalSet, opLocalTee:
		f.valid &^= only(at.uint())
	case opBlock:
		f.open = append(f.open, joined{valid: all})
	case opLoop:
		f.valid = 0 // paths lead here that are still to come
		f.open = append(f.open, joined{valid: all, loop: true})
	case opIf:
		f.open = append(f.open, joined{valid: f.valid})
	case opElse:
		f.fail("an else, which Go does not write")
	case opEnd:
		last := len(f.open) - 1
		if !f.open[last].loop {
			f.valid &= f.open[last].valid
		}
		f.open = f.open[:last]
	case opBrIf:
		f.join(at.uint())
	case opBr:
		f.join(at.uint())
		f.valid = all // of no path
	case opBrTable:
		for _, depth := range f.table {
			f.join(depth)
		}
		f.valid = all
	case opReturn, opUnreachable:
		f.valid = all
	}
}

// join notes that a path leads from here to a label.
func (f *reuser) join(depth uint64) {
	if depth >= uint64(len(f.open)) {
		f.fail("a branch to no label")
		return
	}
	f.open[len(f.open)-1-int(depth)].valid &= f.valid
}
