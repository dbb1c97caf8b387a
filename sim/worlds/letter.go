package worlds

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/fb1e3c20/websockets/sim"
)

// A letter is a text that tells where it belongs: which end of which connection
// sent it, its number, and how long it is. What follows differs from
// letter to letter, and has characters of one to four bytes.
//
// So whoever gets one knows whether it was lost, mixed with another, given
// twice, or meant for somebody else.
func letter(from *sim.Conn, number, size int) []byte {
	return write(from.Name(), number, size)
}

// alphabets are what the letters are filled with in turn.
var alphabets = [...]string{"aé€𝄞zß", "𝄞b", "€é", "plain text"}

func write(from string, number, size int) []byte {
	p := fmt.Appendf(nil, "%s %d %d:", from, number, size)
	return append(p, filling(number, size-len(p))...)
}

// filling is whole alphabets of at least size bytes.
func filling(number, size int) string {
	alphabet := alphabets[number%len(alphabets)]
	return strings.Repeat(alphabet, (max(size, 0)+len(alphabet)-1)/len(alphabet))
}

// readLetter returns the number of a letter that arrived on a connection.
func readLetter(on *sim.Conn, p []byte) (number int, err error) {
	near, far, _ := strings.Cut(on.Name(), ">")
	var size int
	var from string
	if _, err := fmt.Sscanf(string(p[:min(len(p), 80)]), "%s %d %d:", &from, &number, &size); err != nil {
		return 0, fmt.Errorf("%s got %.40q, which is no letter", on.Name(), p)
	}
	if want := far + ">" + near; from != want {
		return 0, fmt.Errorf("%s got a letter of %s, want one of %s", on.Name(), from, want)
	}
	if !bytes.Equal(p, write(from, number, size)) {
		return 0, fmt.Errorf("%s got letter %d of %d bytes in another form", on.Name(), number, size)
	}
	return number, nil
}

// A mailbox is one end's account of the letters of a connection.
type mailbox struct {
	conn      *sim.Conn
	sent, got int
}

// next writes the letter that is to be sent next.
func (m *mailbox) next(size int) []byte {
	m.sent++
	return letter(m.conn, m.sent-1, size)
}

// take checks that p is the letter that comes next.
func (m *mailbox) take(p []byte, r *rule) {
	number, err := readLetter(m.conn, p)
	switch {
	case err != nil:
		r.broken("%w", err)
	case number != m.got:
		r.broken("%s got letter %d, want %d", m.conn.Name(), number, m.got)
	}
	m.got++
}
