package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSecrets()
		alice, bob := newSession("alice", time.Hour), newSession("bob", 2*time.Hour)
		short, cancel := context.WithTimeout(alice, time.Minute)
		defer cancel()
		long, brief := x.issue(alice, alice), x.issue(alice, short)
		other := x.issue(bob, bob)
		if x.find(long) != alice || x.find(brief) != alice || x.find(other) != bob {
			t.Error("a secret does not lead to its session")
		}
		for _, wrong := range []string{"", long + "A", long[1:], brief + long} {
			if x.find(wrong) != nil || x.redeem(wrong) != nil {
				t.Errorf("%q leads to a session", wrong)
			}
		}

		time.Sleep(time.Minute)
		synctest.Wait()
		if x.find(brief) != nil || x.find(long) == nil {
			t.Error("a minute later")
		}
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if x.find(long) != nil || x.find(other) == nil {
			t.Error("an hour later")
		}
		if cause := context.Cause(alice); cause != errExpired {
			t.Errorf("the session ended with %v", cause)
		}
		bob.end(errLoggedOut)
		if x.find(other) != nil || x.redeem(other) != nil {
			t.Error("a session is found that has ended at this moment")
		}
		synctest.Wait()
		if len(x.sessions) != 0 {
			t.Errorf("%d secrets are kept for nothing", len(x.sessions))
		}
	})
}

func TestSecretForOneTime(t *testing.T) {
	x := newSecrets()
	alice := newSession("alice", time.Hour)
	defer alice.end(nil)
	secret := x.issue(alice, alice)
	if x.redeem(secret) != alice {
		t.Error("the first time")
	}
	if x.redeem(secret) != nil || x.find(secret) != nil {
		t.Error("the second time")
	}
}
