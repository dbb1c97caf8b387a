//go:build unix

package tcp

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// A wire is the connection that crypto/tls believes it has. It waits like any
// other during the handshake. From then on, when live is true, Read returns
// errDry instead of waiting, after which crypto/tls goes on where it was, and
// Write keeps the ciphertext for flush.
type wire struct {
	sock *socket
	live atomic.Bool

	// dry is set when the socket had less than was asked for, and sated by
	// a reader that has something to go on with: then it need not ask
	// again. One that is about to wait must, since the end of the input may
	// have come with its last bytes. Both belong to the reader.
	dry, sated bool

	mu      sync.Mutex
	pending *[]byte // ciphertext from a pool; nil when there is none
	flushed int     // how much of it the socket has taken
	failed  error   // why the socket takes no more
}

// errDry is what crypto/tls takes for an error that passes.
var errDry net.Error = dryError{}

type dryError struct{}

func (dryError) Error() string   { return "tcp: nothing to read yet" }
func (dryError) Timeout() bool   { return false }
func (dryError) Temporary() bool { return true }

// maxPending bounds the ciphertext: one piece of TryWrite's and what TLS itself
// has to say. A peer that asks for more answers than that and reads none is cut.
const maxPending = 64 << 10

var errAnswers = errors.New("tcp: the peer makes TLS answer and reads no answer")

var ciphertexts = sync.Pool{New: func() any {
	p := make([]byte, 0, writePiece+2<<10) // with the overhead of small records
	return &p
}}

func (w *wire) Read(p []byte) (int, error) {
	if !w.live.Load() {
		return w.sock.conn.Read(p)
	}
	if w.dry && w.sated {
		return 0, errDry
	}
	n, err := w.sock.TryRead(p)
	if err == transport.ErrWouldBlock {
		err = errDry
	}
	w.dry = n < len(p) && (err == nil || err == errDry)
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	if !w.live.Load() {
		return w.sock.conn.Write(p)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return 0, w.failed
	}
	if w.pending == nil {
		w.pending = ciphertexts.Get().(*[]byte)
	}
	if len(*w.pending)-w.flushed+len(p) > maxPending {
		return 0, w.fail(errAnswers)
	}
	*w.pending = append(*w.pending, p...)
	return len(p), nil
}

// flush writes ciphertext until there is none, which returns nil, or the socket
// would block.
func (w *wire) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.pending != nil {
		n, err := w.sock.TryWrite((*w.pending)[w.flushed:])
		w.flushed += n
		if w.flushed == len(*w.pending) {
			w.release()
		} else if n == 0 && err == transport.ErrWouldBlock {
			return err
		} else if err != transport.ErrWouldBlock {
			return w.fail(err)
		}
	}
	return w.failed
}

// fail gives the output up. The lock is held.
func (w *wire) fail(err error) error {
	w.failed = err
	w.release()
	return err
}

func (w *wire) release() {
	*w.pending = (*w.pending)[:0]
	ciphertexts.Put(w.pending)
	w.pending, w.flushed = nil, 0
}

// Close sends what it can without waiting, close_notify most of the time.
func (w *wire) Close() error {
	if w.live.Load() {
		w.flush()
	}
	return w.sock.Close()
}

func (w *wire) LocalAddr() net.Addr  { return w.sock.conn.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr { return w.sock.conn.RemoteAddr() }

// Deadlines kick the socket; crypto/tls sets one only to close, which waits for
// nothing here.
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
