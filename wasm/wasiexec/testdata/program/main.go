// The program that the tests of wasiexec run: it does what its arguments say.
package main

import (
	"crypto/rand"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	switch os.Args[1] {
	case "arguments":
		os.Stdout.WriteString(strings.Join(os.Args[1:], "|"))
	case "variable":
		value, ok := os.LookupEnv(os.Args[2])
		os.Stdout.WriteString(value + "|" + strconv.FormatBool(ok))
	case "directory":
		dir, err := os.Getwd()
		check(err)
		os.Stdout.WriteString(dir)
	case "copy":
		text, err := os.ReadFile(os.Args[2])
		check(err)
		check(os.WriteFile(os.Args[3], text, 0o666))
	case "streams":
		text, err := io.ReadAll(os.Stdin)
		check(err)
		os.Stdout.Write(text)
		os.Stderr.WriteString("all of it")
	case "exit":
		code, err := strconv.Atoi(os.Args[2])
		check(err)
		os.Exit(code)
	case "panic":
		panic("on purpose")
	case "time":
		length, err := time.ParseDuration(os.Args[2])
		check(err)
		before := time.Now()
		time.Sleep(length)
		os.Stdout.WriteString(before.Format(time.RFC3339Nano) + " " + time.Since(before).String())
	case "random":
		os.Stdout.WriteString(rand.Text())
	case "spin":
		os.Stdout.WriteString("spinning\n")
		for began := time.Now(); time.Since(began) < time.Minute; {
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
