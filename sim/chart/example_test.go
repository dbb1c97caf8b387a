package chart_test

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

// ping is a ping that is answered, and one that is not.
var ping = &chart.Chart{
	Title: "A ping stays without answer",
	Facts: []chart.Fact{{Name: "seed", Value: "42"}},
	Lanes: []chart.Lane{{Name: "room", About: "server"}, {Name: "ann", About: "client"}},
	Steps: []chart.Step{
		{At: 58 * time.Second, Lane: 0, Kind: chart.Expiry, Text: "ping timer", State: "open"},
		{At: 58 * time.Second, Lane: 0, Kind: chart.Send, To: 1, Arrival: 58*time.Second + 250*time.Microsecond, Text: "PING",
			Timers: []chart.Timer{{Name: "pong", At: 68 * time.Second}}},
		{At: 58*time.Second + 250*time.Microsecond, Lane: 1, Kind: chart.Receive, Text: "2 bytes"},
		{At: 58*time.Second + 250*time.Microsecond, Lane: 1, Kind: chart.Send, To: 0, Arrival: chart.Lost, Text: "PONG"},
		{At: 60 * time.Second, Lane: chart.World, Kind: chart.Fault, Text: "ann>room is cut"},
		{At: 68 * time.Second, Lane: 0, Kind: chart.Violation, Text: "no timer fires late"},
	},
	Choices:   []string{"ann>room.cut[1] = 1 of 4: cut at once"},
	Violation: "room: the pong timer was due at 68 s and did not fire",
}

func ExampleChart_WriteText() {
	if err := ping.WriteText(os.Stdout, chart.TextOptions{Width: 90}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// A ping stays without answer
	// seed 42
	//
	//            room      ann
	//            server    client
	//            ┊         ┊             58s later
	// 58         ◷         │  timer      ping timer · now open
	//            ├────────▶│  send       PING · +250µs · +pong@68
	// 58.000250  │         ◆  receive    2 bytes
	//            │     ✕───┤  send       PONG · lost
	//            ┊         ┊             1.99975s later
	// 60         ┿━━━━━━━━━┿  fault      ann>room is cut
	//            ┊         ┊             8s later
	// 68         ✗         │  VIOLATION  no timer fires late
	//
	// at the end:
	//   room  open  pong at 68 (due now)
	//
	// 1 choice made this run:
	//    1. ann>room.cut[1] = 1 of 4: cut at once
	//
	// violated:
	//   room: the pong timer was due at 68 s and did not fire
}

func ExampleChart_WriteHTML() {
	var page bytes.Buffer // or a file, to open in a browser
	if err := ping.WriteHTML(&page); err != nil {
		fmt.Println(err)
	}
	fmt.Println(bytes.HasPrefix(page.Bytes(), []byte("<!doctype html>")))
	// Output: true
}

func ExampleChart_Check() {
	c := &chart.Chart{
		Lanes: []chart.Lane{{Name: "room"}},
		Steps: []chart.Step{{Lane: 0, Kind: chart.Send, Text: "hello", To: 1}},
	}
	fmt.Println(c.Check())
	// Output: chart: step 0: it sends to lane 1, which does not exist: there are 1
}
