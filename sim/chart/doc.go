// Package chart draws a run of connections as a sequence chart: a lifeline for
// each end, arrows for what was sent, timers, faults, and what went wrong.
//
// A [Chart] is plain data, and whoever has a run makes one: the simulator does,
// of a run that failed, and so can a program that recorded real connections.
// The package knows nothing of either.
//
// # As text
//
// [Chart.WriteText] is for the output of a failing test. It takes a line a
// step; this is a ping that was lost, with the times in seconds:
//
//	           room      ann
//	           server    client
//	58         ◷         │  timer      ping timer
//	           ├────────▶│  send       PING · +250µs · +pong@68
//	58.000250  │         ◆  receive    2 bytes
//	           │     ✕───┤  send       PONG · lost
//	           ┊         ┊             9.99975s later
//	68         ◷         │  timer      pong timer · now failed -pong
//
// The words of a step are followed by what it changed: how long a send was on
// its way, the state that the connection is in from now on, timers that began
// to run (+pong@68 runs out at 68 s) and those that run no more (-pong). An arrow
// whose end is not in the next line is broken and has a number: it arrives where
// that number comes again.
//
// # As a page
//
// [Chart.WriteHTML] is for looking around: one HTML file that needs no network
// and no server. Its axis is the order of steps, or time in proportion. The
// colour of a lifeline is the state of its connection; each timer is a wedge
// beside it, thinner the less time is left. A step shows all of itself when it is
// selected, bytes included. The page says what keys it has, and #17 after its
// address selects the 17th step.
//
// # What may be in it
//
// Payloads, reasons and names come from peers that may be hostile, so every
// text is escaped where it is drawn: no sequence reaches a terminal as more than
// text, and none becomes an element or a script of the page, which is forbidden to
// load anything as well. What is drawn still shows what was sent: leave
// out payloads that must not be seen.
package chart
