package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Sizes and times of a pump.
const (
	pumpIdleBuffer = 512             // what a read that may wait for long is given
	pumpOutput     = largeBuffer     // how much output is accepted ahead of the carrier
	pumpPiece      = 16 << 10        // how much of it one write is given
	pumpLinger     = 5 * time.Second // how long Close lets output go out
)

var errWriteEnded = errors.New("transport: write after CloseWrite")

// NewPump makes a Stream of a carrier that has only blocking Read and Write,
// such as a [net.Pipe], a channel of SSH or a [crypto/tls.Conn]. The stream owns
// rw from then on.
//
// One goroutine reads ahead, up to 64 KiB; while it waits it holds 512 bytes. A
// second one writes and lives only while there is output. TryWrite has written
// a byte when the pump has accepted it, which it does for 64 KiB ahead of the
// carrier: a carrier that stalls stops the stream after that. An error of
// Write is returned by the next call that writes.
//
// CloseWrite calls the CloseWrite method of rw, if it has one, after the output
// has been written. Close closes rw after the output has been written, or after
// five seconds. Abort calls the Abort method of rw, if it has one, or else
// Close, at once. Read and Write must return when rw is closed; then both
// goroutines end.
//
// After Close or Abort every method that can fail returns [net.ErrClosed];
// closing again does nothing.
func NewPump(rw io.ReadWriteCloser) Stream {
	p := &pump{rw: rw}
	p.consumed.L, p.readable.L, p.writable.L = &p.mu, &p.mu, &p.mu
	go p.readLoop()
	return p
}

type pump struct {
	rw io.ReadWriteCloser

	mu       sync.Mutex
	consumed sync.Cond // readLoop waits here
	readable sync.Cond // AwaitRead waits here
	writable sync.Cond // AwaitWrite waits here

	in       []byte // read and not yet consumed
	readErr  error  // comes after in
	out      queue
	inFlight int // of the output that writeLoop has taken
	writeErr error

	readKicked, writeKicked bool
	writing                 bool // writeLoop runs
	fin, closed, aborted    bool // asked for
	finished, ended         bool // done by writeLoop
	linger                  *time.Timer
}

func (p *pump) TryRead(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.inputErr(); err != nil {
		return 0, err
	}
	n := copy(b, p.in)
	if p.in = p.in[n:]; len(p.in) == 0 {
		p.consumed.Signal()
	}
	return n, nil
}

func (p *pump) AwaitRead(l Lender) (int, error) {
	for {
		if err := p.awaitInput(); err != nil {
			return 0, err
		}
		n, err := p.TryRead(l.Borrow())
		if err == nil {
			return n, nil
		}
		l.Return()
		if err != ErrWouldBlock {
			return 0, err
		}
	}
}

func (p *pump) awaitInput() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.readKicked {
			p.readKicked = false
			return ErrKicked
		}
		if err := p.inputErr(); err != ErrWouldBlock {
			return err
		}
		p.readable.Wait()
	}
}

// inputErr returns nil if there is input. The lock is held.
func (p *pump) inputErr() error {
	switch {
	case p.closed:
		return net.ErrClosed
	case len(p.in) > 0:
		return nil
	case p.readErr != nil:
		return p.readErr
	}
	return ErrWouldBlock
}

func (p *pump) Readable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inputErr() != ErrWouldBlock
}

func (p *pump) KickRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readKicked = true
	p.readable.Signal()
}

// readLoop reads one piece after the other, each when the last is consumed.
func (p *pump) readLoop() {
	idle := make([]byte, pumpIdleBuffer)
	for more, full := true, false; more; {
		if full {
			large := borrow(true)
			more, full = p.readInto(large.b)
			giveBack(large)
		} else {
			more, full = p.readInto(idle)
		}
	}
}

// readInto reads one piece and waits until it is consumed. It reports whether
// there is more to read and whether the piece filled b.
func (p *pump) readInto(b []byte) (more, full bool) {
	n, err := p.rw.Read(b)
	return p.deliver(b[:n], err), n == len(b)
}

// deliver hands in over and waits until it is consumed. It returns false when
// there is nothing more to read or nobody to read it.
func (p *pump) deliver(in []byte, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in, p.readErr = in, err
	p.readable.Signal()
	for len(p.in) > 0 && !p.closed {
		p.consumed.Wait()
	}
	p.in = nil
	return err == nil && !p.closed
}

func (p *pump) TryWrite(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.outputErr(); err != nil {
		return 0, err
	}
	n := min(len(b), p.room())
	if n > 0 {
		p.out.set(append(p.out.room(n), b[:n]...))
		p.startWriting()
	}
	if n < len(b) {
		return n, ErrWouldBlock
	}
	return n, nil
}

// room returns how many bytes more are accepted. The lock is held.
func (p *pump) room() int { return pumpOutput - p.inFlight - p.out.len() }

// outputErr returns why nothing can be written any more. The lock is held.
func (p *pump) outputErr() error {
	switch {
	case p.closed:
		return net.ErrClosed
	case p.writeErr != nil:
		return p.writeErr
	case p.fin:
		return errWriteEnded
	}
	return nil
}

func (p *pump) AwaitWrite() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.writeKicked {
			p.writeKicked = false
			return ErrKicked
		}
		if err := p.outputErr(); err != nil {
			return err
		}
		if p.room() > 0 {
			return nil
		}
		p.writable.Wait()
	}
}

func (p *pump) KickWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writeKicked = true
	p.writable.Signal()
}

func (p *pump) CloseWrite() error {
	if _, ok := p.rw.(writeCloser); !ok {
		return errors.ErrUnsupported
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.outputErr(); err == errWriteEnded {
		return nil
	} else if err != nil {
		return err
	}
	p.fin = true
	p.startWriting()
	return nil
}

type writeCloser interface{ CloseWrite() error }

func (p *pump) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.linger = time.AfterFunc(pumpLinger, func() { p.Abort() })
	p.startWriting()
	p.wake()
	return nil
}

func (p *pump) Abort() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aborted {
		return nil
	}
	p.closed, p.aborted = true, true
	p.wake()
	go p.cut() // closing a carrier may take its time
	return nil
}

func (p *pump) cut() {
	if c, ok := p.rw.(interface{ Abort() error }); ok {
		c.Abort()
		return
	}
	p.rw.Close()
}

// wake lets everybody see that the stream is closed. The lock is held.
func (p *pump) wake() {
	p.consumed.Broadcast()
	p.readable.Broadcast()
	p.writable.Broadcast()
}

// startWriting lets writeLoop find what there is to do. The lock is held.
func (p *pump) startWriting() {
	if !p.writing {
		p.writing = true
		go p.writeLoop()
	}
}

// writeLoop writes the output, then ends it or closes the carrier if that was
// asked for, and lives no longer.
func (p *pump) writeLoop() {
	for step := p.nextStep(); step != nil; step = p.nextStep() {
		step()
	}
}

func (p *pump) nextStep() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.aborted:
	case p.out.len() > 0 && p.writeErr == nil:
		return p.writeOutput
	case p.fin && !p.finished && p.writeErr == nil:
		p.finished = true
		return p.endOutput
	case p.closed && !p.ended:
		p.ended = true
		return p.closeCarrier
	}
	p.out.release()
	p.writing = false
	return nil
}

func (p *pump) writeOutput() {
	p.mu.Lock()
	out := p.out
	p.out, p.inFlight = queue{}, out.len()
	p.mu.Unlock()
	for rest := out.rest(); len(rest) > 0; {
		piece := rest[:min(len(rest), pumpPiece)]
		_, err := p.rw.Write(piece)
		if !p.wrote(len(piece), err) {
			break
		}
		rest = rest[len(piece):]
	}
	out.release()
}

// wrote makes room for n bytes and reports whether to go on.
func (p *pump) wrote(n int, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight -= n
	if err != nil {
		p.inFlight, p.writeErr = 0, err
	}
	p.writable.Signal()
	return err == nil && !p.aborted
}

func (p *pump) endOutput() {
	err := p.rw.(writeCloser).CloseWrite()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writeErr = err
}

func (p *pump) closeCarrier() {
	p.rw.Close()
	p.linger.Stop()
}
