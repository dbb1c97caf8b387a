// Package streamtest checks that a byte stream keeps the contract of
// [transport.Stream], and those of [transport.Polled], [transport.Sleeper] and
// [transport.Finisher] if it is one, so that whoever writes a
// carrier of their own knows that the driver can rely on it.
//
//	func TestStream(t *testing.T) {
//		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
//			return mycarrier.Pair()
//		})
//	}
//
// Every subtest is named after the sentence of the contract that it checks.
// They are most worth with the race detector on and with -count=100.
package streamtest

import (
	"testing"

	"github.com/fb1e3c20/websockets/transport"
)

// Run checks streams against the contract. It calls pair for the two ends of a
// fresh connection at the start of each subtest and aborts both at its end;
// then everything that pair started should come to an end as well, within ten
// seconds. A carrier that has no CloseWrite passes without; each direction must
// take a hundred bytes that nobody reads.
func Run(t *testing.T, pair func(t *testing.T) (a, b transport.Stream)) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, transport.Stream, transport.Stream)
	}{
		{"BytesArriveInOrder", bytesArriveInOrder},
		{"CloseWriteEndsOneDirection", closeWriteEndsOneDirection},
		{"TryReadDoesNotWait", tryReadDoesNotWait},
		{"AwaitReadBorrowsOnlyWhenReadable", awaitReadBorrowsOnlyWhenReadable},
		{"KickReadWakesTheWait", kickReadWakesTheWait},
		{"KickReadIsKeptForTheNextWait", kickReadIsKeptForTheNextWait},
		{"KickWriteWakesTheWait", kickWriteWakesTheWait},
		{"KickWriteIsKeptForTheNextWait", kickWriteIsKeptForTheNextWait},
		{"KicksLoseNoByte", kicksLoseNoByte},
		{"ReadableTellsInputAndItsEnd", readableTellsInputAndItsEnd},
		{"ReadableWhileAnotherWaits", readableWhileAnotherWaits},
		{"WritingStopsUntilThePeerReads", writingStopsUntilThePeerReads},
		{"RoomMadeBeforeTheWaitIsSeen", roomMadeBeforeTheWaitIsSeen},
		{"BothDirectionsBlocked", bothDirectionsBlocked},
		{"CloseDeliversWhatWasAccepted", closeDeliversWhatWasAccepted},
		{"CloseEndsEveryWait", closeEndsEveryWait},
		{"AbortEndsEveryWait", abortEndsEveryWait},
		{"PeerSeesAbort", peerSeesAbort},
		{"NothingWorksAfterClose", nothingWorksAfterClose},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectNoLeak(t)
			a, b := pair(t)
			t.Cleanup(func() { a.Abort(); b.Abort() })
			test.run(t, a, b)
		})
	}
	t.Run("WhenReadable", func(t *testing.T) { runPolled(t, pair) })
	t.Run("Sleep", func(t *testing.T) { runSleeper(t, pair) })
	t.Run("TryFinish", func(t *testing.T) { runFinisher(t, pair) })
}
