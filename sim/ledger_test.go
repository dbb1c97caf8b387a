package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

func TestLedger(t *testing.T) {
	var l ledger
	l.send(frame.Text, []byte("on"), false)
	l.send(frame.Continuation, []byte("e"), true)
	l.send(frame.Binary, []byte("two"), true)
	l.send(frame.Text, []byte("not ended"), false)
	if n := l.undelivered(); n != 2 {
		t.Errorf("%d are undelivered, want 2", n)
	}
	for _, step := range []struct {
		op   frame.Opcode
		data string
		want string
	}{
		{frame.Text, "on", `message 0 arrived as text "on", it was sent as text "one"`},
		{frame.Text, "one", ""},
		{frame.Text, "two", `message 1 arrived as text "two", it was sent as binary "two"`},
		{frame.Binary, "two", ""},
		{frame.Text, "not ended", "a text message of 9 bytes arrived that was never sent"},
	} {
		err := l.deliver(step.op, []byte(step.data))
		if got := fmt.Sprint(err); step.want == "" && err != nil || step.want != "" && got != step.want {
			t.Errorf("%v %q: %v, want %q", step.op, step.data, err, step.want)
		}
	}
	if err := l.checkClose(1000); err == nil {
		t.Error("a close frame that nobody sent")
	}
	l.closedWith(1000)
	if err := l.checkClose(1000); err != nil {
		t.Error(err)
	}
	if err := l.checkClose(1001); err == nil {
		t.Error("another code")
	}
	l.send(frame.Text, nil, true)
	if err := l.checkClose(1000); err == nil || !strings.Contains(err.Error(), "1 messages") {
		t.Errorf("a message is missing: %v", err)
	}
}

// A ledger keeps what is on its way, not what was.
func TestLedgerKeepsNothing(t *testing.T) {
	var l ledger
	p := make([]byte, 100)
	for i := range 10_000 {
		p[0] = byte(i)
		l.send(frame.Binary, p, true)
		if i >= 10 {
			p[0] = byte(i - 10)
			if err := l.deliver(frame.Binary, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if l.undelivered() != 10 || cap(l.sent) > 256 {
		t.Errorf("%d are undelivered, %d are kept", l.undelivered(), cap(l.sent))
	}
	if got := testing.AllocsPerRun(100, func() {
		l.send(frame.Binary, p, true)
		l.sent[l.next].data = append(l.sent[l.next].data[:0], p...)
		l.deliver(frame.Binary, p)
	}); got > 1 {
		t.Errorf("%v allocations a message", got)
	}
}
