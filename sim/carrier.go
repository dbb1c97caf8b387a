package sim

import (
	"errors"
	"fmt"
	"time"
)

// A Carrier tells how a stream ends: what CloseWrite, Close and Abort of each of its
// ends come to. Each does what the package transport/… of its name was seen to do;
// docs/simulation.md has the table.
//
// Whatever carries it, a stream whose output alone is ended is read on, and what was
// written before the end can be read.
type Carrier uint8

const (
	// CarrierTCP: closing a socket that has unread input, or that input
	// still comes to, sends a reset, which may eat what the peer has not read
	// (https://www.rfc-editor.org/rfc/rfc1122#section-4.2.2.13).
	CarrierTCP Carrier = iota
	// CarrierQUIC: the directions of a stream end on their own. Closing ends
	// the output, and throws away what still comes for five seconds; then it makes
	// the peer's writes fail. What the peer has not read stays readable
	// (https://www.rfc-editor.org/rfc/rfc9000#section-3.5). After a minute of
	// silence both ends lose the stream.
	CarrierQUIC
	// CarrierPipe is a pipe in memory, of package transport/pipe. Closing makes
	// the peer's writes fail at once, and aborting eats all that is unread.
	CarrierPipe
	// CarrierTLS ends as CarrierTCP does, but that a close says so before any
	// reset (https://www.rfc-editor.org/rfc/rfc8446#section-6.1).
	CarrierTLS
	// CarrierHTTP2: the client's end closes as CarrierQUIC does. The server's has
	// no CloseWrite, and closing it makes the client's writes fail at once. What
	// has arrived stays readable, whatever happens
	// (https://www.rfc-editor.org/rfc/rfc8441#section-5).
	CarrierHTTP2
	// CarrierHTTP3 ends as CarrierQUIC does
	// (https://www.rfc-editor.org/rfc/rfc9220#section-3).
	CarrierHTTP3
)

var carrierNames = [...]string{"TCP", "QUIC stream", "pipe", "TLS", "HTTP/2", "HTTP/3"}

// String returns "TCP", "QUIC stream", "pipe", "TLS", "HTTP/2" or "HTTP/3".
func (c Carrier) String() string {
	if int(c) < len(carrierNames) {
		return carrierNames[c]
	}
	return fmt.Sprintf("Carrier(%d)", uint8(c))
}

// How streams end that do not end in order.
var (
	errReset   = errors.New("sim: the stream was reset")
	errLost    = errors.New("sim: the connection that carries the stream is lost")
	errStopped = errors.New("sim: the peer takes no more input")
	errEnded   = errors.New("sim: write after the end of the output")
	errClosed  = errors.New("sim: the stream is closed")
)

// manners are how one end of a carrier ends.
type manners struct {
	resets      bool          // unread input, and what comes to it when closed, make it reset
	saysGoodbye bool          // before such a reset
	lingers     time.Duration // for so long what comes to it when closed is thrown away
	noHalfClose bool          // its output cannot be ended alone
	endStays    bool          // aborting takes back no end of the output that was sent
	keeps       keeping       // of what has arrived, when a reset comes
	loss        error         // when the network fails
	restarts    bool          // a machine that comes up again resets what it knows nothing of
	patience    time.Duration // after so much silence it is lost; 0: never
}

// A keeping says what a reset leaves of what has arrived and is not read.
type keeping uint8

const (
	keepsAny keeping = iota // as the tape says
	keepsNothing
	keepsAll
)

const (
	linger   = 5 * time.Second
	patience = time.Minute
)

var (
	tcpManners         = manners{resets: true, loss: errReset, restarts: true}
	tlsManners         = manners{resets: true, saysGoodbye: true, loss: errReset, restarts: true}
	pipeManners        = manners{keeps: keepsNothing, loss: errReset}
	quicManners        = manners{lingers: linger, endStays: true, loss: errLost, patience: patience}
	http2ClientManners = manners{lingers: linger, endStays: true, keeps: keepsAll, loss: errLost, restarts: true}
	http2ServerManners = manners{noHalfClose: true, keeps: keepsAll, loss: errLost, restarts: true}
)

// manners returns those of the two ends.
func (c Carrier) manners() (client, server *manners) {
	switch c {
	case CarrierTCP:
		return &tcpManners, &tcpManners
	case CarrierTLS:
		return &tlsManners, &tlsManners
	case CarrierPipe:
		return &pipeManners, &pipeManners
	case CarrierHTTP2:
		return &http2ClientManners, &http2ServerManners
	}
	return &quicManners, &quicManners
}
