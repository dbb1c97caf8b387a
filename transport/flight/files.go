package flight

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// A file is named by the time at which it is written, so that names sort by that
// time: when the connection began is in the facts.
const (
	layout = "20060102T150405.000000000Z"
	part   = ".part" // a file that is being written
)

// oneOfOurs is what the name of a file looks like.
var oneOfOurs = regexp.MustCompile(`^flight-([0-9]{8}T[0-9]{6}\.[0-9]{9}Z)-(?:server|client)-[0-9]+-[0-9]+\.wsf(\.part)?$`)

// serial tells the files of a process apart.
var serial atomic.Int64

func (f *Flight) fileName(now time.Time) string {
	return fmt.Sprintf("flight-%s-%s-%d-%d.wsf", now.UTC().Format(layout), f.birth.Role, os.Getpid(), serial.Add(1))
}

// write writes a file and reports it. A file is never seen in part.
func (r *Recorder) write(f *Flight, cause string) error {
	path, stuck, err := r.writeFile(f, cause)
	if err != nil {
		path, err = "", fmt.Errorf("flight: a recording could not be written: %w", err)
	}
	r.report(path, err)
	if stuck != nil {
		r.report("", fmt.Errorf("flight: an old recording could not be removed: %w", stuck))
	}
	if n := r.lost.Swap(0); n > 0 {
		r.report("", fmt.Errorf("flight: %d recordings were given up: they came too fast, or too many waited to be written", n))
	}
	return err
}

// writeFile returns the path of the file; stuck tells, the first time, why an
// older one could not be removed.
func (r *Recorder) writeFile(f *Flight, cause string) (path string, stuck, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	now := time.Now()
	dir := cmp.Or(r.Dir, ".")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	if stuck, err = r.makeRoom(dir, now); err != nil {
		return "", nil, err
	}
	told := r.stuck
	r.stuck = stuck != nil
	if told {
		stuck = nil
	}
	path = filepath.Join(dir, f.fileName(now))
	return path, stuck, writeWhole(path, f.AppendRecording(nil, cause))
}

// writeWhole makes a file that did not exist.
func writeWhole(path string, p []byte) error {
	file, err := os.OpenFile(path+part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(p)
	if err = cmp.Or(err, file.Close()); err == nil {
		err = os.Rename(path+part, path)
	}
	if err != nil {
		os.Remove(path + part)
	}
	return err
}

var removeFile = os.Remove

// makeRoom removes the oldest files, so that one more is not too many, and what
// a process has left behind that ended as it wrote. stuck is why one of them
// could not be removed.
func (r *Recorder) makeRoom(dir string, now time.Time) (stuck, err error) {
	entries, err := os.ReadDir(dir) // sorted by name, and so by time
	if err != nil {
		return nil, err
	}
	var names, old []string
	for _, e := range entries {
		name := e.Name()
		match := oneOfOurs.FindStringSubmatch(name)
		switch {
		case match == nil || !e.Type().IsRegular():
		case !strings.HasSuffix(name, part):
			names = append(names, name)
		case leftBehind(match[1], now):
			old = append(old, name)
		}
	}
	if most := orDefault(r.MaxFiles, 256); most >= 0 {
		old = append(old, names[:max(len(names)-max(most, 1)+1, 0)]...)
	}
	for _, name := range old {
		if err := removeFile(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			stuck = cmp.Or(stuck, err)
		}
	}
	return stuck, nil
}

// leftBehind reports whether nobody writes any more what was begun at a time.
func leftBehind(began string, now time.Time) bool {
	t, err := time.Parse(layout, began)
	return err == nil && now.Sub(t) > time.Hour
}
