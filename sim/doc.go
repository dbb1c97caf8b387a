// Package sim puts time under your control.
//
// A [Clock] is a fake clock for any test: give it to whatever takes a
// [github.com/fb1e3c20/websockets/clock.Clock], and advance it by hand. Timers
// fire inside the call that advances it, at exactly their instants and in a
// stable order, so that a test of a 58-second timeout runs in microseconds and
// judges it to the nanosecond.
package sim
