package websockets_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/rpc"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"golang.org/x/net/nettest"
)

// piped returns the two ends of an open connection in memory. The server's end
// is closed with the test.
func piped(t testing.TB, o *websockets.Options) (server, client *websockets.Conn) {
	t.Helper()
	a, b := pipe.New(0)
	accepted := make(chan *websockets.Conn, 1)
	go func() {
		c, err := (&websockets.Server{Options: o}).AcceptStream(context.Background(), a)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err := (&websockets.Dialer{Options: o}).DialStream(t.Context(), b, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() {
		server.CloseNow()
		client.CloseNow()
	})
	return server, client
}

func TestNetConnIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		o := strict()
		o.CloseTimeout = 100 * time.Millisecond // the tests close without reading
		server, client := piped(t, o)
		c1 = websockets.NetConn(context.Background(), server, websockets.Binary)
		c2 = websockets.NetConn(context.Background(), client, websockets.Binary)
		return c1, c2, func() {
			done := make(chan struct{})
			go func() {
				defer close(done)
				c1.Close()
			}()
			c2.Close()
			<-done
		}, nil
	})
}

// What is written comes out as the same stream of bytes, however the messages
// were cut, and its end is io.EOF.
func TestNetConnReadsMessagesAsAStream(t *testing.T) {
	server, client := piped(t, strict())
	go func() {
		for _, s := range []string{"one ", "", "two "} {
			server.Send(context.Background(), websockets.Text, []byte(s))
		}
		w, _ := server.Writer(context.Background(), websockets.Text)
		io.WriteString(w, "three")
		w.Close()
		server.Close(websockets.NormalClosure, "")
	}()
	n := websockets.NetConn(t.Context(), client, websockets.Text)
	got, err := io.ReadAll(n)
	if string(got) != "one two three" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if a := n.RemoteAddr(); a.Network() != "websocket" || a.String() != "websocket" || n.LocalAddr() == nil {
		t.Error(a)
	}
}

func TestNetConnEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(peer *websockets.Conn)
		want func(error) bool
	}{
		{"Normal", func(c *websockets.Conn) { c.Close(websockets.NormalClosure, "") }, func(err error) bool { return err == io.EOF }},
		{"GoingAway", func(c *websockets.Conn) { c.Close(websockets.GoingAway, "") }, func(err error) bool { return err == io.EOF }},
		{"NoStatus", func(c *websockets.Conn) { c.Close(websockets.NoStatus, "") }, func(err error) bool { return err == io.EOF }},
		{"Error", func(c *websockets.Conn) { c.Close(websockets.InternalError, "") }, func(err error) bool { return websockets.CloseStatus(err) == websockets.InternalError }},
		{"Lost", func(c *websockets.Conn) { c.CloseNow() }, func(err error) bool { return errors.Is(err, websockets.ErrLost) }},
		{"WithinAMessage", func(c *websockets.Conn) {
			w, _ := c.Writer(context.Background(), websockets.Binary)
			io.WriteString(w, "begun")
			c.Close(websockets.NormalClosure, "")
			w.Close()
		}, func(err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && errors.Is(err, websockets.ErrClosed)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, client := piped(t, strict())
			n := websockets.NetConn(t.Context(), client, websockets.Binary)
			done := make(chan struct{})
			go func() {
				defer close(done)
				test.end(server)
			}()
			p := make([]byte, 100)
			var err error
			for err == nil {
				_, err = n.Read(p)
			}
			if !test.want(err) {
				t.Error(err)
			}
			<-done
		})
	}
}

// A message of the other type is not mixed in: the peer is told 1003.
func TestNetConnRefusesTheOtherType(t *testing.T) {
	server, client := piped(t, strict())
	n := websockets.NetConn(t.Context(), client, websockets.Binary)
	told := make(chan error, 1)
	go func() {
		server.Send(context.Background(), websockets.Text, []byte("text"))
		_, _, err := server.Receive(context.Background())
		told <- err
	}()
	if _, err := n.Read(make([]byte, 10)); err == nil || err == io.EOF {
		t.Error(err)
	}
	if code := websockets.CloseStatus(<-told); code != websockets.UnsupportedData {
		t.Error(code)
	}
}

// A deadline costs nothing: what has come meanwhile is read after it was moved.
func TestNetConnDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := piped(t, strict())
		n := websockets.NetConn(t.Context(), client, websockets.Binary)
		p := make([]byte, 10)
		n.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := n.Read(p); err != os.ErrDeadlineExceeded {
			t.Error(err)
		}
		w, _ := server.Writer(t.Context(), websockets.Binary)
		io.WriteString(w, "be")
		n.SetReadDeadline(time.Now().Add(time.Second))
		if got, err := n.Read(p); got != 2 || err != nil {
			t.Error(got, err)
		}
		if _, err := n.Read(p); err != os.ErrDeadlineExceeded {
			t.Error(err)
		}
		io.WriteString(w, "gun")
		w.Close()
		n.SetDeadline(time.Time{})
		if got, err := n.Read(p); string(p[:got]) != "gun" || err != nil {
			t.Errorf("%q, %v", p[:got], err)
		}
		// Moved while a read waits.
		n.SetReadDeadline(time.Now().Add(time.Second))
		start := time.Now()
		time.AfterFunc(time.Second/2, func() { n.SetReadDeadline(time.Now().Add(time.Minute)) })
		if _, err := n.Read(p); err != os.ErrDeadlineExceeded || time.Since(start) < time.Minute {
			t.Error(err, time.Since(start))
		}
		// Nobody reads what is written.
		n.SetWriteDeadline(time.Now().Add(time.Second))
		var err error
		for err == nil {
			_, err = n.Write(make([]byte, 20_000))
		}
		if err != os.ErrDeadlineExceeded {
			t.Error(err)
		}
	})
}

func TestNetConnContext(t *testing.T) {
	server, client := piped(t, strict())
	ctx, cancel := context.WithCancel(t.Context())
	n := websockets.NetConn(ctx, client, websockets.Binary)
	failed := make(chan error, 1)
	go func() {
		_, err := n.Read(make([]byte, 1))
		failed <- err
	}()
	cancel()
	if err := <-failed; err != context.Canceled {
		t.Error(err)
	}
	if _, err := n.Write([]byte("x")); err != context.Canceled {
		t.Error(err)
	}
	_ = server
}

// A protocol of streams runs over it.
func TestNetConnCarriesRPC(t *testing.T) {
	server, client := piped(t, strict())
	s := rpc.NewServer()
	if err := s.RegisterName("Upper", upper{}); err != nil {
		t.Fatal(err)
	}
	go s.ServeConn(websockets.NetConn(context.Background(), server, websockets.Binary))
	c := rpc.NewClient(websockets.NetConn(context.Background(), client, websockets.Binary))
	defer c.Close()
	for range 100 {
		var reply string
		if err := c.Call("Upper.Do", "hello", &reply); err != nil || reply != "HELLO" {
			t.Fatal(reply, err)
		}
	}
}

type upper struct{}

func (upper) Do(s string, reply *string) error {
	*reply = strings.ToUpper(s)
	return nil
}
