package streamtest

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
)

// runSleeper checks what streams have to keep that are [transport.Sleeper].
func runSleeper(t *testing.T, pair func(t *testing.T) (a, b transport.Stream)) {
	for _, test := range []struct {
		name    string
		happens func(a transport.Sleeper, b transport.Stream)
		ends    func(error) bool
	}{
		{"InputEndsIt", func(_ transport.Sleeper, b transport.Stream) { b.TryWrite([]byte("x")) }, isNil},
		{"EndOfFileEndsIt", func(_ transport.Sleeper, b transport.Stream) { b.CloseWrite() }, isNil},
		{"PeersAbortEndsIt", func(_ transport.Sleeper, b transport.Stream) { b.Abort() }, func(error) bool { return true }},
		{"KickReadEndsIt", func(a transport.Sleeper, _ transport.Stream) { a.KickRead() }, is(transport.ErrKicked)},
		{"CloseEndsIt", func(a transport.Sleeper, _ transport.Stream) { a.Close() }, is(net.ErrClosed)},
		{"AbortEndsIt", func(a transport.Sleeper, _ transport.Stream) { a.Abort() }, is(net.ErrClosed)},
	} {
		for _, when := range []string{"Before", "While"} {
			t.Run(test.name+when, func(t *testing.T) {
				expectNoLeak(t)
				a, b := pair(t)
				t.Cleanup(func() { a.Abort(); b.Abort() })
				s, ok := a.(transport.Sleeper)
				if !ok {
					return
				}
				if when == "Before" {
					test.happens(s, b)
				} else {
					time.AfterFunc(10*time.Millisecond, func() { test.happens(s, b) })
				}
				var err error
				within(t, "Sleep", func() { err = s.Sleep() })
				if !errors.Is(err, errors.ErrUnsupported) && !test.ends(err) {
					t.Errorf("Sleep returned %v", err)
				}
			})
		}
	}
	t.Run("NothingIsRead", func(t *testing.T) {
		a, b := pair(t)
		t.Cleanup(func() { a.Abort(); b.Abort() })
		s, ok := a.(transport.Sleeper)
		if !ok {
			return
		}
		b.TryWrite([]byte("abc"))
		within(t, "Sleep", func() { s.Sleep() })
		l := &lender{t: t, buf: make([]byte, 9)}
		var got []byte
		within(t, "AwaitRead", func() {
			for len(got) < 3 {
				n, err := a.AwaitRead(l)
				if err != nil {
					return
				}
				got = append(got, l.buf[:n]...)
				l.Return()
			}
		})
		if string(got) != "abc" {
			t.Errorf("read %q, want abc", got)
		}
	})
}

func isNil(err error) bool { return err == nil }

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// runFinisher checks what streams have to keep that are [transport.Finisher].
func runFinisher(t *testing.T, pair func(t *testing.T) (a, b transport.Stream)) {
	for name, last := range map[string]string{"LastBytesAndTheEnd": "last", "TheEndAlone": ""} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			t.Cleanup(func() { a.Abort(); b.Abort() })
			f, ok := a.(transport.Finisher)
			if !ok {
				return
			}
			n, err := f.TryFinish([]byte(last))
			if errors.Is(err, errors.ErrUnsupported) {
				return
			}
			if n != len(last) || err != nil {
				t.Fatalf("TryFinish: %d, %v", n, err)
			}
			if n, err := a.TryWrite([]byte("x")); n != 0 || err == nil {
				t.Errorf("TryWrite after it: %d, %v", n, err)
			}
			l := &lender{t: t, buf: make([]byte, 9)}
			var got []byte
			within(t, "reading to the end", func() {
				for err = nil; err == nil; {
					var n int
					if n, err = b.AwaitRead(l); err == nil {
						got = append(got, l.buf[:n]...)
						l.Return()
					}
				}
			})
			if string(got) != last || err != io.EOF {
				t.Errorf("the peer read %q and %v", got, err)
			}
			if n, err := b.TryWrite([]byte("back")); n != 4 || err != nil {
				t.Errorf("the other direction: %d, %v", n, err)
			}
		})
	}
}
