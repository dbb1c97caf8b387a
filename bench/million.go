package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/bench/peers"
)

// mostPerProcess is how many connections a process has at most, however many
// descriptors it may open: some less than an address has ports for.
const mostPerProcess = 18_000

// errUsedUp is the limit when not enough memory is left.
const errUsedUp = limit("the machine's memory is used up")

// memoryLeft returns how much memory can be used, in bytes.
func memoryLeft() (uint64, error) { return kilobytesOf(meminfo, "MemAvailable") }

// address is the i-th of a net of this machine.
func address(net, i int) string { return fmt.Sprintf("127.%d.%d.%d", net, i/250, i%250+1) }

// million opens idle connections over as many processes as they need, with pings
// running, and reports at some numbers of them what they hold and cost. It ends where
// the machine does.
func million(p *plan, out io.Writer) error {
	for _, peer := range p.holders() {
		c := &crowds{plan: p, peer: peer}
		t, err := c.run()
		c.stop()
		if err := errors.Join(err, t.print(out, p.markdown)); err != nil {
			return err
		}
	}
	return nil
}

func millionTakes(p *plan) time.Duration {
	one := time.Duration(len(stages(p.million)))*(p.ping+p.rest) + time.Duration(p.million)*400*time.Microsecond
	return time.Duration(len(p.holders())) * one
}

// holders are the peers that were asked for by name, or those that ping by themselves.
func (p *plan) holders() (list []*peers.Peer) {
	for _, peer := range p.peers {
		if peer.Has(uncompressed) && (p.named || peer.Hold != nil) {
			list = append(list, peer)
		}
	}
	return list
}

// stages are the numbers of connections at which there is a report.
func stages(most int) (list []int) {
	for _, n := range []int{10_000, 100_000} {
		if n < most {
			list = append(list, n)
		}
	}
	return append(list, most)
}

// crowds are servers of one peer and their clients.
type crowds struct {
	plan    *plan
	peer    *peers.Peer
	servers []*server
	bare    []memory // of each server without connections
	clients []*crowd
	before  kernelMemory
}

func (c *crowds) run() (*table, error) {
	t := &table{
		title: fmt.Sprintf("%s: idle connections, each pinged every %v", c.peer.Name, c.plan.ping),
		header: []string{"connections", "processes of servers", "resident, KiB", "heap, KiB", "stack, KiB", "CPU us a ping",
			"CPU of all servers", "kernel, both ends, KiB", "of it slab", "buffers", "lost"},
	}
	var err error
	if c.before, err = readKernelMemory(); err != nil {
		return t, err
	}
	for _, n := range stages(c.plan.million) {
		problem, err := c.grow(n)
		if err != nil {
			return t, err
		}
		if err := c.report(t); err != nil {
			return t, err
		}
		if problem != "" {
			t.title += fmt.Sprintf(" (no more than %d: %s)", c.open(), problem)
			break
		}
	}
	return t, nil
}

// open is how many connections were opened.
func (c *crowds) open() (n int) {
	for _, client := range c.clients {
		n += int(client.opened.Open)
	}
	return n
}

// grow opens connections until there are n, or returns what problem it has met.
func (c *crowds) grow(n int) (problem string, err error) {
	for c.open() < n {
		free, err := memoryLeft()
		if err != nil {
			return "", err
		}
		if free < c.plan.spare {
			return errUsedUp.Error(), nil
		}
		done := c.plan.note("%s, %d of %d connections, %.1f GiB free", c.peer.Name, c.open(), n, float64(free)/(1<<30))
		problem, err := c.add(min(n-c.open(), c.plan.perProcess))
		if err != nil || problem != "" {
			return problem, err
		}
		done()
	}
	return "", nil
}

// add starts a server and a client, each on an address of their own, with n
// connections.
func (c *crowds) add(n int) (problem string, err error) {
	i := len(c.servers)
	j := &job{peer: c.peer, mode: uncompressed, listen: address(1, i) + ":0"}
	pings := c.plan.ping
	if c.peer.Hold != nil {
		j.kind, j.ping, pings = kindHold, pings, 0
	}
	s, err := start(j)
	if err != nil {
		return "", err
	}
	c.servers = append(c.servers, s)
	bare, err := s.resident()
	if err != nil {
		return "", err
	}
	c.bare = append(c.bare, bare)
	client, err := startCrowd(s, address(2, i), n, pings)
	if err != nil {
		return "", err
	}
	c.clients = append(c.clients, client)
	return client.opened.Problem, nil
}

// report adds a line for the connections that there are, watched for as long as it
// takes to ping them all.
func (c *crowds) report(t *table) error {
	time.Sleep(c.plan.rest)
	cpuBefore, before, err := c.spent()
	if err != nil {
		return err
	}
	done := c.plan.note("%s, %d connections, watched for %v", c.peer.Name, c.open(), c.plan.ping)
	time.Sleep(c.plan.ping)
	cpu, after, err := c.spent()
	if err != nil {
		return err
	}
	done()
	grown, err := c.grown()
	if err != nil {
		return err
	}
	kernel, err := readKernelMemory()
	if err != nil {
		return err
	}
	n, pings, used := float64(after.Open), after.Pings-before.Pings, cpu-cpuBefore
	if pings < after.Open*9/10 {
		return fmt.Errorf("%s: %d pings on %d connections in %v", c.peer.Name, pings, after.Open, c.plan.ping)
	}
	each := func(after, before uint64) string {
		return fmt.Sprintf("%.2f", (float64(after)-float64(before))/n/1024)
	}
	t.add(after.Open, len(c.servers), each(grown.Resident, 0), each(grown.Heap, 0), each(grown.Stack, 0),
		significant(float64(used)/1e3/float64(pings)), fmt.Sprintf("%.0f %%", 100*used.Seconds()/c.plan.ping.Seconds()),
		each(kernel.total(), c.before.total()), each(kernel.slab, c.before.slab), each(kernel.sockets, c.before.sockets), after.Lost)
	return nil
}

// spent returns the CPU time of the servers, and what the clients tell.
func (c *crowds) spent() (cpu time.Duration, total crowdAnswer, err error) {
	for i, s := range c.servers {
		d, err := s.cpu()
		if err != nil {
			return 0, total, err
		}
		stats, err := c.clients[i].stats()
		if err != nil {
			return 0, total, fmt.Errorf("a client of %s: %w", s, err)
		}
		cpu += d
		total.Open += stats.Open
		total.Lost += stats.Lost
		total.Pings += stats.Pings
	}
	return cpu, total, nil
}

// grown is by how much the memory of the servers has grown.
func (c *crowds) grown() (total memory, err error) {
	for i, s := range c.servers {
		m, err := s.resident()
		if err != nil {
			return total, err
		}
		total.Resident += m.Resident - min(m.Resident, c.bare[i].Resident)
		total.Heap += m.Heap - min(m.Heap, c.bare[i].Heap)
		total.Stack += m.Stack - min(m.Stack, c.bare[i].Stack)
	}
	return total, nil
}

// stop ends all processes, clients first.
func (c *crowds) stop() {
	for _, client := range slices.Backward(c.clients) {
		client.stop()
	}
	stop(c.servers)
}
