package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/fb1e3c20/websockets"
)

// connectCommand is websockets connect.
type connectCommand struct {
	URL string `arg:"" name:"URL" help:"Where to connect to, such as ws://127.0.0.1:8080/echo or wss://example.com/feed."`
	protocol
}

func (connectCommand) Help() string {
	return `Each line of standard input is sent as a text message, without its newline.

Standard output carries only the messages that are received, each followed by a newline: text as it is, with the newlines in it, binary in hexadecimal. Everything else goes to standard error.

At the end of the input the connection is closed with 1000, and what still arrives until the server's answer is printed. An interrupt closes it with 1001.

Exit status: 0 after a clean close by either side, whatever its code; 1 if the connection was refused or lost, or if a line could not be sent; 2 for a URL or a flag that makes no sense.

Examples:

  websockets connect ws://127.0.0.1:8080/echo
  printf 'one\ntwo\n' | websockets connect ws://127.0.0.1:8080/echo
  websockets connect wss://example.com/feed </dev/null
  websockets connect --max-message 16MiB --ping-interval 5s ws://127.0.0.1:8080/chat`
}

// Run talks until either side closes.
func (c *connectCommand) Run(ctx context.Context, std *console) error {
	o := websockets.Strict()
	if err := c.apply(o); err != nil {
		return err
	}
	conn, err := websockets.Dial(ctx, c.URL, o)
	if errors.Is(err, websockets.ErrMisuse) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	fmt.Fprintf(std.stderr, "connected to %s\n", c.URL)

	s := &session{conn: conn, console: std}
	defer context.AfterFunc(ctx, func() { conn.Close(websockets.GoingAway, "") })()
	go s.send()
	return s.receive()
}

// session is one connection at work.
type session struct {
	*console
	conn *websockets.Conn

	mu      sync.Mutex
	sendErr error // why input was not sent, though the connection was open
}

// send sends the lines of standard input and closes after the last.
func (s *session) send() {
	in := bufio.NewReaderSize(s.stdin, 64<<10)
	var line []byte
	for number := 1; ; number++ {
		var err error
		line, err = readLine(in, line[:0])
		if err == nil || len(line) > 0 {
			s.sendLine(number, line)
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			s.failed(fmt.Errorf("standard input: %w", err))
		}
		s.conn.Close(websockets.NormalClosure, "")
		return
	}
}

func (s *session) sendLine(number int, line []byte) {
	err := s.conn.Send(context.Background(), websockets.Text, line)
	if errors.Is(err, websockets.ErrMisuse) {
		s.failed(fmt.Errorf("line %d was not sent: %w", number, err))
	}
}

func (s *session) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.stderr, err)
	s.sendErr = err
}

// readLine appends the next line, of any length, to dst without its newline. A
// line without newline comes with io.EOF.
func readLine(r *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		dst = append(dst, part...)
		switch err {
		case nil:
			return dst[:len(dst)-1], nil
		case bufio.ErrBufferFull:
		default:
			return dst, err
		}
	}
}

// receive prints messages until the connection has ended, and tells how that
// was.
func (s *session) receive() error {
	var buf []byte
	for noted := false; ; {
		typ, p, err := s.conn.ReceiveInto(context.Background(), buf[:0])
		if err != nil {
			return s.ended(err)
		}
		buf = p
		if typ == websockets.Binary && !noted {
			noted = true
			fmt.Fprintln(s.stderr, "binary messages are printed in hexadecimal")
		}
		if err := s.print(typ, p); err != nil {
			s.conn.Close(websockets.GoingAway, "")
			return fmt.Errorf("standard output: %w", err)
		}
	}
}

// print writes a message and its newline in one piece, as far as it is text.
func (s *session) print(typ websockets.MessageType, p []byte) error {
	if typ == websockets.Text {
		_, err := s.stdout.Write(append(p, '\n'))
		return err
	}
	out := bufio.NewWriter(s.stdout)
	if _, err := hex.NewEncoder(out).Write(p); err != nil {
		return err
	}
	out.WriteByte('\n')
	return out.Flush()
}

// ended tells how the connection ended; nil means well.
func (s *session) ended(err error) error {
	e, ok := errors.AsType[*websockets.Error](err)
	if !ok || e.Code == websockets.Abnormal {
		return err
	}
	how := e.Code.String()
	if e.Reason != "" {
		how += fmt.Sprintf(", %q", e.Reason)
	}
	if e.Kind != websockets.ErrClosed {
		return fmt.Errorf("%w: the connection was closed with %s", err, how)
	}
	who := "closed"
	if e.Remote {
		who = "closed by the server"
	}
	fmt.Fprintf(s.stderr, "%s: %s\n", who, how)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sendErr
}
