package pipe

import (
	"errors"
	"io"
	"net"
	"sync"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/internal/queue"
)

var errFinished = errors.New("pipe: write after CloseWrite")

// A direction carries bytes from one writer to one reader.
type direction struct {
	size int

	mu       sync.Mutex
	readable sync.Cond // the reader waits here
	writable sync.Cond // the writer waits here
	queue    queue.Queue
	waker    transport.Waker // or is called

	fin                        bool  // the reader finds end of file after the queue
	readErr, writeErr          error // final, set once
	readerKicked, writerKicked bool
}

func newDirection(size int) *direction {
	d := &direction{size: size}
	d.readable.L = &d.mu
	d.writable.L = &d.mu
	return d
}

func (d *direction) tryRead(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.read(p)
}

// awaitRead borrows without holding the lock: a Lender may take locks of its own.
func (d *direction) awaitRead(l transport.Lender) (int, error) {
	for {
		if err := d.awaitInput(); err != nil {
			return 0, err
		}
		n, err := d.tryRead(l.Borrow())
		if err == nil {
			return n, nil
		}
		l.Return()
		if err != transport.ErrWouldBlock {
			return 0, err
		}
	}
}

// awaitInput returns nil when the queue holds a byte.
func (d *direction) awaitInput() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if d.readerKicked {
			d.readerKicked = false
			return transport.ErrKicked
		}
		if d.queue.Len() > 0 {
			return nil
		}
		if err := d.ended(); err != nil {
			return err
		}
		d.readable.Wait()
	}
}

// read moves bytes from the queue to p. The lock is held.
func (d *direction) read(p []byte) (int, error) {
	if n := d.queue.Read(p); n > 0 {
		d.writable.Signal()
		return n, nil
	}
	if err := d.ended(); err != nil {
		return 0, err
	}
	return 0, transport.ErrWouldBlock
}

// ended returns what the reader finds after the queue, nil if more may come.
// The lock is held.
func (d *direction) ended() error {
	if d.readErr != nil {
		return d.readErr
	}
	if d.fin {
		return io.EOF
	}
	return nil
}

// whenReadable has w called when there is something to read, unless there is.
func (d *direction) whenReadable(w transport.Waker) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readerKicked || d.queue.Len() > 0 || d.ended() != nil {
		d.readerKicked = false
		return false
	}
	d.waker = w
	return true
}

// wakeReader wakes the reader, or has it called by a goroutine of its own. The lock is held.
func (d *direction) wakeReader() {
	if d.waker != nil {
		go d.waker.Wake()
		d.waker = nil
		return
	}
	d.readable.Broadcast()
}

func (d *direction) ready() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queue.Len() > 0 || d.ended() != nil
}

func (d *direction) tryWrite(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writeErr != nil {
		return 0, d.writeErr
	}
	n := min(len(p), d.size-d.queue.Len())
	if n > 0 {
		d.queue.Write(p[:n])
		d.wakeReader()
	}
	if n < len(p) {
		return n, transport.ErrWouldBlock
	}
	return n, nil
}

func (d *direction) awaitWrite() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if d.writerKicked {
			d.writerKicked = false
			return transport.ErrKicked
		}
		if d.writeErr != nil {
			return d.writeErr
		}
		if d.queue.Len() < d.size {
			return nil
		}
		d.writable.Wait()
	}
}

func (d *direction) kickReader() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readerKicked = d.waker == nil
	d.wakeReader()
}

func (d *direction) kickWriter() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writerKicked = true
	d.writable.Signal()
}

// finish ends the output in order. What is queued can still be read.
func (d *direction) finish() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writeErr != nil && d.writeErr != errFinished {
		return d.writeErr
	}
	d.fin = true
	d.writeErr = errFinished
	d.wake()
	return nil
}

// closeWriter closes the writer's end: in order if reset is nil, else at once,
// and the reader finds reset.
func (d *direction) closeWriter(reset error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fin = true
	d.writeErr = net.ErrClosed
	if reset != nil && d.readErr == nil {
		d.readErr = reset
		d.queue.Clear()
	}
	d.wake()
}

// closeReader closes the reader's end: nobody will read what is queued.
func (d *direction) closeReader() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readErr = net.ErrClosed
	if d.writeErr != net.ErrClosed {
		d.writeErr = ErrReset
	}
	d.queue.Clear()
	d.wake()
}

func (d *direction) wake() {
	d.wakeReader()
	d.writable.Broadcast()
}
