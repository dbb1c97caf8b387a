package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// Handle closes even if the handler or OnError do not come back as they should.
func TestHandleClosesWhateverHappens(t *testing.T) {
	tests := map[string]struct {
		handler websockets.HandlerFunc
		onError func(*http.Request, error)
	}{
		"the handler ends its goroutine": {
			handler: func(context.Context, *websockets.Conn) error { runtime.Goexit(); return nil },
		},
		"OnError panics": {
			handler: func(context.Context, *websockets.Conn) error { return errors.New("mine") },
			onError: func(*http.Request, error) { panic("boom") },
		},
		"OnError takes its time": {
			handler: func(context.Context, *websockets.Conn) error { return errors.New("mine") },
			onError: func(*http.Request, error) { time.Sleep(100 * time.Millisecond) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := strict()
			o.OnError = test.onError
			a, b := pipe.New(0)
			done := make(chan bool)
			go func() {
				defer close(done)
				websockets.Handle(test.handler, o).ServeStream(context.Background(), a)
			}()
			c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), b, "ws://test/")
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
				t.Errorf("the client saw %v", err)
			}
			c.Close(websockets.NormalClosure, "")
			<-done
		})
	}
}

// A panic in the user's functions refuses the request and leaves the process
// running, without an HTTP server too.
func TestPanicsBeforeTheHandler(t *testing.T) {
	boom := func() bool { panic("boom") }
	for name, set := range map[string]func(*websockets.Options){
		"AcceptConnection": func(o *websockets.Options) { o.AcceptConnection = func(*http.Request) bool { return boom() } },
		"AccessDenied": func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { return false }
			o.AccessDenied = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { boom() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := strict()
			set(o)
			reported := make(chan *http.Request, 1)
			o.OnError = func(r *http.Request, err error) { reported <- r }
			a, b := pipe.New(0)
			go websockets.Handle(echo, o).ServeStream(context.Background(), a)
			_, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), b, "ws://test/x")
			he, ok := errors.AsType[*websockets.HandshakeError](err)
			if !ok || he.Status != 500 {
				t.Errorf("the client saw %v", err)
			}
			if r := <-reported; r.URL.Path != "/x" {
				t.Errorf("reported for %v", r.URL)
			}
		})
	}
}

// A function that ends its goroutine refuses the request too, and leaves nothing
// behind that Shutdown would wait for.
func TestGoexitBeforeTheHandler(t *testing.T) {
	for name, set := range map[string]func(*websockets.Options){
		"AcceptConnection": func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { runtime.Goexit(); return true }
		},
		"AccessDenied": func(o *websockets.Options) {
			o.AcceptConnection = func(*http.Request) bool { return false }
			o.AccessDenied = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() })
		},
		"ChooseSubprotocol": func(o *websockets.Options) {
			o.ChooseSubprotocol = func(*http.Request, []string) string { runtime.Goexit(); return "" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := strict()
			set(o)
			reported := make(chan error, 2)
			o.OnError = func(_ *http.Request, err error) { reported <- err }
			server := websockets.Handle(echo, o)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err := overTCP(t, server)(ctx, "/x")
			if he, ok := errors.AsType[*websockets.HandshakeError](err); !ok || he.Status != 500 {
				t.Errorf("the client saw %v", err)
			}
			if err := server.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			if len(reported) != 1 || !errors.Is(<-reported, websockets.ErrUnexpected) {
				t.Error("not reported, once")
			}
		})
	}
}

// What a stranger sends before it is a request is not an unexpected error, and
// OnError is never given a nil request.
func TestBadRequestsOnStreams(t *testing.T) {
	for _, propagate := range []bool{false, true} {
		o := strict()
		o.PropagateCommonErrors = propagate
		reported := make(chan string, 10)
		o.OnError = func(r *http.Request, err error) { reported <- r.URL.Path + err.Error() }
		for _, head := range []string{"GET /%zz HTTP/1.1\r\nHost: x\r\n" + validRequest[len("GET / HTTP/1.1\r\nHost: localhost\r\n"):] + "\r\n", "nonsense\r\n\r\n"} {
			a, b := pipe.New(0)
			if _, err := b.TryWrite([]byte(head)); err != nil {
				t.Fatal(err)
			}
			if err := b.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			websockets.Handle(echo, o).ServeStream(context.Background(), a)
			answer := make([]byte, 1000)
			if n, _ := b.TryRead(answer); !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 400 ") {
				t.Errorf("%q was answered with %q", head, answer[:n])
			}
		}
		if got := len(reported); got != map[bool]int{false: 0, true: 2}[propagate] {
			t.Errorf("%d errors were reported, with PropagateCommonErrors %v", got, propagate)
		}
	}
}

// An error of another connection, of a client inside the handler for example,
// is not this connection's end.
func TestErrorsOfOtherConnectionsAreReported(t *testing.T) {
	reported := make(chan error, 1)
	o := strict()
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	upstream := serve(t, websockets.Handle(func(_ context.Context, c *websockets.Conn) error { return c.CloseNow() }, strict()))
	c := dial(t, serve(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		up, err := websockets.Dial(ctx, upstream, strict())
		if err != nil {
			return err
		}
		_, _, err = up.Receive(ctx)
		return err
	}, o)), strict())
	if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.InternalError {
		t.Errorf("the client saw %v", err)
	}
	c.Close(websockets.NormalClosure, "")
	if err := <-reported; !errors.Is(err, websockets.ErrUnexpected) || !errors.Is(err, websockets.ErrLost) {
		t.Errorf("reported %v", err)
	}
}

func TestDefaultsThatLetThroughAreLoggedOnce(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	o := &websockets.Options{Logger: slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), nil))}
	url := serve(t, websockets.Handle(echo, o))
	for range 3 {
		r, resp := rawDial(t, url, validRequest+"Origin: http://elsewhere.example\r\n")
		if resp.StatusCode != 101 {
			t.Fatal(resp.Status)
		}
		r.send(masked(0x89, "dropped") + masked(0x81, "hi"))
		r.want("no pong", "\x81\x02hi")
		r.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	for _, what := range []string{"AcceptConnection", "DropIncomingPings"} {
		if n := strings.Count(log.String(), what); n != 1 {
			t.Errorf("%s was mentioned %d times in %s", what, n, log.String())
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Shutdown ends handshakes that are under way on streams.
func TestShutdownDuringAHandshake(t *testing.T) {
	server := websockets.Handle(echo, strict())
	a, b := pipe.New(0)
	if _, err := b.TryWrite([]byte("GET / HT")); err != nil {
		t.Fatal(err)
	}
	served := make(chan bool)
	go func() {
		defer close(served)
		server.ServeStream(context.Background(), a)
	}()
	time.Sleep(5 * time.Millisecond) // either order is fine
	start := time.Now()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-served
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("it took %v", d)
	}
}

// What ends while the user's functions are asked is not unexpected.
func TestAcceptConnectionThatOutlivesTheHandshake(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		o := strict()
		o.HandshakeTimeout = 10 * time.Millisecond
		o.AcceptConnection = func(*http.Request) bool { time.Sleep(50 * time.Millisecond); return wanted }
		o.OnError = func(_ *http.Request, err error) { t.Error("reported:", err) }
		a, b := pipe.New(0)
		go websockets.Handle(echo, o).ServeStream(context.Background(), a)
		_, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), b, "ws://test/")
		he, ok := errors.AsType[*websockets.HandshakeError](err)
		if !ok || he.Status != http.StatusRequestTimeout {
			t.Errorf("the client saw %v", err)
		}
	}
}

// AccessDenied answers alike with and without an HTTP server.
func TestAccessDeniedOnEveryCarrier(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		status int
	}{
		"401": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(401)
		}, 401},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, 403},
		"200":     {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }, 403},
		"early hints": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(401)
		}, 401},
		"a value that is not valid": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Name", "a\r\nb")
			w.WriteHeader(401)
		}, 500},
		"panic": {func(http.ResponseWriter, *http.Request) { panic("boom") }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			o := strict()
			o.AcceptConnection = func(*http.Request) bool { return false }
			o.AccessDenied = test.answer
			o.PropagateCommonErrors = true
			reported := make(chan int, 2)
			o.OnError = func(_ *http.Request, err error) {
				if he, ok := errors.AsType[*websockets.HandshakeError](err); ok {
					reported <- he.Status
				}
			}
			server := websockets.Handle(echo, o)
			a, b := pipe.New(0)
			go server.ServeStream(context.Background(), a)
			_, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), b, "ws://test/")
			if he, ok := errors.AsType[*websockets.HandshakeError](err); !ok || he.Status != test.status {
				t.Errorf("over a stream: %v", err)
			}
			_, resp := rawDial(t, serve(t, server), validRequest)
			if resp.StatusCode != test.status {
				t.Errorf("over net/http: %v", resp.Status)
			}
			for range 2 {
				if got := <-reported; got != test.status {
					t.Errorf("reported with %d, want %d", got, test.status)
				}
			}
		})
	}
}

// An error of the connection that is not its end closes it with its code, and is
// one of those that are common; misuse is a mistake of the handler.
func TestHandleClosesWithTheCodeOfTheError(t *testing.T) {
	for _, test := range []struct {
		kind   websockets.Kind
		code   websockets.CloseCode
		want   websockets.CloseCode
		report bool
	}{
		{websockets.ErrInvalidData, websockets.InvalidData, websockets.InvalidData, false},
		{websockets.ErrPolicy, 4444, 4444, false},
		{websockets.ErrClosed, websockets.Abnormal, websockets.NormalClosure, false},
		{websockets.ErrClosed, websockets.NoStatus, websockets.NormalClosure, false},
		{websockets.ErrMisuse, websockets.InvalidData, websockets.InternalError, true},
	} {
		reported := make(chan error, 9)
		o := strict()
		o.OnError = func(_ *http.Request, err error) { reported <- err }
		server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
			e, ok := errors.AsType[*websockets.Error](c.Send(ctx, websockets.Text, []byte{0xff}))
			if !ok {
				t.Error("text that is not UTF-8 was sent")
			}
			e.Kind, e.Code, e.Err = test.kind, test.code, nil
			return fmt.Errorf("handler: %w", e)
		}, o)
		c, err := overPipe(t, server)(t.Context(), "/")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != test.want {
			t.Errorf("after %v with %d the client saw %v", test.kind, test.code, err)
		}
		c.Close(websockets.NormalClosure, "")
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if (len(reported) == 1) != test.report {
			t.Errorf("after %v: reported %d times", test.kind, len(reported))
		}
	}
}

// What the handler itself failed of is reported even when the connection has
// ended too, and what only tells of that end is not.
func TestHandleReportsWhatIsJoined(t *testing.T) {
	own := errors.New("mine")
	for name, test := range map[string]struct {
		make   func(ended error) error
		report bool
	}{
		"the end":              {func(ended error) error { return ended }, false},
		"wrapped":              {func(ended error) error { return fmt.Errorf("in the handler: %w", ended) }, false},
		"joined, first":        {func(ended error) error { return errors.Join(own, ended) }, true},
		"joined, last":         {func(ended error) error { return errors.Join(ended, own) }, true},
		"joined in a wrap":     {func(ended error) error { return fmt.Errorf("%w, %w", ended, own) }, true},
		"joined and wrapped":   {func(ended error) error { return fmt.Errorf("x: %w", errors.Join(ended, own)) }, true},
		"joined ends":          {func(ended error) error { return errors.Join(ended, fmt.Errorf("again: %w", ended)) }, false},
		"its consequence":      {func(ended error) error { return errors.Join(context.Canceled, ended) }, false},
		"a deadline":           {func(ended error) error { return errors.Join(ended, context.DeadlineExceeded) }, true},
		"a context alone":      {func(ended error) error { return context.Canceled }, true},
		"contexts alone":       {func(ended error) error { return errors.Join(context.Canceled, context.Canceled) }, true},
		"a mistake beside it":  {func(ended error) error { return errors.Join(ended, websockets.ErrMisuse) }, true},
		"nothing in the joint": {func(ended error) error { return none{} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			reported := make(chan error, 9)
			o := strict()
			o.OnError = func(_ *http.Request, err error) { reported <- err }
			server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
				_, _, err := c.Receive(ctx)
				return test.make(err)
			}, o)
			c, err := overPipe(t, server)(t.Context(), "/")
			if err != nil {
				t.Fatal(err)
			}
			c.Close(websockets.NormalClosure, "")
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if (len(reported) == 1) != test.report {
				t.Errorf("reported %d times", len(reported))
			}
		})
	}
}

// none joins no errors.
type none struct{}

func (none) Error() string   { return "none" }
func (none) Unwrap() []error { return nil }

// A handler that is asked to stop may tell so together with what it met.
func TestHandleIsAskedToStop(t *testing.T) {
	for _, own := range []error{nil, errors.New("mine")} {
		reported := make(chan error, 9)
		o := strict()
		o.OnError = func(_ *http.Request, err error) { reported <- err }
		ctx, stop := context.WithCancel(t.Context())
		a, b := pipe.New(0)
		server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
			stop()
			_, _, err := c.Receive(ctx)
			return errors.Join(err, own)
		}, o)
		go server.ServeStream(ctx, a)
		c, err := (&websockets.Dialer{Options: strict()}).DialStream(t.Context(), b, "ws://test/")
		if err != nil {
			t.Fatal(err)
		}
		want := websockets.GoingAway
		if own != nil {
			want = websockets.InternalError
		}
		wantClose(t, c, want)
		c.Close(websockets.NormalClosure, "")
		server.Shutdown(t.Context())
		if (len(reported) == 1) != (own != nil) {
			t.Errorf("%v: reported %d times", own, len(reported))
		}
	}
}

// A nil pointer that is returned as an error is one, and no reason to panic.
func TestHandlerReturnsANilError(t *testing.T) {
	reported := make(chan error, 1)
	o := strict()
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	url := serve(t, websockets.Handle(func(context.Context, *websockets.Conn) error {
		var e *websockets.Error
		return e
	}, o))
	_, _, err := dial(t, url, strict()).Receive(t.Context())
	if websockets.CloseStatus(err) != websockets.InternalError {
		t.Error(err)
	}
	if err := <-reported; !strings.Contains(err.Error(), "nil *Error") {
		t.Error(err)
	}
}
