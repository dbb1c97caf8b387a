package deflate_test

import (
	"fmt"
	"log"

	"github.com/fb1e3c20/websockets/core/deflate"
)

// A message that comes in two pieces, which is the example of RFC 7692 section 7.2.3.1.
func ExampleInflater() {
	z := new(deflate.Inflater)
	w := deflate.MakeWindow(make([]byte, 4096)) // what later messages may refer to
	dst := make([]byte, 1024)
	for _, piece := range []string{"\xf2\x48\xcd", "\xc9\xc9\x07\x00", deflate.Tail} {
		n, _, err := z.Inflate(&w, dst, []byte(piece)) // dst is large enough to use all of it
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q ", dst[:n])
	}
	fmt.Println(z.AtBoundary())
	// Output: "He" "llo" "" true
}

// A client offers, a server answers, and both have agreed.
func ExampleParams() {
	client := deflate.Params{SendBits: 15, ReceiveBits: 15, SendTakeover: true, ReceiveTakeover: true}
	server := deflate.Params{SendBits: 12, ReceiveBits: 12, SendTakeover: true, ReceiveTakeover: true}
	fmt.Printf("%s\n", client.AppendOffers(nil))

	offer := func(yield func(deflate.Param) bool) { // as it was understood
		yield(deflate.Param{Name: "client_max_window_bits"})
	}
	answer, agreed, ok := server.Answer(nil, offer)
	fmt.Printf("%s\n%+v %t\n", answer, agreed, ok)
	// Output:
	// permessage-deflate; client_max_window_bits
	// permessage-deflate; server_max_window_bits=12; client_max_window_bits=12
	// {SendBits:12 ReceiveBits:12 SendTakeover:true ReceiveTakeover:true} true
}
