package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/quic"
)

// connectCommand is websockets connect.
type connectCommand struct {
	URL string `arg:"" name:"URL" help:"Where to connect to, such as ws://127.0.0.1:8080/echo or wss://example.com/feed."`

	Binary bool          `xor:"type" group:"Messages" help:"Send each line as a binary message."`
	Hex    bool          `xor:"type" group:"Messages" help:"Send each line, which must be hexadecimal, as a binary message of these bytes."`
	Stay   bool          `group:"Messages" help:"Do not close at the end of the input: print what arrives until the server closes, or an interrupt."`
	Ping   time.Duration `placeholder:"TIME" group:"Messages" help:"Measure the round trip time this often, such as 1s, and tell it on standard error."`

	Raw     bool   `group:"Output" help:"Print messages as they are: line breaks, control characters and the bytes of binary messages."`
	Pretty  string `enum:"auto,always,never" default:"auto" placeholder:"WHEN" group:"Output" help:"Indent JSON: auto (on a terminal), always, never."`
	Color   string `enum:"auto,always,never" default:"auto" placeholder:"WHEN" group:"Output" help:"Colours: auto (on a terminal, unless NO_COLOR is set), always, never."`
	NoColor bool   `group:"Output" help:"The same as --color=never."`
	History bool   `default:"true" negatable:"" group:"Output" help:"Keep the lines that are typed on a terminal for the next time. On by default."`

	handshake
	protocol `group:"Protocol"`
}

func (connectCommand) Help() string {
	return `Each line of standard input is sent as a text message, without its newline.

Standard output carries only the messages that are received, one a line: text as it is, binary in hexadecimal. Text that has newlines in it is printed with \n in their place; if it is JSON, compact. --raw prints it unchanged. Everything else goes to standard error.

On a terminal there are line editing, history (arrow up), colours, and indented JSON; control characters are shown escaped. Ctrl-D ends the input, Ctrl-C interrupts.

At the end of the input the connection is closed with 1000, and what still arrives until the server's answer is printed; with --stay it goes on until the server closes. An interrupt closes it with 1001, and so does the end of whoever reads standard output, such as head; a second interrupt ends at once.

Exit status: 0 after a clean close by either side, whatever its code; 1 if the connection was refused or lost, or if a line could not be sent or was left when the server closed; 2 for a URL or a flag that makes no sense.

Examples:

  websockets connect ws://127.0.0.1:8080/echo
  printf 'one\ntwo\n' | websockets connect ws://127.0.0.1:8080/echo
  echo subscribe | websockets connect --stay wss://example.com/feed | jq .price
  websockets connect -H 'Authorization: Bearer abc' --subprotocol chat wss://example.com/chat
  websockets connect --insecure --http3 wss://127.0.0.1:8080/echo
  websockets connect --ping 1s --proxy socks5://127.0.0.1:1080 wss://example.com/`
}

// Run talks until either side closes.
func (c *connectCommand) Run(ctx context.Context, std *console) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.Insecure {
		note(std.stderr, "warning: --insecure: the server's certificate is not verified; anybody may read and change what is sent")
	}
	defer awaitPackets(o.Carrier)
	conn, err := websockets.Dial(ctx, c.URL, o)
	if errors.Is(err, websockets.ErrMisuse) {
		return usageError{err}
	}
	if err != nil {
		return withHint(withBody(err))
	}
	defer conn.CloseNow()
	note(std.stderr, "connected to %s", target(conn))

	surviveClosedPipe()
	s := c.session(conn, std)
	defer s.input.close()
	defer context.AfterFunc(ctx, func() { conn.Close(websockets.GoingAway, "") })()
	onReaderGone(std.stdout, s.readerGone)
	go s.send()
	if c.Ping > 0 {
		go s.ping(c.Ping)
	}
	return s.receive()
}

// awaitPackets gives the last packets of QUIC a moment: with the process they would be
// gone.
func awaitPackets(c websockets.Carrier) {
	w, ok := c.(interface{ Wait(context.Context) error })
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*farewell)
	defer cancel()
	w.Wait(ctx)
}

// options are those of the connection.
func (c *connectCommand) options() (*websockets.Options, error) {
	switch {
	case c.Ping < 0:
		return nil, usageError{fmt.Errorf("--ping: %v is negative", c.Ping)}
	case c.Raw && c.Pretty == "always":
		return nil, usageError{errors.New("--raw and --pretty=always contradict each other")}
	case (c.HTTP3 || c.QUIC) && isPlain(c.URL):
		return nil, usageError{errors.New("--http3 and --quic need a wss URL: there is no QUIC without TLS")}
	case c.NoColor && c.Color == "always":
		return nil, usageError{errors.New("--no-color and --color=always contradict each other")}
	}
	o := websockets.Strict()
	if err := c.handshake.apply(o); err != nil {
		return nil, usageError{err}
	}
	return o, c.protocol.apply(o)
}

// target tells what conn is connected to, after all redirects, what carries it
// unless that is HTTP/1.1, and the subprotocol.
func target(conn *websockets.Conn) string {
	r := conn.Response()
	u := *r.Request.URL
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	told := u.String()
	switch {
	case r.ProtoMajor > 1:
		told += fmt.Sprintf(" over HTTP/%d", r.ProtoMajor)
	case r.TLS != nil && r.TLS.NegotiatedProtocol == quic.ALPN:
		told += " over QUIC"
	}
	if conn.Compressed() {
		told += ", compressed"
	}
	if p := conn.Subprotocol(); p != "" {
		told += ", subprotocol " + p
	}
	return told
}

// session chooses by what the console is how lines are read and messages are
// printed.
func (c *connectCommand) session(conn *websockets.Conn, std *console) *session {
	screen := openScreen(std)
	s := &session{
		conn:    conn,
		stdout:  std.stdout,
		stderr:  std.stderr,
		printer: printer{raw: c.Raw, marked: screen.output},
		typ:     websockets.Text,
		hex:     c.Hex,
		stay:    c.Stay,
		verbose: screen.errors,
		began:   time.Now(),
		idle:    make(chan struct{}),
	}
	if c.Binary || c.Hex {
		s.typ = websockets.Binary
	}
	s.printer.indented = when(c.Pretty, screen.output)
	s.printer.colored = !c.NoColor && when(c.Color, screen.colors)
	if e := c.edit(std, screen); e != nil {
		s.input, s.stdout = e, e
		if screen.errors {
			s.stderr = e
		}
		return s
	}
	s.input = newPiped(std.stdin)
	return s
}

// edit returns the line editor, nil if the console is not a terminal.
func (c *connectCommand) edit(std *console, screen screen) *editor {
	if !screen.editing {
		return nil
	}
	lines := &history{}
	if c.History {
		lines = loadHistory()
	}
	e, err := newEditor(std, screen, lines)
	if err != nil {
		note(std.stderr, "no line editing: %v", err)
		return nil
	}
	return e
}

// when decides auto, always or never.
func when(choice string, auto bool) bool {
	return choice == "always" || choice == "auto" && auto
}

// isPlain reports whether a URL is one without TLS.
func isPlain(url string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(url), ":")
	return scheme == "ws" || scheme == "http"
}

// withHint adds what to try.
func withHint(err error) error {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, noQUIC := errors.AsType[*quicgo.IdleTimeoutError](err)
	e, refused := errors.AsType[*websockets.HandshakeError](err)
	switch {
	case unknown:
		return fmt.Errorf("%w\n--ca FILE trusts a certificate of your own; --insecure trusts any, for tests", err)
	case noTLS:
		return fmt.Errorf("%w\nthe server does not speak TLS there; a ws URL is without", err)
	case noQUIC:
		return fmt.Errorf("%w\nnothing answers at this UDP port; does the server speak HTTP/3 or QUIC?", err)
	case refused && e.Status == http.StatusMethodNotAllowed && e.Response.ProtoMajor > 1:
		return fmt.Errorf("%w\nperhaps the server's pattern names a method, and over HTTP/2 and HTTP/3 that is CONNECT; --http1 may work", err)
	}
	return err
}

// bodyShown is how much of the body of a refusal is told.
const bodyShown = 1024

// withBody adds to the error of a refusal the beginning of its body.
func withBody(err error) error {
	e, ok := errors.AsType[*websockets.HandshakeError](err)
	if !ok || e.Response == nil {
		return err
	}
	body, _ := io.ReadAll(io.LimitReader(e.Response.Body, bodyShown+1))
	text := strings.ToValidUTF8(string(body[:min(len(body), bodyShown)]), "\uFFFD")
	if len(body) > bodyShown {
		text += "..."
	}
	if text = strings.TrimSpace(text); text == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, text)
}
