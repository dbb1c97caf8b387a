package sim

import (
	"cmp"
	"slices"

	"github.com/fb1e3c20/websockets/clock"
)

// A task is something that is to happen at an instant. It is in the queue at
// most once.
type task struct {
	at    clock.Time
	order uint64
	index int // in the heap, plus one; 0: not queued
	run   func()

	number uint64 // of the task among those of its world, in the order in which they were first set
}

// A queue holds the tasks of a world, ordered by instant and, within one, by
// when they were set.
type queue struct {
	heap   []*task
	count  uint64
	number uint64
	ties   []*task
}

func (q *queue) set(t *task, at clock.Time) {
	t.at = at
	t.order = q.count
	q.count++
	if t.number == 0 {
		q.number++
		t.number = q.number
	}
	if t.index == 0 {
		q.heap = append(q.heap, t)
		t.index = len(q.heap)
		q.up(t.index - 1)
		return
	}
	q.fix(t.index - 1)
}

// setBy sets t unless it comes earlier already.
func (q *queue) setBy(t *task, at clock.Time) {
	if t.index == 0 || at < t.at {
		q.set(t, at)
	}
}

func (q *queue) stop(t *task) {
	if t.index == 0 {
		return
	}
	i, last := t.index-1, len(q.heap)-1
	q.swap(i, last)
	q.heap[last] = nil
	q.heap = q.heap[:last]
	t.index = 0
	if i < last {
		q.fix(i)
	}
}

// next returns the instant of the first task.
func (q *queue) next() (clock.Time, bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// pop takes a task of the first instant. Where there are several, choose is
// asked for one, in the order in which they were set.
func (q *queue) pop(choose func(n int) int) *task {
	t := q.heap[0]
	q.ties = q.ties[:0]
	q.collect(0)
	if len(q.ties) > 1 {
		slices.SortFunc(q.ties, func(a, b *task) int { return cmp.Compare(a.order, b.order) })
		t = q.ties[choose(len(q.ties))]
	}
	q.stop(t)
	return t
}

// collect finds the tasks of the first instant in the part of the heap below i.
func (q *queue) collect(i int) {
	if i >= len(q.heap) || q.heap[i].at != q.heap[0].at {
		return
	}
	q.ties = append(q.ties, q.heap[i])
	q.collect(2*i + 1)
	q.collect(2*i + 2)
}

func (q *queue) less(i, j int) bool {
	return q.heap[i].at < q.heap[j].at
}

func (q *queue) swap(i, j int) {
	h := q.heap
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (q *queue) fix(i int) {
	q.up(i)
	q.down(i)
}

func (q *queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.less(i, parent) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q *queue) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if right := child + 1; right < len(q.heap) && q.less(right, child) {
			child = right
		}
		if !q.less(child, i) {
			return
		}
		q.swap(i, child)
		i = child
	}
}
