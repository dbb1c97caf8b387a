package core_test

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A server's end that echoes messages. Its transport is a byte slice that came
// in and another that goes out.
func Example() {
	settings, _ := core.NewSettings(core.Config{Pings: core.PingAnswer})
	conn, _ := core.NewOpen(settings, 0, core.Server)
	in := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58") // RFC 6455 section 5.7
	var out, scratch []byte = nil, make([]byte, core.ScratchSize)
	for {
		n, ev := conn.Recv(0, in, scratch)
		in = in[n:]
		if ev.Kind == core.EventMessage {
			out, _ = conn.AppendFragment(out, ev.Op, ev.Data, ev.Last)
		}
		out = conn.AppendOutput(out)
		if ev.Kind == core.EventNone {
			break
		}
	}
	conn.Wrote(0, len(out))
	fmt.Printf("%q\n", out)
	// Output: "\x81\x05Hello"
}

// A client and a server, joined in memory.
func Example_bothEnds() {
	settings, _ := core.NewSettings(core.Config{Entropy: func() uint32 { return 4 }}) // a real one is unpredictable
	server := core.NewServer(settings, 0)
	client, err := core.NewClient(settings, 0, core.RequestOptions{Host: "example.com", Target: "/chat"})
	if err != nil {
		fmt.Println(err)
		return
	}
	// pass hands what from has to say to the other end, and prints its events.
	pass := func(from, to *core.Conn) {
		wire := from.AppendOutput(nil)
		from.Wrote(0, len(wire))
		for {
			n, ev := to.Recv(0, wire, make([]byte, core.ScratchSize))
			wire = wire[n:]
			switch ev.Kind {
			case core.EventNone:
				return
			case core.EventRequest:
				fmt.Println("server: request for", to.Request().Path())
				to.Accept(0, core.AcceptOptions{})
				return
			case core.EventOpen:
				fmt.Println("client: open")
			case core.EventClose:
				fmt.Printf("%v: %v\n", to.Role(), ev.Code)
			}
		}
	}
	pass(client, server)
	pass(server, client)

	wire, _ := client.AppendMessage(nil, frame.Text, []byte("Hello"))
	client.Wrote(0, len(wire))
	_, ev := server.Recv(0, wire, nil)
	fmt.Printf("server: %v %q\n", ev.Op, ev.Data)

	wire, _ = client.AppendClose(0, nil, frame.NormalClosure, "")
	client.Wrote(0, len(wire))
	_, ev = server.Recv(0, wire, nil)
	fmt.Printf("server: %v\n", ev.Code)
	pass(server, client)
	fmt.Println("server half-closes:", server.Transport() == core.TransportHalfClose)
	// Output:
	// server: request for /chat
	// client: open
	// server: text "Hello"
	// server: 1000 normal closure
	// client: 1000 normal closure
	// server half-closes: true
}

// A driver sleeps until the deadline and ticks; here time only jumps.
func ExampleConn_Deadline() {
	settings, _ := core.NewSettings(core.Config{PingInterval: 20 * time.Second, ConnectionTimeout: 50 * time.Second})
	conn, _ := core.NewOpen(settings, 0, core.Server)
	for {
		at, why := conn.Deadline()
		if why == core.TimerNone {
			break
		}
		ev := conn.Tick(at)
		out := conn.AppendOutput(nil)
		conn.Wrote(at, len(out))
		fmt.Printf("%v: ", at.Sub(clock.Time(0)))
		switch {
		case ev.Kind == core.EventFailed:
			fmt.Println(conn.Err())
		case why == core.TimerPing:
			fmt.Printf("ping %q\n", out)
		case why == core.TimerClose:
			fmt.Println("close the transport:", conn.Transport() == core.TransportClose)
		}
	}
	// Output:
	// 20s: ping "\x89\x00"
	// 40s: ping "\x89\x00"
	// 50s: websocket: the peer was silent for too long
	// 55s: close the transport: true
}

// Chunks come as the bytes do; an Assembler makes whole messages of them.
func ExampleAssembler() {
	settings, _ := core.NewSettings(core.Config{Entropy: func() uint32 { return 0 }})
	conn, _ := core.NewOpen(settings, 0, core.Client)
	var messages core.Assembler
	for _, piece := range []string{"\x01\x03H", "el", "\x80\x02l", "o\x82\x01!"} {
		for in := []byte(piece); ; {
			n, ev := conn.Recv(0, in, nil)
			in = in[n:]
			if ev.Kind == core.EventNone {
				break
			}
			fmt.Printf("chunk %q\n", ev.Data)
			if m, done := messages.Add(ev); done {
				fmt.Printf("%v message %q\n", m.Op, m.Data)
			}
		}
	}
	// Output:
	// chunk "H"
	// chunk "el"
	// chunk "l"
	// chunk "o"
	// text message "Hello"
	// chunk "!"
	// binary message "!"
}

// The payload of a large message is written from where it lies.
func ExampleConn_AppendHeader() {
	settings, _ := core.NewSettings(core.Config{Entropy: func() uint32 { return 0x3d21fa37 }})
	conn, _ := core.NewOpen(settings, 0, core.Client)
	payload := []byte("Hello")
	header, mask, err := conn.AppendHeader(nil, frame.Text, core.HeaderOptions{}, len(payload))
	if err != nil {
		fmt.Println(err)
		return
	}
	mask.XOR(payload, 0) // in place: a client's payload leaves masked
	fmt.Printf("% x\n% x\n", header, payload)
	// Output:
	// 81 85 37 fa 21 3d
	// 7f 9f 4d 51 58
}

// What the peer does wrong becomes a close frame, an event and Err.
func ExampleConn_Err() {
	settings, _ := core.NewSettings(core.Config{})
	conn, _ := core.NewOpen(settings, 0, core.Server)
	_, ev := conn.Recv(0, []byte("\x81\x05Hello"), nil) // a client must mask
	fmt.Println(ev.Code)
	fmt.Println(conn.Err())
	fmt.Println(conn.Err() == error(core.ErrMaskRequired))
	fmt.Printf("%q\n", conn.AppendOutput(nil))
	// Output:
	// 1002 protocol error
	// websocket: client frame is not masked
	// true
	// "\x88\x1c\x03\xeaclient frame is not masked"
}
