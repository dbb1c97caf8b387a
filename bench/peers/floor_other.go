//go:build !linux

package peers

// floor has no peer where there is no epoll.
func floor() []*Peer { return nil }
