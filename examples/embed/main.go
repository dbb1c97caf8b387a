// Embed speaks WebSocket over its standard input and output.
//
// It shows how a program drives package core itself: a pure state machine that
// takes bytes and the time, and gives events and bytes. All of that is in
// drive.go.
//
//	socat TCP-LISTEN:8080,bind=127.0.0.1,reuseaddr,fork EXEC:./embed
//	socat EXEC:./embed EXEC:'./embed --client hello world'
//
// The server sends every message back. The client sends its arguments, prints
// the answers on standard error, and closes when it has them all. The exit
// status is 0 after a clean close, 2 for arguments that make no sense, 1 after
// anything else; whoever stops reading
// its output ends it as any program in a pipeline.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

func main() {
	client := flag.Bool("client", false, "be the client: send each argument as a message")
	ping := flag.Duration("ping", 0, "`TIME` between pings; 15s by default")
	flag.Parse()
	if !*client && flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "embed: unexpected argument %q: only the client sends\n", flag.Arg(0))
		os.Exit(2)
	}
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

// echo sends messages back, chunk by chunk as they come. Browsers, which say
// where their page comes from, are refused: anybody's page could connect.
func echo(settings *core.Settings) error {
	c := core.NewServer(settings, now())
	return drive(c, func(ev core.Event, out []byte) ([]byte, error) {
		switch {
		case ev.Kind == core.EventRequest:
			if _, browser := c.Request().Origin(); browser {
				return out, c.Reject(now(), core.RejectOptions{Status: 403})
			}
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
