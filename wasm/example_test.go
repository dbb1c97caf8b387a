package wasm_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/wasm"
)

// A server whose protocol core runs in a sandbox. The transport here is a pipe in
// memory; any other is used in the same way.
func Example() {
	ctx := context.Background()
	h, err := wasm.NewHost(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(ctx)

	o := websockets.Strict()
	o.Machine = h.Machine
	s := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return err
			}
			if err := c.Send(ctx, m.Type, m.Data); err != nil {
				return err
			}
		}
		return nil
	}, o)
	defer s.Shutdown(ctx)

	a, b := pipe.New(0)
	go s.ServeStream(ctx, a)
	c, err := (&websockets.Dialer{Options: websockets.Strict()}).DialStream(ctx, b, "ws://test/")
	if err != nil {
		log.Fatal(err)
	}
	c.Send(ctx, websockets.Text, []byte("hello"))
	_, p, err := c.Receive(ctx)
	fmt.Printf("%s %v\n", p, err)
	c.Close(websockets.NormalClosure, "")
	// Output: hello <nil>
}

// A core that is driven by hand, many frames at a time, in the memory of the
// sandbox.
func ExampleConn_Batch() {
	h, err := wasm.NewHost(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(context.Background())
	settings, err := core.NewSettings(core.Config{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := h.NewConn(flight.Birth{Open: true, Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Release()

	var wire []byte // what a client sends
	for _, text := range []string{"one", "two", "three"} {
		masked := frame.Header{Fin: true, Opcode: frame.Text, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}
		wire = frame.AppendFrame(wire, masked, []byte(text))
	}
	c.Batch(func(b *wasm.Batch) {
		n := copy(b.Input(len(wire)), wire)
		taken, events, more, err := b.Recv(0, n)
		fmt.Println(taken == n, more, err)
		for _, ev := range events {
			fmt.Printf("%v %s\n", ev.Op, ev.Data)
		}
		out, sent, err := b.Send(events)
		fmt.Printf("%d sent: %q %v\n", sent, out, err)
		b.Wrote(0, len(out))
	})
	// Output:
	// true false <nil>
	// text one
	// text two
	// text three
	// 3 sent: "\x81\x03one\x81\x03two\x81\x05three" <nil>
}
