package websockets_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/fb1e3c20/websockets"
)

// exampleConn connects to a server with the handler.
func exampleConn(h websockets.HandlerFunc) (c *websockets.Conn, end func()) {
	server := httptest.NewServer(websockets.Handle(h, websockets.Strict()))
	c, err := websockets.Dial(context.Background(), server.URL, websockets.Strict())
	if err != nil {
		log.Fatal(err)
	}
	return c, func() {
		c.CloseNow()
		server.Close()
	}
}

// A message of any size goes to where it belongs without being held in memory.
func ExampleConn_Reader() {
	c, end := exampleConn(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, []byte("a long message\n"))
	})
	defer end()

	typ, r, err := c.Reader(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(typ)
	if _, err := io.Copy(os.Stdout, r); err != nil {
		log.Fatal(err)
	}
	// Output:
	// text
	// a long message
}

// A message is sent as it comes into being. The bufio.Writer makes few fragments
// of many small writes.
func ExampleConn_Writer() {
	count := func(ctx context.Context, c *websockets.Conn) error {
		w, err := c.Writer(ctx, websockets.Text)
		if err != nil {
			return err
		}
		defer w.Cancel() // gives the message up, unless it is closed
		buffered := bufio.NewWriter(w)
		for i := range 5 {
			fmt.Fprintf(buffered, "%d ", i)
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
		return w.Close()
	}
	c, end := exampleConn(count)
	defer end()

	_, p, err := c.Receive(context.Background())
	fmt.Printf("%s %v\n", p, err)
	// Output: 0 1 2 3 4  <nil>
}

// The loop ends when the peer has closed; only what is wrong is an error.
func ExampleConn_Messages() {
	c, end := exampleConn(func(ctx context.Context, c *websockets.Conn) error {
		c.Send(ctx, websockets.Text, []byte("one"))
		c.Send(ctx, websockets.Text, []byte("two"))
		return nil // closes with 1000
	})
	defer end()

	for m, err := range c.Messages(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v %s\n", m.Type, m.Data)
	}
	fmt.Println(websockets.CloseStatus(c.Err()))
	// Output:
	// text one
	// text two
	// 1000 normal closure
}

func ExampleConn_ReceiveJSON() {
	type order struct {
		Item  string `json:"item"`
		Count int    `json:"count"`
	}
	c, end := exampleConn(func(ctx context.Context, c *websockets.Conn) error {
		var o order
		if err := c.ReceiveJSON(ctx, &o); err != nil {
			return err // closes with 1007 if the message is something else
		}
		o.Count *= 2
		return c.SendJSON(ctx, o)
	})
	defer end()

	ctx := context.Background()
	if err := c.SendJSON(ctx, order{"pear", 2}); err != nil {
		log.Fatal(err)
	}
	var o order
	if err := c.ReceiveJSON(ctx, &o); err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Count, o.Item)
	// Output: 4 pear
}

// A message for many connections is checked once, and its memory is shared.
func ExampleConn_SendPrepared() {
	news, err := websockets.NewPrepared(websockets.Text, []byte("news for everybody"))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		c, end := exampleConn(func(ctx context.Context, c *websockets.Conn) error {
			return c.SendPrepared(ctx, news)
		})
		_, p, _ := c.Receive(context.Background())
		fmt.Printf("%s\n", p)
		end()
	}
	// Output:
	// news for everybody
	// news for everybody
}

// A line protocol over a WebSocket.
func ExampleNetConn() {
	c, end := exampleConn(func(ctx context.Context, c *websockets.Conn) error {
		conn := websockets.NetConn(ctx, c, websockets.Binary)
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			fmt.Fprintln(conn, strings.ToUpper(lines.Text()))
		}
		return lines.Err()
	})
	defer end()

	conn := websockets.NetConn(context.Background(), c, websockets.Binary)
	fmt.Fprintln(conn, "hello")
	line, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Print(line, err, conn.Close())
	// Output:
	// HELLO
	// <nil> <nil>
}
