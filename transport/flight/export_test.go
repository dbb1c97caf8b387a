package flight

// RemoveFilesBy has the Recorder remove files by another function, until it is
// called again with what it returns.
func RemoveFilesBy(remove func(string) error) (before func(string) error) {
	before, removeFile = removeFile, remove
	return before
}

var WriteWhole = writeWhole
