package sim

import (
	"bytes"
	"unsafe"
)

// lentMemory watches memory that is not the machine's: the data of the latest
// event, which no later call may touch, and input that was not consumed. It
// looks at the first bytes only, around each call of the machine, so that the
// owner may reuse the memory between the calls.
type lentMemory struct {
	data  []byte // of the latest event
	saved [memorySample]byte
	ahead [memorySample]byte
}

const memorySample = 48

func (l *lentMemory) before() {
	copy(l.saved[:], l.data)
}

func (l *lentMemory) untouched() bool {
	return bytes.Equal(l.data, l.saved[:len(l.data)])
}

// remember watches data from now on.
func (l *lentMemory) remember(data []byte) {
	if len(data) == 0 {
		return
	}
	l.data = data[:min(len(data), memorySample)]
	l.before()
}

// forget stops watching memory that the owner lends anew.
func (l *lentMemory) forget(regions ...[]byte) {
	for _, r := range regions {
		if overlap(l.data, r) {
			l.data = nil
		}
	}
}

// A memoryAhead is a copy of the beginning of unconsumed input.
type memoryAhead struct {
	was  []byte
	from int // where that was in the input
}

// keepAhead copies the beginning of in[from:].
func (l *lentMemory) keepAhead(in []byte, from int) memoryAhead {
	if from > len(in) {
		return memoryAhead{}
	}
	n := copy(l.ahead[:], in[from:])
	return memoryAhead{l.ahead[:n], from}
}

// unchanged compares what is left of the input, from its byte n on, with the copy.
func (a memoryAhead) unchanged(in []byte, n int) bool {
	skip := n - a.from
	if skip < 0 || skip >= len(a.was) {
		return true
	}
	return bytes.Equal(in[n:][:len(a.was)-skip], a.was[skip:])
}

// overlap reports whether a and b share memory.
func overlap(a, b []byte) bool {
	if len(a) == 0 || cap(b) == 0 {
		return false
	}
	a0, b0 := uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return a0 < b0+uintptr(cap(b)) && b0 < a0+uintptr(len(a))
}
