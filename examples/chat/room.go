package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets"
)

const (
	maxMembers = 200 // of a room
	maxHistory = 50  // messages that who comes is told
)

// An event is what members are told, in JSON.
type event struct {
	Kind string `json:"kind"` // said, joined or left
	Name string `json:"name"`
	Text string `json:"text,omitempty"`
	At   int64  `json:"at"` // milliseconds since 1970
}

func happening(kind string, m *member, text string) event {
	return event{kind, m.name, text, time.Now().UnixMilli()}
}

// A welcome is what a new member is told first.
type welcome struct {
	Kind    string   `json:"kind"` // welcome
	Room    string   `json:"room"`
	Name    string   `json:"name"`              // the member's own
	Names   []string `json:"names"`             // of all members, in the order of their coming
	History []event  `json:"history,omitempty"` // the last that was said
}

// A room is guarded by its chat.
type room struct {
	name    string
	members []*member
	history []event
}

// join tells the others of m, and m of them.
func (r *room) join(m *member, name string) bool {
	if len(r.members) >= maxMembers {
		return false
	}
	m.room, m.name = r, r.unused(name)
	r.tell(happening("joined", m, ""))
	r.members = append(r.members, m)
	m.enqueue(prepare(welcome{"welcome", r.name, m.name, r.names(), r.history}))
	return true
}

// leave does nothing if m has been dropped.
func (r *room) leave(m *member) {
	i := slices.Index(r.members, m)
	if i < 0 {
		return
	}
	r.members = slices.Delete(r.members, i, i+1)
	r.tell(happening("left", m, ""))
}

// say tells everybody, unless m has been dropped.
func (r *room) say(m *member, text string) {
	if !slices.Contains(r.members, m) {
		return
	}
	said := happening("said", m, text)
	r.history = append(r.history[max(0, len(r.history)+1-maxHistory):], said)
	r.tell(said)
}

// tell queues an event for every member and waits for none: whose queue is full
// is no member any more.
func (r *room) tell(e event) {
	message := prepare(e)
	var slow []*member
	for _, m := range r.members {
		if !m.enqueue(message) {
			slow = append(slow, m)
		}
	}
	for _, m := range slow {
		m.drop()
		r.leave(m)
	}
}

// prepare makes one message of an event, for all who are told of it.
func prepare(event any) *websockets.Prepared {
	data, _ := json.Marshal(event) // has nothing that could not be JSON
	message, _ := websockets.NewPrepared(websockets.Text, data)
	return message
}

func (r *room) names() []string {
	names := make([]string, len(r.members))
	for i, m := range r.members {
		names[i] = m.name
	}
	return names
}

// unused tells members apart who want the same name.
func (r *room) unused(name string) string {
	taken, free := r.names(), name
	for n := 2; slices.Contains(taken, free); n++ {
		free = fmt.Sprintf("%s (%d)", name, n)
	}
	return free
}
