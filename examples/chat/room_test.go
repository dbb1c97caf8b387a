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
