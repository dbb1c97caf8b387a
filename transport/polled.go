package transport

// A Polled is a [Stream] that can be waited for without a goroutine: somebody, a poller,
// waits for many at once. The sockets of a tcp.Poller and the ends of a pipe are.
//
// Whoever drives one by hand calls TryRead until it returns [ErrWouldBlock], and then
// WhenReadable; when that returns false, TryRead again.
type Polled interface {
	Stream

	// WhenReadable has w.Wake called, once, as soon as AwaitRead would return, be it
	// because of KickRead, Close or Abort: by a goroutine of the poller's, never by
	// the one that called a method of the Stream. The goroutine is the callee's for
	// as long as it wants. WhenReadable returns false if AwaitRead would return at
	// once; w is not called then, and a kick has been seen.
	//
	// It is a reading method: nobody waits in AwaitRead until w has been called.
	WhenReadable(w Waker) bool
}

// A Waker is called when what it waits for is there.
type Waker interface{ Wake() }
