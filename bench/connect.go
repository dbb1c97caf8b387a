package main

import (
	"io"
	"sync"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// visitors is how many connect at a time.
const visitors = 8

// connect measures what a connection costs that is opened, shakes hands, has one
// message sent back, and is closed by a closing handshake.
func connect(p *plan, out io.Writer) error {
	stream, err := raw.NewStream(payload.Binary(16), uncompressed, false)
	if err != nil {
		return err
	}
	servers, err := p.start(uncompressed)
	defer stop(servers)
	if err != nil {
		return err
	}
	r := newResult("Connect, one echo, close", "a connection", servers)
	done := p.note("%s, %d servers, %d rounds", r.title, len(servers), p.rounds)
	err = p.turns(servers, func(i int) error {
		return r.costs[i].add(measureVisits(servers[i], stream, p.time))
	})
	if err != nil {
		return err
	}
	done()
	p.results = append(p.results, r)
	if err := r.table().print(out, p.markdown); err != nil {
		return err
	}
	return p.draw("connect", barsOf("Connect, one echo, close: CPU of the server, us a connection", []*result{r}))
}

func connectTakes(p *plan) time.Duration {
	return time.Duration(p.rounds*p.count(uncompressed)) * p.turn()
}

// measureVisits has visitors come and go for about so long.
func measureVisits(s *server, stream *raw.Stream, long time.Duration) (sample, error) {
	began := time.Now()
	if err := visit(s, stream, 1); err != nil {
		return sample{}, err
	}
	each := int(long/max(time.Since(began), 1)) + 1
	return s.spent(func() (int, error) { return each * visitors, visit(s, stream, each) })
}

// visit has each visitor come so many times.
func visit(s *server, stream *raw.Stream, times int) error {
	errs := make(chan error, visitors)
	var wg sync.WaitGroup
	for range visitors {
		wg.Go(func() {
			for range times {
				if err := raw.Visit(s.target(), stream); err != nil {
					errs <- s.failed(err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}
