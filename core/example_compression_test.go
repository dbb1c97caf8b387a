package core_test

import (
	"fmt"
	"log"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A connection whose handshake was done elsewhere compresses as that has agreed.
func ExampleConn_Compress() {
	settings, err := core.NewSettings(core.Config{Compression: &core.Compression{Lend: &compress.Pool{}}})
	if err != nil {
		log.Fatal(err)
	}
	c, err := core.NewOpen(settings, 0, core.Server)
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Compress(deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true}); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		wire, err := c.AppendMessage(nil, frame.Text, []byte(`{"name": "somebody", "says": "hello, everybody", "to": "nobody in particular"}`))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(wire), "bytes")
	}
	// Output:
	// 71 bytes
	// 7 bytes
}
