// Embed speaks WebSocket over its standard input and output.
//
// It shows how a program drives package core itself: a pure state machine that
// takes bytes and the time, and gives events and bytes. The loop in drive does
// all that it asks for.
//
//	socat TCP-LISTEN:8080,reuseaddr,fork EXEC:./embed
//	socat EXEC:./embed EXEC:'./embed --client hello world'
//
// The server sends every message back. The client sends its arguments, prints
// the answers on standard error, and closes when it has them all. The exit
// status is 0 after a clean close, 1 after anything else.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

func main() {
	client := flag.Bool("client", false, "be the client: send each argument as a message")
	ping := flag.Duration("ping", 0, "`TIME` between pings; 15s by default")
	flag.Parse()
	settings, err := core.NewSettings(core.Config{Pings: core.PingAnswer, PingInterval: *ping, Entropy: rand.Uint32})
	if err == nil && *client {
		err = ask(settings, flag.Args())
	} else if err == nil {
		err = echo(settings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// echo sends messages back, chunk by chunk as they come.
func echo(settings *core.Settings) error {
	c := core.NewServer(settings, now())
	return drive(c, func(ev core.Event, out []byte) ([]byte, error) {
		switch {
		case ev.Kind == core.EventRequest: // who is on a network looks at its Origin
			return out, c.Accept(now(), core.AcceptOptions{})
		case ev.Kind == core.EventMessage && c.Open():
			return c.AppendFragment(out, ev.Op, ev.Data, ev.Last)
		}
		return out, nil
	})
}

// ask sends messages and closes when as many have come back.
func ask(settings *core.Settings, messages []string) error {
	c, err := core.NewClient(settings, now(), core.RequestOptions{Host: "localhost"})
	if err != nil {
		return err
	}
	var answers core.Assembler
	missing := len(messages)
	err = drive(c, func(ev core.Event, out []byte) (_ []byte, err error) {
		if ev.Kind == core.EventOpen {
			for _, m := range messages {
				if out, err = c.AppendMessage(out, frame.Text, []byte(m)); err != nil {
					return out, err
				}
			}
		}
		if answer, whole := answers.Add(ev); whole {
			fmt.Fprintf(os.Stderr, "%q\n", answer.Data)
			missing--
		}
		if missing == 0 && c.Open() {
			return c.AppendClose(now(), out, frame.NormalClosure, "")
		}
		return out, nil
	})
	if err == nil && missing > 0 {
		return fmt.Errorf("closed without %d of the answers", missing)
	}
	return err
}

// An application appends to the output what it has to say to an event.
type application func(ev core.Event, out []byte) ([]byte, error)

// maxWaiting is how much output may wait before input is held back.
const maxWaiting = 64 << 10

// drive stands between a connection and the world until the connection is over.
func drive(c *core.Conn, app application) (err error) {
	r, w, closeWrite := wire()
	input, wrote, interrupt := make(chan []byte, 1), make(chan int), make(chan os.Signal, 1)
	go read(r, input)
	signal.Notify(interrupt, os.Interrupt)
	timer := time.NewTimer(0)
	var out []byte // output that waits
	writing := 0   // bytes that are being written
	for {
		if out = c.AppendOutput(out); writing == 0 && len(out) > 0 {
			go write(w, out, wrote)
			writing, out = len(out), nil
			c.Wrote(now(), 0) // none so far
		}
		switch level := c.Transport(); {
		case level == core.TransportAbort, level == core.TransportClose && writing == 0:
			return c.Err()
		case level == core.TransportHalfClose && writing == 0:
			closeWrite()
		}
		source := input
		if len(out) >= maxWaiting {
			source = nil
		}
		c.SetReading(now(), source != nil)
		at, _ := c.Deadline()
		timer.Reset(at.Sub(now()))
		select {
		case in, ok := <-source:
			if !ok {
				c.RecvEOF(now())
				input = nil
			}
			out, err = receive(c, in, out, app)
		case n := <-wrote:
			if writing -= n; n == 0 {
				c.Lost(now())
			}
			c.Wrote(now(), n)
		case <-timer.C:
			if len(source) == 0 { // what has come counts before time does
				c.Tick(now())
			}
		case <-interrupt:
			out, err = c.AppendClose(now(), out, frame.GoingAway, "")
		}
		if err != nil {
			return err
		}
	}
}

// receive passes input to the connection and its events to the application.
func receive(c *core.Conn, in, out []byte, app application) (_ []byte, err error) {
	var scratch [core.ScratchSize]byte
	for {
		n, ev := c.Recv(now(), in, scratch[:])
		if in = in[n:]; ev.Kind == core.EventNone {
			return out, nil
		}
		if out, err = app(ev, out); err != nil {
			return out, err
		}
		out = c.AppendOutput(out)
	}
}

var begin = time.Now()

func now() clock.Time { return clock.Time(time.Since(begin)) }

// wire returns what to read and to write, and what ends the output alone. Input
// and output may be one socket, of which closing one of them would end nothing.
func wire() (r io.Reader, w io.Writer, closeWrite func() error) {
	in, err := os.Stdin.Stat()
	out, errOut := os.Stdout.Stat()
	if err == nil && errOut == nil && in.Mode()&os.ModeSocket != 0 && os.SameFile(in, out) {
		conn, _ := net.FileConn(os.Stdout)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			return conn, conn, half.CloseWrite
		}
	}
	return os.Stdin, os.Stdout, os.Stdout.Close
}

// read passes input on. Of its three buffers one is with the connection, one
// waits and one is being filled.
func read(r io.Reader, input chan<- []byte) {
	defer close(input)
	var buffers [3][32 << 10]byte
	for i := 0; ; i = (i + 1) % 3 {
		n, err := r.Read(buffers[i][:])
		if err != nil {
			return
		}
		input <- buffers[i][:n]
	}
}

// write writes piece by piece, for peers are judged by progress. None is an error.
func write(w io.Writer, out []byte, wrote chan<- int) {
	for piece := range slices.Chunk(out, 4<<10) {
		n, _ := w.Write(piece)
		wrote <- n
	}
}
