package main

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fb1e3c20/websockets"
)

const (
	maxText  = 2048 // bytes of a message
	maxLabel = 32   // characters of a name, of a member or a room
	pace     = 100 * time.Millisecond
)

// A chat is a number of rooms. They come with their first member and go with
// the last.
type chat struct {
	mu    sync.Mutex // never held while anything waits
	rooms map[string]*room
}

func newChat() *chat { return &chat{rooms: make(map[string]*room)} }

// serve has a connection be a member of the room that its URL names.
//
// A script in a browser does not learn why a handshake failed: what people are
// to know comes with a close code, after the handshake.
func (ch *chat) serve(ctx context.Context, c *websockets.Conn) error {
	wanted := c.Request().URL.Query()
	m := newMember(c)
	if !ch.join(label(wanted.Get("room"), "lobby"), label(wanted.Get("name"), "guest"), m) {
		return c.Close(websockets.TryAgainLater, "the room is full")
	}
	defer ch.leave(m)
	go m.send(ctx)
	for said, err := range c.Messages(ctx) {
		switch {
		case err != nil:
			return err
		case said.Type != websockets.Text:
			return c.Close(websockets.UnsupportedData, "a message is a text")
		}
		if text := strings.TrimSpace(string(said.Data)); text != "" {
			ch.say(m, text)
		}
		time.Sleep(pace) // not to receive holds the peer back: nobody can drown the others
	}
	return nil
}

// join makes m a member, unless the room is full.
func (ch *chat) join(where, name string, m *member) bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	r := ch.rooms[where]
	if r == nil {
		r = &room{name: where}
		ch.rooms[where] = r
	}
	return r.join(m, name)
}

func (ch *chat) say(m *member, text string) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	m.room.say(m, text)
}

// leave has a room go that is empty. It may have gone before, if m has been
// dropped, and another one may have its name.
func (ch *chat) leave(m *member) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	r := m.room
	r.leave(m)
	if len(r.members) == 0 && ch.rooms[r.name] == r {
		delete(ch.rooms, r.name)
	}
}

// label makes a name of what somebody has typed.
func label(typed, otherwise string) string {
	visible := strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || unicode.IsSpace(c) {
			return c
		}
		return -1
	}, typed)
	characters := []rune(strings.Join(strings.Fields(visible), " "))
	if len(characters) == 0 {
		return otherwise
	}
	return strings.TrimSpace(string(characters[:min(len(characters), maxLabel)]))
}
