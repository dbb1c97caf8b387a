package compress_test

import (
	"fmt"
	"log"

	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/deflate/compress"
)

// The second message refers to the first, which is in the window.
func ExampleCompressor() {
	c, err := compress.New(12, 0)
	if err != nil {
		log.Fatal(err)
	}
	w := deflate.MakeWindow(make([]byte, 1<<12))
	for range 2 {
		p := c.Append(nil, &w, []byte(`{"name": "somebody", "says": "hello, everybody", "to": "nobody in particular"}`), true)
		fmt.Println(len(p), "bytes of 77")
	}
	// Output:
	// 69 bytes of 77
	// 5 bytes of 77
}
