package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// A recorder keeps what is logged.
type recorder struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *recorder) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *recorder) count(s string) int { return strings.Count(r.String(), s) }

// A mine is each form of a handler; it goes off at the message "boom", or at
// the path /open or /close, and echoes otherwise.
type mine struct{ explode func() }

func (m mine) OnMessage(ctx context.Context, c *websockets.Conn, msg websockets.Message) error {
	if string(msg.Data) == "boom" {
		m.explode()
	}
	return c.Send(ctx, msg.Type, msg.Data)
}

func (m mine) handle(ctx context.Context, c *websockets.Conn) error {
	for {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if err := m.OnMessage(ctx, c, websockets.Message{Type: typ, Data: p}); err != nil {
			return err
		}
	}
}

func (m mine) OnOpen(_ context.Context, c *websockets.Conn) error {
	if c.Request().URL.Path == "/open" {
		m.explode()
	}
	return nil
}

func (m mine) OnClose(c *websockets.Conn, _ error) {
	if c.Request().URL.Path == "/close" {
		m.explode()
	}
}

// forms are the forms of a handler, with the paths where it may go off.
var forms = []struct {
	name, path string
	server     func(mine, *websockets.Options) *websockets.Server
}{
	{"Handle", "/", func(m mine, o *websockets.Options) *websockets.Server { return websockets.Handle(m.handle, o) }},
	{"HandleConcurrent", "/", func(m mine, o *websockets.Options) *websockets.Server {
		return websockets.HandleConcurrent(m.OnMessage, o)
	}},
	{"HandleConcurrent, ordered", "/", func(m mine, o *websockets.Options) *websockets.Server {
		o.Ordered = true
		return websockets.HandleConcurrent(m.OnMessage, o)
	}},
	{"OnMessage", "/", func(m mine, o *websockets.Options) *websockets.Server { return websockets.HandleEvents(m, o) }},
	{"OnOpen", "/open", func(m mine, o *websockets.Options) *websockets.Server { return websockets.HandleEvents(m, o) }},
	{"OnMessage, evented", "/", func(m mine, o *websockets.Options) *websockets.Server {
		o.Driver = websockets.Evented
		return websockets.HandleEvents(m, o)
	}},
	{"OnOpen, evented", "/open", func(m mine, o *websockets.Options) *websockets.Server {
		o.Driver = websockets.Evented
		return websockets.HandleEvents(m, o)
	}},
}

// setOff connects a client to path and has the handler go off.
func setOff(t *testing.T, url, path string) error {
	t.Helper()
	c := dial(t, url+path, strict())
	if path == "/" {
		if err := c.Send(t.Context(), websockets.Text, []byte("boom")); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := c.Receive(t.Context())
	c.Close(websockets.NormalClosure, "")
	return err
}

// After a panic the client sees 1011, the stack is logged once, OnError is told
// once, and everybody else lives on.
func TestPanics(t *testing.T) {
	for _, form := range forms {
		for _, withOnError := range []bool{false, true} {
			logged, reported := new(recorder), make(chan error, 9)
			o := strict()
			o.Logger = logged.logger()
			if withOnError {
				o.OnError = func(_ *http.Request, err error) { reported <- err }
			}
			server := form.server(mine{goesOff}, o)
			url := serve(t, server)
			other := dial(t, url, strict())
			ask(t, other)
			if err := setOff(t, url, form.path); websockets.CloseStatus(err) != websockets.InternalError {
				t.Errorf("%s: the client saw %v", form.name, err)
			}
			ask(t, other)
			another := dial(t, url, strict())
			ask(t, another)
			shutdown(t, server, other, another)
			if logged.count("panicked") != 1 || logged.count("level=ERROR") != 1 || logged.count("goesOff") != 1 {
				t.Errorf("%s: logged %s", form.name, logged)
			}
			if !withOnError {
				continue
			}
			if len(reported) != 1 {
				t.Errorf("%s: reported %d times", form.name, len(reported))
			}
			if err := <-reported; !errors.Is(err, websockets.ErrUnexpected) || !strings.Contains(err.Error(), "kaboom") {
				t.Errorf("%s: reported %v", form.name, err)
			}
		}
	}
}

func goesOff() { panic("kaboom") }

// shutdown ends a server whose clients answer.
func shutdown(t *testing.T, server *websockets.Server, clients ...*websockets.Conn) {
	t.Helper()
	for _, c := range clients {
		go func() {
			c.Receive(context.Background())
			c.Close(websockets.NormalClosure, "")
		}()
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// OnClose comes too late for a close code.
func TestPanicInOnClose(t *testing.T) {
	for _, withOnError := range []bool{false, true} {
		logged, reported := new(recorder), make(chan error, 9)
		o := strict()
		o.Logger = logged.logger()
		if withOnError {
			o.OnError = func(_ *http.Request, err error) { reported <- err }
		}
		server := websockets.HandleEvents(mine{goesOff}, o)
		url := serve(t, server)
		other := dial(t, url, strict())
		ask(t, other)
		c := dial(t, url+"/close", strict())
		if err := c.Close(4000, ""); err != nil {
			t.Errorf("Close: %v", err)
		}
		ask(t, other)
		shutdown(t, server, other)
		if logged.count("OnClose panicked") != 1 || logged.count("level=ERROR") != 1 || logged.count("goesOff") != 1 {
			t.Errorf("logged %s", logged)
		}
		if withOnError != (len(reported) == 1) {
			t.Errorf("reported %d times", len(reported))
		}
	}
}

// A handler that ends its goroutine, as t.FailNow does, has failed.
func TestGoexit(t *testing.T) {
	for _, form := range forms {
		reported := make(chan error, 9)
		o := strict()
		o.OnError = func(_ *http.Request, err error) { reported <- err }
		c, err := overPipe(t, form.server(mine{runtime.Goexit}, o))(t.Context(), form.path)
		if err != nil {
			t.Fatal(err)
		}
		if form.path == "/" {
			c.Send(t.Context(), websockets.Text, []byte("boom"))
		}
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
			t.Errorf("%s: the client saw %v", form.name, err)
		}
		c.Close(websockets.NormalClosure, "")
		if err := <-reported; !strings.Contains(err.Error(), "ended its goroutine") {
			t.Errorf("%s: reported %v", form.name, err)
		}
	}
}

// As with net/http, a panic with http.ErrAbortHandler cuts the connection, and
// nobody hears of it.
func TestErrAbortHandler(t *testing.T) {
	abort := func() { panic(http.ErrAbortHandler) }
	check := func(name string, logged *recorder, server *websockets.Server, err error) {
		t.Helper()
		if !errors.Is(err, websockets.ErrLost) {
			t.Errorf("%s: the client saw %v", name, err)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if logged.String() != "" {
			t.Errorf("%s: logged %s", name, logged)
		}
	}
	options := func() (*recorder, *websockets.Options) {
		logged := new(recorder)
		o := websockets.Strict()
		o.Logger = logged.logger()
		o.OnError = func(_ *http.Request, err error) { t.Errorf("reported %v", err) }
		return logged, o
	}
	for _, form := range forms {
		logged, o := options()
		server := form.server(mine{abort}, o)
		check(form.name, logged, server, setOff(t, serve(t, server), form.path))
	}
	for name, set := range map[string]func(*websockets.Options){
		"AcceptConnection": func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { abort(); return false }
		},
		"AccessDenied": func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { return false }
			o.AccessDenied = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { abort() })
		},
	} {
		logged, o := options()
		set(o)
		server := websockets.Handle(echo, o)
		_, err := websockets.Dial(t.Context(), serve(t, server), strict())
		_, overStream := overPipe(t, server)(t.Context(), "/")
		if !errors.Is(overStream, websockets.ErrLost) {
			t.Errorf("%s: over a stream the client saw %v", name, overStream)
		}
		check(name, logged, server, err)
	}
}
