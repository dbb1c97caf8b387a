package main

import "testing"

func TestAccounts(t *testing.T) {
	a := newAccounts(2)
	if err := a.add("alice", "wonderland"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, password string
		want           bool
	}{
		{"alice", "wonderland", true},
		{"alice", "Wonderland", false},
		{"alice", "", false},
		{"bob", "wonderland", false},
		{"", "", false},
	} {
		if got := a.check(test.user, test.password); got != test.want {
			t.Errorf("%q with %q: %v, want %v", test.user, test.password, got, test.want)
		}
	}
}
