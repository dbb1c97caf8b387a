package main

import "github.com/fb1e3c20/websockets/core"

// A handle names a place of the table: 31 bits of generation, which is never 0,
// and below them 32 bits of index. So it is positive as a signed number.
type handle uint64

const mostGen = 1<<31 - 1

// A table holds connections and settings by handle. A place is used again with
// another generation, so an old handle finds nothing.
type table struct {
	places []place
	free   []uint32 // indices of places that are empty
}

// A place holds a connection, or settings: room and kept are then what connections
// begin with.
type place struct {
	conn
	set *core.Settings
	gen uint32
}

// A conn is a connection and what its handshake counts for.
type conn struct {
	*core.Conn
	room    uint32 // bytes of a head that may still come
	held    uint32 // bytes that are held for it
	agreed  uint32 // on compression; 0: none
	kept    uint32 // bytes of windows that it keeps, or may come to keep
	lent    uint32 // bytes of held that are for compression
	role    uint8  // abi.FlagClient for a client
	more    uint8  // abi.FlagMore if the call under way has left input
	shaking bool   // the handshake may have something to show
}

// add finds an empty place. It is valid until the next add.
//
//go:noinline
func (t *table) add() (*place, handle) {
	i := uint32(len(t.places))
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		t.places = append(t.places, place{gen: 1})
	}
	p := &t.places[i]
	return p, handle(p.gen)<<32 | handle(i)
}

// at returns the place that h names, nil if it names none.
func (t *table) at(h handle) *place {
	i := uint32(h)
	if uint64(i) >= uint64(len(t.places)) {
		return nil
	}
	p := &t.places[i]
	if p.gen != uint32(h>>32) {
		return nil
	}
	return p
}

// conn returns the connection that h names, nil if it names none.
func (t *table) conn(h handle) *conn {
	if p := t.at(h); p != nil && p.conn.Conn != nil {
		return &p.conn
	}
	return nil
}

// settings returns the settings that h names, nil if it names none.
func (t *table) settings(h handle) *core.Settings {
	if p := t.at(h); p != nil {
		return p.set
	}
	return nil
}

// remove empties the place that h names. One whose generations are used up is
// never used again.
//
//go:noinline
func (t *table) remove(h handle) {
	p := t.at(h)
	*p = place{gen: p.gen + 1}
	if p.gen <= mostGen {
		t.free = append(t.free, uint32(h))
	}
}
