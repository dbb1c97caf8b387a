package quicconn

import (
	"errors"
	"net"
	"strings"
)

// An EndError is why a stream or a connection ended, or never came to be, that this
// side did not close. The errors of quic-go match net.ErrClosed, also when it was the
// peer or the network; this one does not.
type EndError struct {
	What string
	Kind error // an exported one that it matches, or nil
	Err  error // of quic-go
}

func (e *EndError) Error() string {
	return e.What + ": " + strings.TrimPrefix(e.Err.Error(), "http3: ")
}

func (e *EndError) Is(target error) bool {
	return target == e.Kind || target != net.ErrClosed && errors.Is(e.Err, target)
}

func (e *EndError) As(target any) bool { return errors.As(e.Err, target) }

// Timeout reports whether it was silence that ended the connection, as with
// [net.Error].
func (e *EndError) Timeout() bool {
	late, ok := errors.AsType[net.Error](e.Err)
	return ok && late.Timeout()
}
