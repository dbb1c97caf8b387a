// Package chart draws a run as a sequence chart: lanes over time, arrows for
// what was sent, and what went wrong.
//
// A [Chart] is plain data, whatever made it.
package chart
