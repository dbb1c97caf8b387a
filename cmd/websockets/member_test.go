package main

import (
	"testing"
	"testing/synctest"
)

// What waits for a member is bounded, however small the messages; one message
// may be of any size.
func TestQueueIsBounded(t *testing.T) {
	m := newMember(nil, "")
	n := 0
	for m.enqueue(message{}) {
		n++
	}
	if n != maxQueued/perMessage {
		t.Errorf("%d empty messages were queued, want %d", n, maxQueued/perMessage)
	}
	m = newMember(nil, "")
	if !m.enqueue(message{p: make([]byte, 2*maxQueued)}) {
		t.Error("a large message was refused by an empty queue")
	}
	if m.enqueue(message{p: []byte("x")}) {
		t.Error("a byte too many was queued")
	}
	for _, msg := range m.take() {
		m.sent(msg)
	}
	if !m.enqueue(message{p: []byte("x")}) {
		t.Error("an empty queue refuses")
	}
}

// A member with much to receive is not listened to until it has less, or has
// gone.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMember(nil, "")
		m.pace() // does not wait
		for _, release := range []func(){
			func() { m.sent(m.take()[0]) },
			func() { close(m.gone) },
		} {
			m.enqueue(message{p: make([]byte, pacedFrom)})
			paced := make(chan struct{})
			go func() {
				m.pace()
				close(paced)
			}()
			synctest.Wait()
			select {
			case <-paced:
				t.Fatal("did not wait")
			default:
			}
			release()
			<-paced
		}
	})
}
