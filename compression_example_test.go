package websockets_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/fb1e3c20/websockets"
)

// Texts are compressed, pictures are not, and a token never is.
func ExampleCompression() {
	o := websockets.Strict()
	o.Compression = &websockets.Compression{
		Choose: func(typ websockets.MessageType, p []byte) bool { return typ == websockets.Text },
	}
	server := httptest.NewServer(websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		if err := c.Send(ctx, websockets.Text, []byte(strings.Repeat("hello, ", 1000))); err != nil {
			return err
		}
		return c.SendUncompressed(ctx, websockets.Text, []byte("a token of the session, long enough to be compressed if it were not for this"))
	}, o))
	defer server.Close()

	ctx := context.Background()
	c, err := websockets.Dial(ctx, server.URL, &websockets.Options{Compression: &websockets.Compression{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	for m, err := range c.Messages(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(m.Data), "bytes")
	}
	fmt.Println("compressed:", c.Compressed(), "less than 700 bytes on the wire:", c.Stats().BytesReceived < 700)
	// Output:
	// 7000 bytes
	// 76 bytes
	// compressed: true less than 700 bytes on the wire: true
}
