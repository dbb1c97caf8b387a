package queue

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestBytesLeaveInOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var q Queue
	var want []byte
	for range 2000 {
		p := make([]byte, rnd.IntN(3*chunkSize))
		for i := range p {
			p[i] = byte(rnd.Uint32())
		}
		q.Write(p)
		want = append(want, p...)
		got := make([]byte, rnd.IntN(3*chunkSize))
		n := q.Read(got)
		if n != min(len(got), len(want)) || !bytes.Equal(got[:n], want[:n]) {
			t.Fatalf("read %d bytes into %d, with %d there; or others than those written", n, len(got), len(want))
		}
		if want = want[n:]; q.Len() != len(want) {
			t.Fatalf("Len = %d; want %d", q.Len(), len(want))
		}
	}
}

func TestAnEmptyQueueHoldsNoMemory(t *testing.T) {
	var q Queue
	q.Write(make([]byte, 3*chunkSize))
	q.Read(make([]byte, 3*chunkSize))
	if q != (Queue{}) {
		t.Errorf("after reading all: %+v", q)
	}
	q.Write(make([]byte, 3*chunkSize+1))
	q.Clear()
	if q != (Queue{}) {
		t.Errorf("after Clear: %+v", q)
	}
}
