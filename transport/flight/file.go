package flight

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/fb1e3c20/websockets/core"
)

const (
	magic   = "\x89WSF\r\n\x1a\n"
	version = 1
)

// What the facts of a file say in one byte.
const (
	isRedacted byte = 1 << iota
	isClient
	isOpen
	isDropped // the beginning is, and the first record is a checkpoint
	isCompressing
)

// endReason tells why a recording ends where it does.
type endReason byte

const (
	endedHere        endReason = iota // the connection ended, or was still up
	endedByLimit                      // the limit was reached, and the machine's state cannot be kept
	endedByRedaction                  // the redacted copy behaved in another way
)

// AppendRecording appends the recording so far, a whole file, to dst. cause is
// kept with it: what is known of how the connection ended, "" for nothing. It
// may be called from any goroutine at any time.
func (f *Flight) AppendRecording(dst []byte, cause string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, version)
	dst = appendBytes(dst, f.appendFacts(nil, cause))
	dst = append(dst, f.log.old...)
	dst = append(dst, f.log.b...)
	dst = append(dst, byte(opEnd), byte(f.stopped))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// WriteTo writes the recording so far to w.
func (f *Flight) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(f.AppendRecording(nil, ""))
	return int64(n), err
}

func (f *Flight) appendFacts(b []byte, cause string) []byte {
	if f.redacted {
		cause = ""
	}
	b = append(b, bit(f.redacted, isRedacted)|bit(f.birth.Role == core.Client, isClient)|
		bit(f.birth.Open, isOpen)|bit(f.log.dropped, isDropped)|bit(f.birth.compresses(), isCompressing))
	b = binary.AppendVarint(b, f.wall.UnixNano())
	b = appendBytes(b, software())
	b = appendBytes(b, f.birth.Label)
	b = appendBytes(b, cause)
	b = appendBirth(b, &f.birth)
	return appendWords(b, f.first)
}

const module = "github.com/fb1e3c20/websockets"

// software names the version of this module in the program that runs.
var software = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return module
	}
	found := info.Main
	for _, m := range info.Deps {
		if m.Path == module {
			found = *m
		}
	}
	if found.Path != module {
		return module
	}
	return strings.TrimSpace(module+" "+found.Version) + " " + info.GoVersion
})
