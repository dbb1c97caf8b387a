// Package abi holds what the WASM guest and its host agree on: the numbers and
// the layout of records that docs/wasm-abi.md describes. It imports nothing but
// the core and what that is made of, since the guest is made of it too.
package abi

// Version is what ws_abi returns.
const Version = 1

// The page: where its parts begin, and how many there are of them.
const (
	PageSize = 4096

	EntropyAt = 64 // next and end
	ScratchAt = 128
	RecordsAt = 256
	WordsAt   = 1280

	Records = 64
	Words   = (PageSize - WordsAt) / 4
)

// The status record, by offset.
const (
	StatusDeadline    = 0
	StatusTaken       = 8
	StatusRecords     = 12
	StatusOutput      = 16
	StatusLength      = 20
	StatusPending     = 24
	StatusTimer       = 28
	StatusTransport   = 29
	StatusFlags       = 30
	StatusError       = 31
	StatusMask        = 32
	StatusWanted      = 36
	StatusConnections = 40
	StatusHeld        = 44
	StatusGarbage     = 48
)

// The flags of the status record.
const (
	FlagOpen = 1 << iota
	FlagRequest
	FlagResponse
	FlagMore
	FlagClient
	FlagCompressed
)

// The event record, by offset.
const (
	RecordSize = 16

	RecordKind   = 0
	RecordOp     = 1
	RecordFlags  = 2
	RecordCode   = 4
	RecordPtr    = 8
	RecordLength = 12
)

// The flags of an event record, and of ws_send and ws_header.
const (
	First = 1
	Last  = 2
)

// TakeOutput is the flag of ws_recv, ws_eof and ws_tick that has them put out
// what is pending.
const TakeOutput = 1

// RoomShift is where in the flags of ws_recv begins how many decompressed bytes an event
// has at most; 0 for PlainSize.
const RoomShift = 8

// PlainSize is how many decompressed bytes the events of one call have at most.
const PlainSize = 64 << 10

// Limits.
const (
	MostConns      = 1 << 20
	MostMemory     = 1 << 30
	DefaultConns   = 1 << 16
	DefaultMemory  = 32 << 20
	MostSent       = 1 << 20 // output of ws_send_records, when it stops
	HeadCost       = 4       // times the bytes of a handshake's head
	HandshakeCost  = 4 << 10 // and this, are held for a handshake
	RecordCost     = 48      // times the bytes of a record may be taken while it is read
	EntropyOfBirth = 4       // words that a client's handshake takes
)

// A Code is what a function returns, with its sign changed, when it is
// refused. Those below 128 are errors of the core.
type Code int32

const (
	CodeHandle Code = iota + 128
	CodeRange
	CodeArgument
	CodeEntropy
	CodeLimit
	CodeSettings
	CodeRecord
	CodeSnapshot
	CodePanic
)

// codeTexts are in the order of the codes.
var codeTexts = [...]string{
	"no such connection or settings, or no longer",
	"the byte range does not lie in the buffer",
	"an argument is out of range",
	"entropy is lacking",
	"a limit of the instance is reached",
	"a setting is out of range",
	"a record is cut off, or has more behind its end",
	"the snapshot is of another version, or damaged",
	"a mistake inside the module: the connection was freed",
}

// Text returns what c means, "" if it is none of this package's.
func (c Code) Text() string {
	if i := int(c - CodeHandle); i >= 0 && i < len(codeTexts) {
		return codeTexts[i]
	}
	return ""
}

// Error returns what c means.
func (c Code) Error() string { return "wasm: " + c.Text() }
