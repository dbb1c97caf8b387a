// Package sim puts time, the network and every fault under your control, and
// makes each failure a run that repeats.
//
// It has two uses that do not need one another. A [Clock] is a fake clock for
// any test. A [World] is a simulated network of nodes, WebSocket connections
// between them, and the time in which they live; it is for testing programs,
// and this library itself, under everything that a network can do.
//
// # A world
//
// A function builds a world, and [Check] runs it from a thousand seeds:
//
//	func TestRoom(t *testing.T) {
//		sim.Check(t, func(w *sim.World) {
//			w.Faults(sim.AllFaults)
//			room := w.Server("room", newRoom)
//			w.Client("ann", room, newMember)
//			w.Client("bob", room, newMember)
//			w.Always("nobody hears himself", …)
//			w.Eventually("bob has heard ann", …)
//		})
//	}
//
// Nodes run an [App]: your program, written for events, in which a connection
// is opened, brings messages and is closed. Behind it is the real protocol core,
// driven by a driver that does no more than it must: it wakes only at deadlines
// and for input, takes input in pieces of any size, and spoils the memory that it
// lent. Between nodes are [Link]s that behave, and end, as TCP, as TLS, as a stream of
// HTTP/2, of HTTP/3 or of QUIC, or as a pipe.
//
// Nothing here is a trick with the Go runtime. The core is pure: it reads no
// clock, starts no goroutine and draws no random number. So a world is a loop
// that makes one thing happen after another, in one goroutine, and minutes pass
// in a millisecond.
//
// # One tape
//
// Whatever a program does not determine is decided by a [Tape]: how long a byte
// travels, how much a read returns, which of two things comes first, what breaks
// and when. A tape answers from a seed, from a recorded list, from the bytes of a
// fuzzer ([Fuzz]), or tries every answer in turn ([Exhaust]). The answer 0 is
// always the plainest, so a tape of zeros is an undisturbed run, and what is not
// 0 tells what a run is about.
//
// # Faults
//
// [World.Faults] allows [Faults]. Each run has some of them, chosen by its tape,
// as swarm testing wants: faults that are always together hide one another. The
// [Benign] ones end no connection. Faults happen during [World.Run]; then
// [World.Heal] ends them, and [World.Settle] lets the world come to rest.
//
// # Properties
//
// [World.Always] is checked after every step, [World.Eventually] while the healed
// world settles, and [World.Sometimes] over all runs: that what is to be tested
// was reached at all. The following hold of every world without being stated:
//
//   - What is delivered is a prefix of what was sent, and all of it when the
//     connection was closed.
//   - Close codes are truthful.
//   - No connection fails without a cause: a fault, or the other end. In
//     particular none is given up because an application is slow.
//   - A healed world settles: what was sent arrives, what was closed ends.
//   - Two ends agree on how they compress.
//   - Every call of the core does what an independent account of RFC 6455 and RFC 7692
//     says: each timer on its nanosecond, each frame, each event, each close code, each
//     mask key drawn once, each compressed bit, each bound kept, lent memory left alone.
//
// # When a run fails
//
// It is run again to see that it replays; if it does not, the first step that
// differed is named. Then its tape is shrunk to the choices that matter, often
// two or three. What is left is printed as a sequence chart with exact times,
// and saved as a [Scenario]: a text that can be read, committed, and run again.
//
// # Other machines
//
// The option [Machine] has a world, or [Scenarios], run on something else than the
// native core: the same core behind another boundary. All of the above is demanded
// of it as well, and [Compare] tells the first step in which two machines part.
//
// # Recordings
//
// Package transport/flight records what enters the core of a real connection;
// [ReplayFlight] runs it again to the same output, bit for bit.
package sim
