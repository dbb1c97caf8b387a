package flight

import "slices"

// RemoveFilesBy has the Recorder remove files by another function, until it is
// called again with what it returns.
func RemoveFilesBy(remove func(string) error) (before func(string) error) {
	before, removeFile = removeFile, remove
	return before
}

var WriteWhole = writeWhole

// RedactHead redacts a head that comes in pieces.
func RedactHead(in []byte, size int) []byte {
	var h head
	var lines []byte
	for piece := range slices.Chunk(in, size) {
		lines = append(lines, h.feed(piece, false)...)
	}
	return append(lines, h.feed(nil, true)...)
}
