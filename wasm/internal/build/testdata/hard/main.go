// Command hard does what is hard for a rewriter of WebAssembly functions: loops of all
// shapes, panics that are recovered where they were not expected, goroutines that are
// switched in the middle of a function, and calls with many arguments. It prints what
// it computes.
package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
)

func main() {
	fmt.Println(collatz(27), gcd(1071, 462), sieve(200))
	fmt.Println(labels(7), switches("continue, break and goto"))
	fmt.Println(recovered(0), recovered(1), recovered(2), deferredInLoop(5))
	fmt.Println(pipeline(100), mutual(50))
	fmt.Println(many(1, 2, 3, "four", []int{5, 6}, 7.5, struct{ a, b, c int }{8, 9, 10}))
	fmt.Println(deep(5000), grows(12))
}

func collatz(n int) (steps int) {
	for ; n != 1; steps++ {
		if n%2 == 0 {
			n /= 2
			continue
		}
		n = 3*n + 1
	}
	return steps
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sieve(n int) (sum int) {
	composite := make([]bool, n)
	for i := 2; i < n; i++ {
		if composite[i] {
			continue
		}
		sum += i
		for j := i * i; j < n; j += i {
			composite[j] = true
		}
	}
	return sum
}

func labels(n int) (found []int) {
outer:
	for i := range n {
		for j := range n {
			switch {
			case i*j == 12:
				found = append(found, i, j)
				continue outer
			case i+j > 9:
				break outer
			}
		}
	}
	return found
}

func switches(s string) string {
	var b strings.Builder
	i := 0
again:
	if i < len(s) {
		switch c := s[i]; c {
		case 'a', 'e', 'i', 'o', 'u':
			b.WriteByte(c - 32)
		case ' ':
			i++
			goto again
		case ',':
			b.WriteByte(';')
			fallthrough
		default:
			b.WriteByte(c)
		}
		i++
		goto again
	}
	return b.String()
}

var errHard = errors.New("hard")

// recovered panics in three ways and changes its result on the way out.
func recovered(how int) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprint(s, "+", r)
		}
	}()
	s = "before"
	var none *struct{ x int }
	list := []int{1, 2}
	switch how {
	case 0:
		s += fmt.Sprint(list[how+len(list)])
	case 1:
		s += fmt.Sprint(none.x)
	}
	s = "behind"
	panic(errHard)
}

func deferredInLoop(n int) (sum int) {
	for i := range n {
		defer func() {
			sum = sum*10 + i
			if r := recover(); r != nil && i > 2 {
				panic(r)
			}
		}()
	}
	panic(errHard)
}

func pipeline(n int) (sum int) {
	in, out := make(chan int), make(chan int, 3)
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			for v := range in {
				runtime.Gosched()
				out <- v * v
			}
		})
	}
	go func() {
		for i := range n {
			in <- i
		}
		close(in)
		done.Wait()
		close(out)
	}()
	for v := range out {
		sum += v
	}
	return sum
}

func mutual(n int) (turns string) {
	ping, pong := make(chan byte), make(chan byte)
	go func() {
		for b := range ping {
			pong <- b + 1
		}
		close(pong)
	}()
	for i := range n {
		ping <- byte(i)
		if b := <-pong; b%10 == 0 {
			turns += fmt.Sprint(b, " ")
		}
	}
	close(ping)
	return turns
}

//go:noinline
func many(a, b, c int, d string, e []int, f float64, g struct{ a, b, c int }) (string, int, float64) {
	sum := a + b + c + g.a + g.b + g.c
	for _, x := range e {
		sum += x
	}
	return d, sum, f * float64(sum)
}

// deep makes the stack grow.
func deep(n int) int {
	var room [64]int
	room[n%64] = n
	if n == 0 {
		return 0
	}
	return room[n%64] - n + deep(n-1) + 1
}

func grows(n int) (sum int) {
	m := make(map[string][]byte)
	for i := range n {
		m[fmt.Sprint(i)] = make([]byte, 1<<i)
	}
	runtime.GC()
	for k, v := range m {
		sum += len(k) * len(v)
	}
	return sum
}
