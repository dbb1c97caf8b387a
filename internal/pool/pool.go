// Package pool shares connections that carry many streams.
package pool

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// A Conn is a connection that carries many streams.
type Conn interface {
	comparable

	// Reserve holds a place for one more stream. It returns false if there is
	// none, or never will be because the connection ends or has ended.
	Reserve() bool

	// Done returns a channel that is closed when the connection has ended.
	Done() <-chan struct{}
}

// A Pool has the connections of one dialer, by where they lead. It keeps those
// that live; when they end is their own affair. The zero Pool is ready; its
// methods may be called from any goroutine.
type Pool[C Conn] struct {
	mu    sync.Mutex
	conns map[string][]C
	dials map[string]*dial
}

// A dial is on its way.
type dial struct {
	done chan struct{} // closed at its end
	err  error         // valid then; nil also if whoever dialled gave up
}

// Get returns a connection for key on which a place is held: one that is there, or
// one that open makes, which holds the place. A call that finds another one dialling for the
// same key waits for that, and fails if that fails; it dials itself if the other
// gave up because of its context, or if there is no room on what it made.
func (p *Pool[C]) Get(ctx context.Context, key string, open func(context.Context) (C, error)) (C, error) {
	var none C
	for {
		c, other, ok := p.find(key)
		if ok {
			return c, nil
		}
		if other == nil {
			return p.dial(ctx, key, open)
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return none, ctx.Err()
		}
		if other.err != nil {
			return none, other.err
		}
	}
}

// find returns a connection with a place, or whom to wait for; neither if the
// caller is to dial.
func (p *Pool[C]) find(key string) (c C, other *dial, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns[key] {
		if c.Reserve() {
			return c, nil, true
		}
	}
	if other = p.dials[key]; other != nil {
		return c, other, false
	}
	if p.dials == nil {
		p.dials = make(map[string]*dial)
		p.conns = make(map[string][]C)
	}
	p.dials[key] = &dial{done: make(chan struct{})}
	return c, nil, false
}

// dial makes a connection, for the caller and for all who wait.
func (p *Pool[C]) dial(ctx context.Context, key string, open func(context.Context) (C, error)) (c C, err error) {
	err = errors.New("the dial panicked")
	defer func() { p.dialled(key, c, err, ctx.Err() != nil) }()
	c, err = open(ctx)
	return c, err
}

// dialled ends a dial: c is there unless err tells why not.
func (p *Pool[C]) dialled(key string, c C, err error, gaveUp bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.dials[key]
	delete(p.dials, key)
	if err != nil && !gaveUp {
		d.err = err
	}
	if err == nil {
		p.conns[key] = append(p.conns[key], c)
		go p.forgetWhenDone(key, c)
	}
	close(d.done)
}

// Wait waits until every connection that there is has ended, or ctx has, whose error
// it then returns.
func (p *Pool[C]) Wait(ctx context.Context) error {
	for _, c := range p.all() {
		select {
		case <-c.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *Pool[C]) all() (all []C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conns := range p.conns {
		all = append(all, conns...)
	}
	return all
}

func (p *Pool[C]) forgetWhenDone(key string, c C) {
	<-c.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	left := slices.DeleteFunc(p.conns[key], func(other C) bool { return other == c })
	if len(left) == 0 {
		delete(p.conns, key)
		return
	}
	p.conns[key] = left
}
