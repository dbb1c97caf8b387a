package main

import (
	"os"
	"testing"
	"time"
)

// The clock of a process is that of getrusage and of /proc.
func TestProcessTime(t *testing.T) {
	before, err := processTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
	}
	after, err := processTime(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("%v, then %v, %v", before, after, err)
	}
	if _, err := processTime(1 << 23); err == nil {
		t.Error("a process that there is not has taken time")
	}
}
