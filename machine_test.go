package websockets_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// A factory makes machines for Options.Machine, and knows which were released.
type factory struct {
	mu   sync.Mutex
	made []*leased
}

type leased struct {
	transport.Machine
	released atomic.Int32
}

func (m *leased) Release() { m.released.Add(1) }

func (f *factory) machine(b flight.Birth) (transport.Machine, error) {
	b.Make = nil
	m, err := b.Machine()
	l := &leased{Machine: m}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made = append(f.made, l)
	return l, err
}

// check checks that n machines were made, and that each was released.
func (f *factory) check(t *testing.T, whose string, n int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.made) != n {
		t.Errorf("%s: %d machines were made, want %d", whose, len(f.made), n)
	}
	for _, m := range f.made {
		if k := m.released.Load(); k != 1 {
			t.Errorf("%s: a machine was released %d times", whose, k)
		}
	}
}

// fates are what may become of a connection, and how many machines the server
// makes for it: for a request to net/http, and on a listener of its own.
var fates = []struct {
	name         string
	http, stream int
	options      func(*websockets.Options) // of the server
	live         func(t *testing.T, c *websockets.Conn, err error)
}{
	{"closed by the client", 1, 1, nil, func(t *testing.T, c *websockets.Conn, err error) {
		ask(t, c)
		if err := c.Close(websockets.NormalClosure, ""); err != nil {
			t.Error(err)
		}
	}},
	{"closed by the server", 1, 1, nil, func(t *testing.T, c *websockets.Conn, err error) {
		c.Send(t.Context(), websockets.Text, []byte("boom"))
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
			t.Error(err)
		}
		c.Close(websockets.NormalClosure, "")
	}},
	{"cut", 1, 1, nil, func(t *testing.T, c *websockets.Conn, err error) {
		ask(t, c)
		c.CloseNow()
	}},
	{"refused", 0, 1, func(o *websockets.Options) {
		o.AcceptConnection = func(*http.Request) bool { return false }
	}, func(t *testing.T, c *websockets.Conn, err error) {
		if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != 403 {
			t.Error(err)
		}
	}},
	{"failed in the handshake", 0, 1, func(o *websockets.Options) {
		o.AcceptConnection = func(*http.Request) bool { panic(http.ErrAbortHandler) }
	}, func(t *testing.T, c *websockets.Conn, err error) {
		if !errors.Is(err, websockets.ErrLost) {
			t.Error(err)
		}
	}},
}

// Every connection has a machine of Options.Machine, which is released once,
// whatever becomes of the connection.
func TestOptionsMachine(t *testing.T) {
	for _, fate := range fates {
		for _, recorded := range []bool{false, true} {
			for _, over := range []string{"net/http", "a listener"} {
				name := fate.name + "/" + over
				if recorded {
					name += "/recorded"
				}
				t.Run(name, func(t *testing.T) {
					var servers, clients factory
					so, co := strict(), strict()
					so.Machine, co.Machine = servers.machine, clients.machine
					if recorded {
						so.Recorder = &flight.Recorder{Dir: t.TempDir(), Redact: true, Keep: func(flight.End) bool { return false }}
						co.Recorder = so.Recorder
					}
					if fate.options != nil {
						fate.options(so)
					}
					server := websockets.Handle(mine{goesOff}.handle, so)
					want := fate.http
					var c *websockets.Conn
					var err error
					if over == "net/http" {
						c, err = websockets.Dial(t.Context(), serve(t, server), co)
					} else {
						want = fate.stream
						l := pipe.Listen(0)
						startServe(t, server, l)
						stream, _ := l.Dial(t.Context())
						c, err = (&websockets.Dialer{Options: co}).DialStream(t.Context(), stream, "ws://test/")
					}
					fate.live(t, c, err)
					if err := server.Shutdown(t.Context()); err != nil {
						t.Fatal(err)
					}
					servers.check(t, "the server", want)
					clients.check(t, "the client", 1)
				})
			}
		}
	}
}

// A machine that was made for a request whose connection cannot be taken over is
// released.
func TestOptionsMachineIsAbandoned(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		var made factory
		o := strict()
		o.Machine = made.machine
		if recorded {
			o.Recorder = &flight.Recorder{Dir: t.TempDir(), MaxConns: 1}
		}
		server := websockets.Handle(echo, o)
		for range 3 {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			for name, value := range map[string]string{"Upgrade": "websocket", "Connection": "Upgrade",
				"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"} {
				r.Header.Set(name, value)
			}
			server.ServeHTTP(w, r)
			if w.Code != 500 {
				t.Error(w.Code)
			}
		}
		made.check(t, "the server", 3)
		if recorded {
			if f, err := o.Recorder.Record(flight.Birth{Settings: coreSettings(t)}); f == nil || err != nil {
				t.Errorf("the place of an abandoned machine is still taken: %v, %v", f, err)
			}
		}
	}
}

func coreSettings(t *testing.T) *core.Settings {
	s, err := core.NewSettings(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var errNoMachine = errors.New("no instance has room")

// badMachines are functions that make no machine, and what is reported of them.
var badMachines = map[string]func(flight.Birth) (transport.Machine, error){
	"no instance has room":           func(flight.Birth) (transport.Machine, error) { return nil, errNoMachine },
	"neither a machine nor an error": func(flight.Birth) (transport.Machine, error) { return nil, nil },
	"panicked: kaboom":               func(flight.Birth) (transport.Machine, error) { panic("kaboom") },
}

// isRefusal reports whether err tells of what a function in badMachines did.
func isRefusal(err error, what string) bool {
	return errors.Is(err, websockets.ErrUnexpected) && errors.Is(err, websockets.ErrHandshake) && strings.Contains(err.Error(), what)
}

// A server refuses a connection that it cannot make a machine for: with 500
// over net/http, otherwise by cutting it. It reports why.
func TestNoMachineForAServer(t *testing.T) {
	for what, bad := range badMachines {
		for _, recorder := range []*flight.Recorder{nil, {MaxConns: 1}} {
			reported := make(chan error, 9)
			o := strict()
			o.OnError = func(_ *http.Request, err error) { reported <- err }
			o.Machine, o.Recorder = bad, recorder
			server := websockets.Handle(echo, o)
			url, dialPipe := serve(t, server), overPipe(t, server)
			for range 2 {
				_, err := websockets.Dial(t.Context(), url, strict())
				if e, ok := errors.AsType[*websockets.HandshakeError](err); !ok || e.Status != 500 {
					t.Errorf("%s: over net/http: %v", what, err)
				}
				if _, err := dialPipe(t.Context(), "/"); !errors.Is(err, websockets.ErrLost) {
					t.Errorf("%s: over a stream: %v", what, err)
				}
			}
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(reported) != 4 {
				t.Errorf("%s: reported %d times", what, len(reported))
			}
			for range len(reported) {
				if err := <-reported; !isRefusal(err, what) {
					t.Errorf("%s: reported %v", what, err)
				}
			}
			if recorder == nil {
				continue
			}
			if f, err := recorder.Record(flight.Birth{Settings: coreSettings(t)}); f == nil || err != nil {
				t.Errorf("%s: the place in the Recorder is taken: %v", what, err)
			}
		}
	}
}

// A client that has no machine says why, and lets go of the stream.
func TestNoMachineForAClient(t *testing.T) {
	for what, bad := range badMachines {
		o := strict()
		o.Machine = bad
		a, b := pipe.New(0)
		err := dialOver(a, o)
		if !isRefusal(err, what) {
			t.Errorf("%s: %v", what, err)
		}
		if what == errNoMachine.Error() && !errors.Is(err, errNoMachine) {
			t.Errorf("%v does not wrap what Options.Machine returned", err)
		}
		if _, err := b.TryWrite([]byte("x")); err != pipe.ErrReset {
			t.Errorf("%s: the stream lives on: %v", what, err)
		}
	}
}

// dialOver dials over a stream; a panic becomes an error.
func dialOver(s transport.Stream, o *websockets.Options) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &websockets.HandshakeError{Err: &websockets.Error{Kind: websockets.ErrUnexpected, Err: fmt.Errorf("panicked: %v", v)}}
		}
	}()
	_, err = (&websockets.Dialer{Options: o}).DialStream(context.Background(), s, "ws://test/")
	return err
}

// What a machine says that fails by itself is an unexpected error, of the
// connection that it drove.
func TestMachineFails(t *testing.T) {
	trap := errors.New("the sandbox is gone")
	fail := make(chan func(), 1)
	reported := make(chan error, 9)
	o := strict()
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	o.Machine = func(b flight.Birth) (transport.Machine, error) {
		b.Make = nil
		m, err := b.Machine()
		return &doomed{Machine: m, err: trap, fail: fail}, err
	}
	server := websockets.Handle(echo, o)
	c := dial(t, serve(t, server), strict())
	ask(t, c)
	(<-fail)()
	if _, _, err := c.Receive(t.Context()); !errors.Is(err, websockets.ErrLost) {
		t.Errorf("the client saw %v", err)
	}
	err := <-reported
	e, ok := errors.AsType[*websockets.Error](err)
	if !ok || e.Kind != websockets.ErrUnexpected || e.Code != websockets.Abnormal || e.Remote || !errors.Is(err, trap) {
		t.Errorf("reported %#v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil || len(reported) > 0 {
		t.Error(err, len(reported), "more reports")
	}
}

// A doomed machine fails when the function is called that it puts into fail.
type doomed struct {
	transport.Machine
	err    error
	fail   chan func()
	failed atomic.Bool
}

func (m *doomed) OnFailure(f func()) {
	m.fail <- func() {
		m.failed.Store(true)
		f()
	}
}

func (m *doomed) Tick(now clock.Time) core.Event {
	if m.failed.Load() {
		return core.Event{Kind: core.EventFailed}
	}
	return m.Machine.Tick(now)
}

func (m *doomed) Err() error {
	if m.failed.Load() {
		return m.err
	}
	return m.Machine.Err()
}

func (m *doomed) Transport() core.Transport {
	if m.failed.Load() {
		return core.TransportAbort
	}
	return m.Machine.Transport()
}
