package core

import "github.com/fb1e3c20/websockets/core/frame"

// EventKind tells what an [Event] reports.
type EventKind uint8

const (
	// EventNone: nothing to report; all input was consumed.
	EventNone EventKind = iota

	// EventRequest: a server has a complete, valid handshake request.
	// [Conn.Request] returns it; answer with [Conn.Accept] or [Conn.Reject].
	EventRequest

	// EventOpen: the handshake is done; messages may be sent and arrive.
	EventOpen

	// EventMessage: a chunk of a message, Data, possibly empty. Op is Text
	// or Binary on every chunk; First marks the first chunk of a message,
	// Last its last. Chunks have nothing to do with the peer's frames.
	EventMessage

	// EventPing: a ping with the payload Data. It has been answered, or
	// dropped, as [Config.Pings] says.
	EventPing

	// EventPong: a chunk of a pong's payload, with First and Last as in
	// EventMessage.
	EventPong

	// EventClose: the peer's close frame, with its Code ([frame.NoStatus]
	// when it had none) and the reason in Data.
	EventClose

	// EventFailed: the connection failed: the peer broke the protocol, a
	// timer ran out or the transport was lost. [Conn.Err] tells why; Code is
	// its code if a close frame of ours has it, queued now or sent before, and
	// [frame.Abnormal] otherwise.
	EventFailed
)

var eventNames = [...]string{"none", "request", "open", "message", "ping", "pong", "close", "failed"}

// String returns the name in lower case, such as "message".
func (k EventKind) String() string { return nameOf(eventNames[:], uint8(k)) }

// nameOf returns the name of a value, and "unknown" of one without.
func nameOf(names []string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// An Event is what the peer or a timer brought about. Data aliases memory that
// the caller lent and stays valid as long as the caller leaves that alone.
type Event struct {
	Kind        EventKind
	Op          frame.Opcode
	First, Last bool
	Code        frame.CloseCode
	Data        []byte
}

// Timer names the timers of a connection: the reasons of [Conn.Deadline].
type Timer uint8

const (
	TimerNone       Timer = iota // no timer runs
	TimerHandshake               // the opening handshake takes too long
	TimerPing                    // the next ping is due
	TimerPong                    // a ping stays without answer
	TimerConnection              // the peer is silent
	TimerWrite                   // the peer takes no output
	TimerClose                   // the closing handshake takes too long
)

var timerNames = [...]string{"no", "handshake", "ping", "pong", "connection", "write", "close"}

// String returns the name in lower case, such as "ping".
func (t Timer) String() string { return nameOf(timerNames[:], uint8(t)) }

// Transport tells what is to become of the transport.
type Transport uint8

const (
	// TransportOpen: read and write on.
	TransportOpen Transport = iota
	// TransportHalfClose: once all output is written, end the output, but
	// go on reading (the core discards what comes) to the end of file.
	TransportHalfClose
	// TransportClose: once all output is written, close.
	TransportClose
	// TransportAbort: close at once; output that is left cannot be sent.
	TransportAbort
)

var transportNames = [...]string{"open", "half-close", "close", "abort"}

// String returns the name in lower case, such as "half-close".
func (t Transport) String() string { return nameOf(transportNames[:], uint8(t)) }
