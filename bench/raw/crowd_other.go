//go:build !linux

package raw

import (
	"errors"
	"time"
)

type crowdSockets struct{}

// Open needs Linux.
func (c *Crowd) Open(string, int) error {
	return errors.New("a crowd of connections can only be opened on Linux")
}

// Hold returns at once.
func (c *Crowd) Hold(<-chan struct{}, time.Duration) error { return nil }

// Close has nothing to close.
func (c *Crowd) Close() {}
