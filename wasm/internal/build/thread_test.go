package build

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
)

// byteCode joins instructions.
func byteCode(parts ...any) (out []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			out = append(out, byte(p))
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}

const (
	i32Load   = 0x28
	i64Load   = 0x29
	i64Store  = 0x37
	i64Eq     = 0x51
	i64Ne     = 0x52
	i64Mul    = 0x7E
	i64And    = 0x83
	i64ShrU   = 0x88
	opCall    = 0x10
	opReturn  = 0x0F
	i32, i64  = 0x7F, 0x7E
	forOffset = 3 // alignment of 64 bits
)

// jump is how Go jumps to basic block number, where the loop around them is so deep.
func jump(number, depth int) []byte {
	return byteCode(opI32Const, number, opLocalSet, 0, opBr, depth)
}

// jumpIf is how it does so under a condition.
func jumpIf(number, depth int) []byte {
	return byteCode(opIf, noResult, jump(number, depth+1), opEnd)
}

// collatz counts the steps that the number at address 0 takes to 1, and writes them to
// address 8, in basic blocks as Go's compiler writes them. Before that it calls the
// function next to it, and returns 1 if that does; it is then to be resumed at block 1.
func collatz() []byte {
	step := byteCode(opLocalGet, 3, opI64Const, 1, opI64Add, opLocalSet, 3)
	body := byteCode(
		2, 1, i32, 2, i64, // locals: 1 the stack pointer, 2 the number, 3 the steps
		opBlock, noResult, opLoop, noResult,
		opBlock, noResult, opBlock, noResult, opBlock, noResult, opBlock, noResult, opBlock, noResult,
		opLocalGet, 0, opBrTable, 6, 0, 0, 1, 1, 2, 3, 4,
		opEnd, // block 0, with the numbers 0 and 1
		opI32Const, 0, opCall, 1, opBrIf, 5,
		opEnd, // block 1, 2 and 3
		opI32Const, 0, i64Load, forOffset, 0, opLocalSet, 2,
		opI64Const, 0, opLocalSet, 3,
		opLocalGet, 2, opI64Const, 1, i64Eq, jumpIf(6, 3),
		opEnd, // block 2: 4
		opLocalGet, 2, opI64Const, 1, i64And, opI64Eqz, jumpIf(5, 2),
		opLocalGet, 2, opI64Const, 3, i64Mul, opI64Const, 1, opI64Add, opLocalSet, 2,
		step, jump(4, 2),
		opEnd, // block 3: 5
		opLocalGet, 2, opI64Const, 1, i64ShrU, opLocalSet, 2,
		step, opLocalGet, 2, opI64Const, 1, i64Ne, jumpIf(4, 1),
		opEnd, // block 4: 6
		opI32Const, 8, opLocalGet, 3, i64Store, forOffset, 0,
		opI32Const, 0, opReturn,
		opEnd, opUnreachable, opEnd, opI32Const, 1, opEnd,
	)
	return body
}

// program is a module of collatz, and of a function that returns what is at address 16.
func program() []byte {
	second := byteCode(0, opI32Const, 16, i32Load, 2, 0, opEnd)
	section := func(id int, content ...any) []byte { return byteCode(id, appendSized(nil, byteCode(content...))) }
	return byteCode([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, 1, 0x60, 1, i32, 1, i32), // a type: i32 to i32
		section(3, 2, 0, 0),                 // two functions
		section(5, 1, 0, 1),                 // a page of memory
		section(7, 2, 1, []byte("f"), 0, 0, 6, []byte("memory"), 2, 0),        // exports
		section(10, 2, appendSized(nil, collatz()), appendSized(nil, second)), //
	)
}

// A collatzMachine runs the program.
type collatzMachine struct {
	t    *testing.T
	call func(block uint64) (result uint64, err error)
	mem  interface {
		WriteUint64Le(offset uint32, v uint64) bool
		ReadUint64Le(offset uint32) (uint64, bool)
	}
}

func start(t *testing.T, module []byte) *collatzMachine {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	m, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	return &collatzMachine{t: t, mem: m.Memory(), call: func(block uint64) (uint64, error) {
		out, err := m.ExportedFunction("f").Call(ctx, block)
		if err != nil {
			return 0, err
		}
		return out[0], nil
	}}
}

// steps runs from a block on, and returns the result and the steps.
func (m *collatzMachine) steps(block, n, called uint64) (result, steps uint64) {
	m.t.Helper()
	m.mem.WriteUint64Le(0, n)
	m.mem.WriteUint64Le(8, 0)
	m.mem.WriteUint64Le(16, called)
	result, err := m.call(block)
	if err != nil {
		m.t.Fatalf("from block %d with %d: %v", block, n, err)
	}
	steps, _ = m.mem.ReadUint64Le(8)
	return result, steps
}

func threadedProgram(t *testing.T) []byte {
	t.Helper()
	module, err := thread(program())
	if err != nil {
		t.Fatal(err)
	}
	return module
}

func TestThreadComputesTheSame(t *testing.T) {
	plain, threaded := start(t, program()), start(t, threadedProgram(t))
	for n := uint64(1); n < 500; n++ {
		for _, block := range []uint64{0, 1, 2, 3} { // those where it may begin and be resumed
			for called := range uint64(2) {
				want, wantSteps := plain.steps(block, n, called)
				if got, steps := threaded.steps(block, n, called); got != want || steps != wantSteps {
					t.Fatalf("from block %d with %d: %d and %d steps, want %d and %d", block, n, got, steps, want, wantSteps)
				}
			}
		}
	}
	if _, steps := threaded.steps(0, 27, 0); steps != 111 {
		t.Errorf("27 takes %d steps, want 111", steps)
	}
}

// Nothing goes back to block 4, and no call ends before it: entered there, the function
// traps rather than that it does something else.
func TestThreadTrapsWhereNothingCanResume(t *testing.T) {
	plain, threaded := start(t, program()), start(t, threadedProgram(t))
	if _, err := plain.call(6); err != nil {
		t.Fatal(err)
	}
	if r, err := threaded.call(6); err == nil {
		t.Errorf("it was resumed and returned %d", r)
	}
}

// Of the jumps those back are left, and of the table what can be resumed.
func TestThreadMakesJumpsDirect(t *testing.T) {
	count := func(module []byte, part ...byte) int { return bytes.Count(module, part) }
	plain, threaded := program(), threadedProgram(t)
	if a, b := count(plain, opLocalSet, 0, opBr), count(threaded, opLocalSet, 0, opBr); a != 4 || b != 2 {
		t.Errorf("%d jumps became %d, want 4 and 2", a, b)
	}
	if !bytes.Contains(threaded, byteCode(opLocalGet, 0, opBrTable, 6, 1, 1, 2, 2, 0, 0, 0)) {
		t.Errorf("the table leads elsewhere: % x", threaded)
	}
}

func TestThreadLeavesItsOwnWorkAlone(t *testing.T) {
	once := threadedProgram(t)
	twice, err := thread(once)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(once, twice) {
		t.Errorf("% x became % x", once, twice)
	}
}

func TestThreadRefusesDamage(t *testing.T) {
	code := func(body ...any) []byte {
		return byteCode([]byte("\x00asm\x01\x00\x00\x00"), 10, appendSized(nil, byteCode(1, appendSized(nil, byteCode(body...)))))
	}
	for name, module := range map[string][]byte{
		"nothing":                {},
		"no module":              []byte("#!/bin/sh\n"),
		"a section cut off":      program()[:40],
		"a number without end":   byteCode([]byte("\x00asm\x01\x00\x00\x00"), 10, bytes.Repeat([]byte{0xFF}, 11)),
		"an end of nothing":      code(0, opEnd, opEnd),
		"an unknown instruction": code(0, 0xFE, opEnd),
		"a prefix alone":         code(0, opPrefix),
		"locals without end":     code(0xFF, 0xFF, 0xFF, 0xFF, 0x7F),
		"a table to nowhere":     code(0, opLocalGet, 0, opBrTable, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF),
	} {
		if out, err := thread(module); err == nil {
			t.Errorf("%s: no error, but % x", name, out)
		}
	}
}

// FuzzThread looks for modules that make it panic, or that it does not leave alone the
// second time.
func FuzzThread(f *testing.F) {
	f.Add(program())
	f.Add(program()[:60])
	f.Fuzz(func(t *testing.T, module []byte) {
		once, err := thread(module)
		if err != nil {
			return
		}
		if _, err := thread(once); err != nil {
			t.Errorf("its own work: %v", err)
		}
	})
}

func TestNumbers(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 63, 64, -64, -65, 127, 128, 1 << 31, -1 << 31, 1<<63 - 1, -1 << 63} {
		r := reader{b: appendInt(nil, v)}
		if got := r.int(); got != v || r.err != nil || r.more() {
			t.Errorf("%d was read as %d, %v", v, got, r.err)
		}
		r = reader{b: appendUint(nil, uint64(v))}
		if got := r.uint(); v >= 0 && (got != uint64(v) || r.err != nil || r.more()) {
			t.Errorf("%d was read as %d, %v", v, got, r.err)
		}
	}
}

// What lies on the stack is addressed by an offset, where load or store are found.
func TestStack(t *testing.T) {
	at := func(n int) []byte {
		return byteCode(opLocalGet, 1, opI64ExtendI32U, opI64Const, n, opI64Add, opI32WrapI64)
	}
	for _, c := range []struct {
		name     string
		in, want []byte
	}{
		{"load", byteCode(at(8), i64Load, 3, 0), byteCode(opLocalGet, 1, i64Load, 3, 8)},
		{"load behind an offset", byteCode(at(8), i64Load, 3, 16), byteCode(opLocalGet, 1, i64Load, 3, 24)},
		{"store", byteCode(at(8), opLocalGet, 2, i64Store, 3, 0), byteCode(opLocalGet, 1, opLocalGet, 2, i64Store, 3, 8)},
		{"store of a sum", byteCode(at(8), opLocalGet, 2, opI64Const, 5, opI64Add, i64Store, 3, 0),
			byteCode(opLocalGet, 1, opLocalGet, 2, opI64Const, 5, opI64Add, i64Store, 3, 8)},
		{"store of a load", byteCode(at(8), at(16), i64Load, 3, 1, i64Store, 3, 2),
			byteCode(opLocalGet, 1, opLocalGet, 1, i64Load, 3, 17, i64Store, 3, 10)},
		{"no access", byteCode(at(8), opLocalSet, 1), byteCode(at(8), opLocalSet, 1)},
		{"an argument of a call", byteCode(at(8), opCall, 1), byteCode(at(8), opCall, 1)},
		{"another local", byteCode(opLocalGet, 2, opI64ExtendI32U, opI64Const, 8, opI64Add, opI32WrapI64, i64Load, 3, 0), nil},
		{"below the stack", byteCode(at(0x78), i64Load, 3, 0), nil}, // -8
	} {
		if c.want == nil {
			c.want = c.in
		}
		got, err := stack(byteCode(0, c.in, opEnd))
		if want := byteCode(0, c.want, opEnd); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: % x, %v, want % x", c.name, got, err, want)
		}
	}
}
