package wasm

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

// A Conn is the core of one connection, in an instance of the module. Its methods
// are those of core.Conn and do the same, to the bit. Like that it is used by one
// goroutine at a time; Conns of one Host may be used side by side, and share nothing
// that they see.
//
// It must be released.
type Conn struct {
	x       *instance
	handle  uint64
	role    core.Role
	entropy func() uint32

	status    status
	request   *core.Request
	response  *core.Response
	chosen    string // subprotocol
	agreed    uint32 // on compression, as far as it was asked
	err       error  // why it ended, if not by the protocol
	ended     bool   // that it ended was reported
	released  bool
	batching  bool // its Batch has the instance
	onFailure func()

	prev, next *Conn
}

// A status is what the module tells of a connection after each call.
type status struct {
	deadline  clock.Time
	pending   uint32
	timer     core.Timer
	transport core.Transport
	flags     uint8
	err       core.Error
}

var (
	_ transport.Machine       = (*Conn)(nil)
	_ transport.Releaser      = (*Conn)(nil)
	_ transport.Failer        = (*Conn)(nil)
	_ transport.Precompressor = (*Conn)(nil)
)

// bear makes a connection.
func (x *instance) bear(b flight.Birth, config core.Config) (*Conn, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.died != nil {
		return nil, x.died
	}
	settings, err := x.settingsOf(config)
	if err != nil {
		return nil, err
	}
	c := &Conn{x: x, role: b.Role, entropy: config.Entropy}
	handle := int64(0)
	switch {
	case b.Open && b.Compression != nil:
		handle = x.call(fnOpenCompressed, settings, uint64(b.Now), uint64(b.Role), uint64(abi.AgreementOf(b.Compression)))
	case b.Open:
		handle = x.call(fnOpen, settings, uint64(b.Now), uint64(b.Role))
	case b.Role == core.Client:
		ptr, n, err := x.putRecord(abi.AppendClient(nil, b.Request))
		if err != nil {
			return nil, err
		}
		x.feed(c, abi.EntropyOfBirth)
		handle = x.call(fnClient, settings, uint64(b.Now), ptr, n)
	default:
		handle = x.call(fnServer, settings, uint64(b.Now))
	}
	if x.died != nil {
		return nil, x.died
	}
	if handle < 0 {
		x.dry()
		return nil, refusal(abi.Code(-handle))
	}
	c.handle = uint64(handle)
	x.adopt(c)
	return c, nil
}

// adopt takes c into the list of x.
func (x *instance) adopt(c *Conn) {
	x.conns.add(c)
	x.count.Add(1)
	c.look()
	x.tidy()
}

// putRecord puts a record into the buffer.
func (x *instance) putRecord(record []byte) (ptr, n uint64, err error) {
	ptr, ok := x.put(record)
	switch {
	case x.died != nil:
		return 0, 0, x.died
	case !ok:
		return 0, 0, ErrTooLong
	}
	return ptr, uint64(len(record)), nil
}

// refusal makes a Go error of an error code.
func refusal(code abi.Code) error {
	if code < abi.CodeHandle {
		return core.Error(code)
	}
	return errorOf(code)
}

// feed draws n words of entropy for c and puts them where the module finds them.
func (x *instance) feed(c *Conn, n int) {
	if x.died != nil || n > abi.Words {
		return
	}
	words := x.at(abi.WordsAt, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(words[4*i:], c.entropy())
	}
	x.dry()
	binary.LittleEndian.PutUint32(x.at(abi.EntropyAt+4, 4), uint32(n))
}

// dry takes away what words of entropy there are: they are of one connection.
func (x *instance) dry() { clear(x.at(abi.EntropyAt, 8)) }

// look reads what the latest call told of c.
func (c *Conn) look() {
	s := c.x.at(0, abi.StatusError+1)
	c.status = status{
		deadline:  clock.Time(binary.LittleEndian.Uint64(s[abi.StatusDeadline:])),
		pending:   binary.LittleEndian.Uint32(s[abi.StatusPending:]),
		timer:     core.Timer(s[abi.StatusTimer]),
		transport: core.Transport(s[abi.StatusTransport]),
		flags:     s[abi.StatusFlags],
		err:       core.Error(s[abi.StatusError]),
	}
	if c.request != nil && c.status.flags&abi.FlagRequest == 0 {
		c.request = nil
	}
	if c.response != nil && c.status.flags&abi.FlagResponse == 0 {
		c.response, c.chosen = nil, ""
	}
}

// lock takes the lock of the instance, for one call.
func (c *Conn) lock() *sync.Mutex {
	if c.batching {
		panic("wasm: a method of a Conn was called inside of its Batch, which has the instance to itself: use those of the Batch")
	}
	c.x.mu.Lock()
	return &c.x.mu
}

// live reports whether the connection is in the module still. The caller has
// c.x.mu.
func (c *Conn) live() bool { return c.err == nil && !c.released }

// end notes that the connection is no longer in the module. The caller has c.x.mu.
func (c *Conn) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.status = status{deadline: clock.Latest, transport: core.TransportAbort}
	c.request, c.response, c.chosen = nil, nil, ""
}

// report tells once that the connection ended by itself.
func (c *Conn) report() core.Event {
	if c.ended || c.released {
		return core.Event{}
	}
	c.ended = true
	return core.Event{Kind: core.EventFailed, Code: frame.Abnormal}
}

// do makes a call for c. Words of entropy that it lacks are drawn: no more than
// the core draws, and in the same order.
func (c *Conn) do(fn int, args ...uint64) int32 {
	r := c.x.call32(fn, args...)
	if r == -int32(abi.CodeEntropy) {
		c.x.feed(c, int(binary.LittleEndian.Uint32(c.x.at(abi.StatusWanted, 4))))
		r = c.x.call32(fn, args...)
		c.x.dry()
	}
	switch {
	case !c.live(): // it trapped
	case r <= -int32(abi.CodeHandle) && r != -int32(abi.CodeLimit) && r != -int32(abi.CodeRecord):
		c.end(errorOf(abi.Code(-r)))
	default:
		c.look()
	}
	return r
}

// Release frees the connection. What the other methods tell from then on is what
// was last known, and what they are told is ignored.
func (c *Conn) Release() {
	defer c.lock().Unlock()
	x := c.x
	if c.released {
		return
	}
	if x.died == nil {
		x.call(fnFree, c.handle)
		x.tidy()
	}
	c.released, c.onFailure = true, nil
	x.conns.remove(c)
	x.count.Add(-1)
	if x.input.conn == c {
		x.input = input{}
	}
}

// OnFailure has f called, in a goroutine of its own, when the instance of c is
// discarded.
func (c *Conn) OnFailure(f func()) {
	defer c.lock().Unlock()
	if c.err != nil {
		go f()
		return
	}
	c.onFailure = f
}

// Deadline returns when to call Tick next, and which timer that is for.
func (c *Conn) Deadline() (clock.Time, core.Timer) {
	defer c.lock().Unlock()
	return c.status.deadline, c.status.timer
}

// Pending returns about how many bytes AppendOutput would append.
func (c *Conn) Pending() int {
	defer c.lock().Unlock()
	return int(c.status.pending)
}

// Role returns which end of the connection c is.
func (c *Conn) Role() core.Role { return c.role }

// Open reports whether messages can be sent.
func (c *Conn) Open() bool {
	defer c.lock().Unlock()
	return c.status.flags&abi.FlagOpen != 0
}

// Err returns why the connection failed: a core.Error, or a *[TrapError],
// [ErrFull] or [ErrClosed], by which connections in a sandbox may end too.
func (c *Conn) Err() error {
	defer c.lock().Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.status.err != 0:
		return c.status.err
	}
	return nil
}

// Transport tells what is to become of the transport.
func (c *Conn) Transport() core.Transport {
	defer c.lock().Unlock()
	return c.status.transport
}

// Wrote tells that the transport took n more bytes.
func (c *Conn) Wrote(now clock.Time, n int) {
	c.tell(fnWrote, uint64(now), uint64(clamp(n)))
}

// SetReading tells whether the caller reads input.
func (c *Conn) SetReading(now clock.Time, on bool) { c.tell(fnReading, uint64(now), bit(on)) }

// SetReadAhead tells whether the caller reads ahead of its application.
func (c *Conn) SetReadAhead(now clock.Time, on bool) { c.tell(fnReadAhead, uint64(now), bit(on)) }

// tell makes a call that answers nothing.
func (c *Conn) tell(fn int, a, b uint64) {
	defer c.lock().Unlock()
	if c.live() {
		c.do(fn, c.handle, a, b)
	}
}

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

func clamp(n int) uint32 { return uint32(min(max(int64(n), 0), math.MaxUint32)) }
