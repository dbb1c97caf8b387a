package flight

import (
	"errors"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/transport"
)

// A Birth tells how the machine of a connection is made.
type Birth struct {
	// Role tells which end of the connection it is. Default: the server's.
	Role core.Role

	// Open says that the handshake was done elsewhere, as for [core.NewOpen].
	// Default: the machine does the HTTP/1.1 handshake, as those of
	// [core.NewServer] and [core.NewClient].
	Open bool

	// Compression is what a handshake that was done elsewhere has agreed on; nil for
	// none, and for a machine that does the handshake.
	Compression *deflate.Params

	// Now is the time at birth, and Settings are the connection's.
	Now      clock.Time
	Settings *core.Settings

	// Request is what a client that does the handshake asks for.
	Request core.RequestOptions

	// Label is kept with the recording, for whoever reads it: the address of
	// the peer, for example. A recording that is redacted keeps none.
	Label string

	// Make makes the machine, from the Birth that it is given and not from this
	// one: its Settings draw entropy through the recording. Default: the native
	// core, [core.Conn].
	//
	// If the machine has core.Conn's methods AppendState and AppendSnapshot, they
	// are used: without the latter, which may append nothing when it cannot tell
	// the state, a recording ends at its limit.
	Make func(Birth) (transport.Machine, error)

	// State, if it is not nil, is what AppendSnapshot wrote of another machine: this
	// one goes on from there, as that of [core.RestoreConn]. It is for
	// [Recording.ReplayOn], from which Make gets it; Record takes no notice of it.
	State []byte
}

// A snapshotter is a machine whose state can be kept, as [core.Conn]'s.
type snapshotter interface {
	AppendSnapshot(dst []byte) []byte
}

// A stater is a machine whose state can be read, as [core.Conn]'s.
type stater interface {
	AppendState(dst []byte) []byte
}

// Machine makes the machine, without recording it.
func (b Birth) Machine() (transport.Machine, error) {
	if b.Make != nil {
		m, err := b.Make(b)
		switch {
		case err != nil:
			return nil, err
		case m == nil:
			return nil, errNothingMade
		}
		return m, nil
	}
	c, err := b.core()
	if err != nil {
		return nil, err
	}
	return c, nil
}

var errNothingMade = errors.New("websocket: the function that makes machines returned neither a machine nor an error")

// core returns a native core that begins as b says.
func (b Birth) core() (*core.Conn, error) {
	switch {
	case b.State != nil:
		return core.RestoreConn(b.Settings, b.State)
	case b.Open:
		return b.open()
	case b.Role == core.Client:
		return core.NewClient(b.Settings, b.Now, b.Request)
	}
	return core.NewServer(b.Settings, b.Now), nil
}

func (b Birth) open() (*core.Conn, error) {
	c, err := core.NewOpen(b.Settings, b.Now, b.Role)
	if err == nil && b.Compression != nil {
		err = c.Compress(*b.Compression)
	}
	return c, err
}

// drawing returns b with the entropy of its settings replaced by f. Only a
// client draws any.
func (b Birth) drawing(f func() uint32) (Birth, error) {
	if b.Role != core.Client {
		return b, nil
	}
	c := b.Settings.Config()
	if c.Entropy == nil {
		return b, nil // which making the client will refuse
	}
	c.Entropy = f
	var err error
	b.Settings, err = core.NewSettings(c)
	return b, err
}

// compresses reports whether the connection may.
func (b Birth) compresses() bool { return b.Settings != nil && b.Settings.Config().Compression != nil }
