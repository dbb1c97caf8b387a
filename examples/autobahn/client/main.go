// Client runs the cases of the fuzzing server of the Autobahn test suite: it
// asks how many there are, echoes in each of them whatever the server sends,
// and has the server write its report.
//
// It shows a client that meets every kind of misbehaviour: a case may refuse
// the handshake, break the protocol, reset the connection or fall silent, and
// the next one is run all the same.
//
//	go run ./examples/autobahn/client --url ws://127.0.0.1:9001 --agent websockets
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets"
)

// caseTime is how long one case may take. The slowest of the suite gives up
// after 100 s by itself.
const caseTime = 2 * time.Minute

func main() {
	rawURL := flag.String("url", "ws://127.0.0.1:9001", "`URL` of the fuzzing server")
	agent := flag.String("agent", "websockets", "`NAME` in the report")
	maxMessage := flag.Int64("max-message", 1<<20, "largest message and frame, in `BYTES`; 0 means 1 GiB")
	deflate := flag.String("deflate", "ct", "`HOW` messages are compressed, if the peer agrees: off, nct (each by itself), ct (with context takeover)")
	flag.Parse()
	c, err := newClient(*rawURL, *agent, *maxMessage, *deflate, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "autobahn client:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "autobahn client:", err)
		os.Exit(1)
	}
}

// client speaks the protocol of the fuzzing server.
type client struct {
	dialer   websockets.Dialer
	base     *url.URL
	agent    string
	caseTime time.Duration
	progress io.Writer
}

func newClient(rawURL, agent string, maxMessage int64, deflate string, progress io.Writer) (*client, error) {
	base, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	if base.Scheme != "ws" && base.Scheme != "wss" || base.Host == "" {
		return nil, fmt.Errorf("--url %q is not like ws://HOST:PORT", rawURL)
	}
	if maxMessage < 0 {
		return nil, fmt.Errorf("--max-message %d is negative", maxMessage)
	}
	if maxMessage == 0 {
		maxMessage = -1 // as much as the library takes
	}
	o := websockets.Strict()
	o.MaxFrameSize, o.MaxMessageSize = maxMessage, maxMessage
	if o.Compression, err = compression(deflate); err != nil {
		return nil, err
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &client{
		dialer:   websockets.Dialer{Options: o},
		base:     base,
		agent:    agent,
		caseTime: caseTime,
		progress: progress,
	}, nil
}

// compression is what --deflate says.
func compression(how string) (*websockets.Compression, error) {
	switch how {
	case "off":
		return nil, nil
	case "nct":
		return &websockets.Compression{NoSendTakeover: true, NoReceiveTakeover: true}, nil
	case "ct":
		return &websockets.Compression{}, nil
	}
	return nil, fmt.Errorf("--deflate %q is none of off, nct and ct", how)
}

// run runs all cases. Its error is that of the protocol around the cases, or
// of ctx.
func (c *client) run(ctx context.Context) error {
	count, err := c.caseCount(ctx)
	if err != nil {
		return fmt.Errorf("getCaseCount: %w", err)
	}
	for n := 1; n <= count && ctx.Err() == nil; n++ {
		err := c.echo(ctx, c.url("runCase", "case", strconv.Itoa(n), "agent", c.agent))
		fmt.Fprintf(c.progress, "case %d of %d: %v\n", n, count, err)
	}
	err = c.echo(ctx, c.url("updateReports", "agent", c.agent))
	if errors.Is(err, websockets.ErrClosed) {
		return nil
	}
	return fmt.Errorf("updateReports: %w", err)
}

// url returns the URL of a command with its parameters.
func (c *client) url(command string, parameters ...string) string {
	u := c.base.JoinPath(command)
	q := make(url.Values)
	for i := 0; i < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func (c *client) caseCount(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.caseTime)
	defer cancel()
	conn, err := c.dialer.Dial(ctx, c.url("getCaseCount"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(websockets.NormalClosure, "")
	_, p, err := conn.Receive(ctx)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(p)))
}

// echo sends every message back until the connection ends, and returns how it
// did, or how it never began.
func (c *client) echo(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, c.caseTime)
	defer cancel()
	conn, err := c.dialer.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer end(ctx, conn)
	var buf []byte
	for {
		typ, p, err := conn.ReceiveInto(ctx, buf[:0])
		if err != nil {
			return err
		}
		if err := conn.Send(ctx, typ, p); err != nil {
			return err
		}
		buf = p
	}
}

// end finishes the closing handshake, unless the time is over.
func end(ctx context.Context, conn *websockets.Conn) {
	if ctx.Err() == nil {
		conn.Close(websockets.NormalClosure, "")
	}
	conn.CloseNow()
}
