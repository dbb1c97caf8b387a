package websockets_test

import (
	"context"
	"flag"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

var neighbourTime = flag.Duration("neighbours", 0, "how `long` TestAnUnreadSocketAndItsNeighbours measures each time")

// A socket that nobody reads, at either end, fills its windows and holds up none of
// the 99 others of its connection: each gets its echoes. How fast is measured only if
// that is asked for; the numbers in docs/performance.md are those of
//
//	go test -run Neighbours -v . -args -neighbours 3s
func TestAnUnreadSocketAndItsNeighbours(t *testing.T) {
	const others = 99
	for _, w := range ways {
		switch w.name {
		case "HTTP1", "HTTPAuto", "HTTP3 on a server as it is":
			continue // with connections of their own, the same as HTTP2, with no promise
		}
		t.Run(w.name, func(t *testing.T) {
			release := make(chan struct{})
			url := w.start(t, func(ctx context.Context, c *websockets.Conn) error {
				if c.Request().URL.Path == "/unread" {
					c.Send(ctx, websockets.Binary, make([]byte, 4<<20)) // nobody takes it
					<-release
					return nil
				}
				return echo(ctx, c)
			}, func(o *websockets.Options) { o.MaxMessageSize = 4 << 20 })
			defer close(release)
			d := &websockets.Dialer{Options: w.client()}
			conns := make([]*websockets.Conn, others)
			for i := range conns {
				var err error
				if conns[i], err = d.Dial(t.Context(), url+"/echo"); err != nil {
					t.Fatal(err)
				}
				defer conns[i].CloseNow()
			}
			allEcho(t, conns) // warm
			var alone, beside []float64
			for range 3 {
				alone = append(alone, allEcho(t, conns))
				unread, err := d.Dial(t.Context(), url+"/unread")
				if err != nil {
					t.Fatal(err)
				}
				if unread.LocalAddr().String() != conns[0].LocalAddr().String() {
					t.Fatal("the sockets do not share a connection")
				}
				go unread.Send(t.Context(), websockets.Binary, make([]byte, 4<<20))
				allEcho(t, conns) // until the windows are full
				beside = append(beside, allEcho(t, conns))
				unread.CloseNow()
			}
			a, b := median(alone), median(beside)
			t.Logf("%d sockets: %.0f echoes of 1 KiB a second, %.0f beside an unread one: %.2f", others, a, b, b/a)
		})
	}
}

// allEcho has every connection echo five times, and for as long as is measured. It
// returns how many echoes all had a second.
func allEcho(t *testing.T, conns []*websockets.Conn) float64 {
	var count atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for _, c := range conns {
		wg.Go(func() {
			p := make([]byte, 1<<10)
			for n := 0; n < 5 || time.Since(start) < *neighbourTime; n++ {
				if err := c.Send(t.Context(), websockets.Binary, p); err != nil {
					t.Error(err)
					return
				}
				if _, _, err := c.ReceiveInto(t.Context(), p[:0]); err != nil {
					t.Error(err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(count.Load()) / time.Since(start).Seconds()
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
