package websockets_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// A message goes through a Writer and a Reader as it is, in both directions.
func TestReaderAndWriter(t *testing.T) {
	server, client := piped(t, strict())
	for _, ends := range [][2]*websockets.Conn{{server, client}, {client, server}} {
		for _, typ := range []websockets.MessageType{websockets.Text, websockets.Binary} {
			want := strings.Repeat("grüße ", 20_000)
			go func() {
				w, err := ends[0].Writer(context.Background(), typ)
				if err != nil {
					t.Error(err)
				}
				if n, err := io.Copy(w, strings.NewReader(want)); int(n) != len(want) || err != nil {
					t.Error(n, err)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}()
			got, r, err := ends[1].Reader(t.Context())
			if err != nil || got != typ {
				t.Fatal(got, err)
			}
			if p, err := io.ReadAll(r); err != nil || string(p) != want {
				t.Error(len(p), err)
			}
		}
	}
}

func TestStreamingErrors(t *testing.T) {
	server, client := piped(t, strict())
	ctx := t.Context()
	ended, cancel := context.WithCancel(ctx)
	cancel()

	if _, err := server.Writer(ctx, 0); !errors.Is(err, websockets.ErrInvalidOpcode) {
		t.Error("no type:", err)
	}
	if _, err := server.Writer(ended, websockets.Text); err != context.Canceled {
		t.Error("its context has ended:", err)
	}
	if _, _, err := server.Reader(ended); err != context.Canceled {
		t.Error("its context has ended:", err)
	}
	w, _ := client.Writer(ctx, websockets.Text)
	if _, err := io.WriteString(w, "\xff"); !errors.Is(err, websockets.ErrMisuse) {
		t.Error("not UTF-8:", err)
	}
	if err := w.Close(); !errors.Is(err, websockets.ErrMisuse) {
		t.Error("not UTF-8:", err)
	}
	if _, err := io.WriteString(w, "late"); !errors.Is(err, websockets.ErrMisuse) {
		t.Error("after Close:", err)
	}
	w, _ = client.Writer(ctx, websockets.Text)
	io.WriteString(w, "begun")
	_, r, err := server.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Send(ended, websockets.Text, nil); err != context.Canceled {
		t.Error(err)
	}
	if _, err := io.WriteString(w.WithContext(ended), "x"); err != context.Canceled {
		t.Error(err)
	}
	if err := w.Close(); err != context.Canceled {
		t.Error(err)
	}
	got, err := io.ReadAll(r)
	if string(got) != "begun" || websockets.CloseStatus(err) != websockets.InternalError {
		t.Errorf("the peer of a message that was given up: %q, %v", got, err)
	}
	r.Close()
	if _, err := r.Read(nil); !errors.Is(err, websockets.ErrMisuse) {
		t.Error("after Close:", err)
	}
	if _, _, err := server.Reader(ctx); websockets.CloseStatus(err) != websockets.InternalError {
		t.Error(err)
	}
	if _, err := (websockets.Reader{}).Read(nil); !errors.Is(err, websockets.ErrMisuse) {
		t.Error("the zero Reader:", err)
	}
	(websockets.Writer{}).Cancel()
	if _, err := (websockets.Writer{}).Write(nil); !errors.Is(err, websockets.ErrMisuse) {
		t.Error("the zero Writer:", err)
	}
}

func TestMessages(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(c *websockets.Conn)
		want func(error) bool
	}{
		{"Normal", func(c *websockets.Conn) { c.Close(websockets.NormalClosure, "") }, nil},
		{"GoingAway", func(c *websockets.Conn) { c.Close(websockets.GoingAway, "") }, nil},
		{"NoStatus", func(c *websockets.Conn) { c.Close(websockets.NoStatus, "") }, nil},
		{"Error", func(c *websockets.Conn) { c.Close(websockets.InternalError, "") }, func(err error) bool { return websockets.CloseStatus(err) == websockets.InternalError }},
		{"Lost", func(c *websockets.Conn) { c.CloseNow() }, func(err error) bool { return errors.Is(err, websockets.ErrLost) }},
		{"Within", func(c *websockets.Conn) {
			w, _ := c.Writer(context.Background(), websockets.Text)
			io.WriteString(w, "begun")
			c.Close(websockets.NormalClosure, "")
		}, func(err error) bool { return websockets.CloseStatus(err) == websockets.NormalClosure }},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, client := piped(t, strict())
			go func() {
				server.Send(context.Background(), websockets.Text, []byte("one"))
				server.Send(context.Background(), websockets.Binary, []byte("two"))
				test.end(server)
			}()
			var got []string
			var end error
			for m, err := range client.Messages(t.Context()) {
				if end = err; err == nil {
					got = append(got, m.Type.String()+" "+string(m.Data))
				}
			}
			if strings.Join(got, ", ") != "text one, binary two" && test.name != "Lost" {
				t.Error(got)
			}
			if test.want == nil && end != nil || test.want != nil && !test.want(end) {
				t.Error(end)
			}
		})
	}
}

// A loop that is left loses nothing.
func TestMessagesIsLeft(t *testing.T) {
	server, client := piped(t, strict())
	for _, s := range []string{"one", "two", "three"} {
		server.Send(t.Context(), websockets.Text, []byte(s))
	}
	var got []string
	for range 3 {
		for m := range client.Messages(t.Context()) {
			got = append(got, string(m.Data))
			break
		}
	}
	if strings.Join(got, " ") != "one two three" {
		t.Error(got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range client.Messages(ended) {
		if err != context.Canceled {
			t.Error(err)
		}
	}
}

// A prepared message is the same on every connection, of both roles, and what it
// was made of may change.
func TestPrepared(t *testing.T) {
	server, client := piped(t, strict())
	for _, n := range []int{0, 1, 1000, 100_000} {
		p := []byte(strings.Repeat("p", n))
		m, err := websockets.NewPrepared(websockets.Text, p)
		if err != nil {
			t.Fatal(err)
		}
		clear(p)
		for _, ends := range [][2]*websockets.Conn{{server, client}, {client, server}} {
			go func() {
				if err := ends[0].SendPrepared(context.Background(), m); err != nil {
					t.Error(err)
				}
			}()
			typ, got, err := ends[1].Receive(t.Context())
			if err != nil || typ != websockets.Text || string(got) != strings.Repeat("p", n) {
				t.Error(typ, len(got), err)
			}
		}
	}
	for _, typ := range []websockets.MessageType{0, 8, websockets.Text} {
		if _, err := websockets.NewPrepared(typ, []byte{0xff}); !errors.Is(err, websockets.ErrMisuse) {
			t.Error(typ, err)
		}
	}
	for _, m := range []*websockets.Prepared{nil, {}} {
		if err := client.SendPrepared(t.Context(), m); !errors.Is(err, websockets.ErrMisuse) {
			t.Error(err)
		}
	}
}

func TestJSON(t *testing.T) {
	type point struct{ X, Y int }
	server, client := piped(t, strict())
	ctx := t.Context()
	if err := client.SendJSON(ctx, point{1, 2}); err != nil {
		t.Fatal(err)
	}
	var p point
	if err := server.ReceiveJSON(ctx, &p); err != nil || p != (point{1, 2}) {
		t.Error(p, err)
	}
	client.Send(ctx, websockets.Binary, []byte(`{"X":3}`))
	if err := server.ReceiveJSON(ctx, &p); err != nil || p != (point{3, 2}) {
		t.Error(p, err)
	}
	for _, bad := range []string{"", "{", `{"X":"no number"}`, "{} {}"} {
		client.Send(ctx, websockets.Text, []byte(bad))
		err := server.ReceiveJSON(ctx, &p)
		if e, ok := errors.AsType[*websockets.Error](err); !ok || e.Kind != websockets.ErrInvalidData || e.Code != websockets.InvalidData || !e.Remote {
			t.Errorf("%q: %v", bad, err)
		}
	}
	client.SendJSON(ctx, point{5, 6})
	for _, v := range []any{nil, p, (*point)(nil)} {
		if err := server.ReceiveJSON(ctx, v); !errors.Is(err, websockets.ErrMisuse) {
			t.Errorf("into %T: %v", v, err)
		}
	}
	if err := server.ReceiveJSON(ctx, &p); err != nil || p.X != 5 {
		t.Error("a message was lost to a call that was not valid:", p, err)
	}
	if err := client.SendJSON(ctx, make(chan int)); !errors.Is(err, websockets.ErrMisuse) {
		t.Error(err)
	}
}

// A handler that returns the error of a message that is no JSON closes with 1007.
func TestJSONErrorOfAHandler(t *testing.T) {
	url := serve(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		var v int
		return c.ReceiveJSON(ctx, &v)
	}, strict()))
	c := dial(t, url, strict())
	c.Send(t.Context(), websockets.Text, []byte("no JSON"))
	_, _, err := c.Receive(t.Context())
	if code := websockets.CloseStatus(err); code != websockets.InvalidData {
		t.Error(err)
	}
}

func TestConnStats(t *testing.T) {
	server, client := piped(t, strict())
	client.Send(t.Context(), websockets.Text, []byte("12345"))
	server.Receive(t.Context())
	go server.Receive(context.Background())
	if _, err := client.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, c := server.Stats(), client.Stats()
	if s.MessagesReceived != 1 || s.PayloadReceived != 5 || c.MessagesSent != 1 || c.PayloadSent != 5 || c.BytesSent != s.BytesReceived ||
		s.PingsReceived != 1 || c.PongsReceived != 1 || c.RoundTrip <= 0 {
		t.Errorf("server %+v\nclient %+v", s, c)
	}
}
