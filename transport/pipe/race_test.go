//go:build race

package pipe_test

// Under the race detector a sync.Pool forgets things at random.
const raceDetector = true
