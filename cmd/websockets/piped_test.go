package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadLine(t *testing.T) {
	input := "one\n\n" + strings.Repeat("x", 100) + "\r\nend"
	for _, r := range []io.Reader{strings.NewReader(input), iotest.OneByteReader(strings.NewReader(input))} {
		in := bufio.NewReaderSize(r, 16)
		for _, want := range []string{"one", "", strings.Repeat("x", 100) + "\r"} {
			got, err := readLine(in, nil)
			if err != nil || string(got) != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		if got, err := readLine(in, nil); err != io.EOF || string(got) != "end" {
			t.Errorf("got %q, %v", got, err)
		}
		if got, err := readLine(in, nil); err != io.EOF || len(got) > 0 {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
