package main

import "testing"

// A whole room may come at once, before anybody has read anything.
func TestAllComeAtOnce(t *testing.T) {
	var r room
	for range maxMembers {
		if !r.join(newMember(nil), "guest") {
			t.Fatal("the room is full")
		}
	}
	if r.join(newMember(nil), "late") || len(r.members) != maxMembers {
		t.Errorf("there are %d members", len(r.members))
	}
}

func TestWhoIsNoMemberIsNotHeard(t *testing.T) {
	var r room
	ann, bob := newMember(nil), newMember(nil)
	r.join(ann, "Ann")
	r.join(bob, "Bob")
	r.leave(bob)
	told := len(ann.queue)
	r.say(bob, "hello?")
	r.leave(bob)
	if len(r.history) > 0 || len(ann.queue) != told {
		t.Error("one was heard that had left")
	}
}

// Who has been dropped leaves later than all others, when the room is gone and
// there may be another one of its name.
func TestLastToLeaveWasDropped(t *testing.T) {
	ch := newChat()
	ann, slow, bob := newMember(nil), newMember(nil), newMember(nil)
	ch.join("tea", "Ann", ann)
	ch.join("tea", "Slow", slow)
	gone := ch.rooms["tea"]
	gone.leave(slow)
	ch.leave(ann)
	ch.say(slow, "hello?")
	ch.join("tea", "Bob", bob)
	told := len(bob.queue)
	ch.say(slow, "hello?")
	ch.leave(slow)
	if r := ch.rooms["tea"]; r == nil || r == gone || len(r.members) != 1 || len(bob.queue) != told {
		t.Errorf("the room is %+v", r)
	}
	ch.leave(bob)
	if len(ch.rooms) > 0 {
		t.Errorf("there are rooms: %v", ch.rooms)
	}
}
