package sim

import (
	"slices"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
)

func theFirst(int) int { return 0 }

// popAll empties q and returns the numbers of its tasks, as they come.
func popAll(q *queue, choose func(int) int) []uint64 {
	var list []uint64
	for len(q.heap) > 0 {
		list = append(list, q.pop(choose).number)
	}
	return list
}

func TestQueueOrder(t *testing.T) {
	var q queue
	tasks := make([]task, 5)
	for i, at := range []clock.Time{30, 10, 20, 10, 30} {
		q.set(&tasks[i], at)
	}
	if at, ok := q.next(); !ok || at != 10 {
		t.Errorf("the first instant is %d, %t", at, ok)
	}
	if got := popAll(&q, theFirst); !slices.Equal(got, []uint64{2, 4, 3, 1, 5}) {
		t.Errorf("order %v", got)
	}
	if _, ok := q.next(); ok {
		t.Error("an empty queue has a first instant")
	}
}

func TestQueueTies(t *testing.T) {
	var q queue
	tasks := make([]task, 6)
	for i := range tasks {
		q.set(&tasks[i], 7)
	}
	q.set(&task{}, 8)
	var asked []int
	last := func(n int) int { asked = append(asked, n); return n - 1 }
	if got := popAll(&q, last); !slices.Equal(got, []uint64{6, 5, 4, 3, 2, 1, 7}) {
		t.Errorf("the last of all ties first: %v", got)
	}
	if !slices.Equal(asked, []int{6, 5, 4, 3, 2}) {
		t.Errorf("questions had %v answers", asked)
	}
}

func TestQueueStopAndSetAgain(t *testing.T) {
	var q queue
	var a, b task
	q.stop(&a) // was never set
	q.set(&a, 10)
	q.set(&b, 10)
	q.set(&a, 10) // comes after b from now on
	q.setBy(&a, 11)
	q.setBy(&b, 5)
	if b.at != 5 || a.at != 10 {
		t.Errorf("a is at %d, b at %d", a.at, b.at)
	}
	q.set(&b, 10)
	if got := popAll(&q, theFirst); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("order %v", got)
	}
	q.set(&a, 1)
	q.stop(&a)
	q.stop(&a)
	if len(q.heap) != 0 || a.index != 0 {
		t.Error("a stopped task is still queued")
	}
	q.setBy(&a, 3)
	if at, _ := q.next(); at != 3 {
		t.Errorf("set after stop: %d", at)
	}
}

// The queue does what a sorted list does.
func TestQueueAgainstSortedList(t *testing.T) {
	tape := FromSeed(7)
	s := tape.Stream("queue")
	var q queue
	var list []*task // sorted by instant, then by when set
	tasks := make([]task, 40)
	remove := func(t *task) {
		list = slices.DeleteFunc(list, func(o *task) bool { return o == t })
	}
	insert := func(t *task, at clock.Time) {
		i := 0
		for i < len(list) && list[i].at <= at {
			i++
		}
		list = slices.Insert(list, i, t)
	}
	for range 50_000 {
		x := &tasks[s.Int(len(tasks))]
		at := clock.Time(s.Int(12))
		switch s.Int(4) {
		case 0:
			remove(x)
			q.set(x, at)
			insert(x, at)
		case 1:
			if x.index == 0 || at < x.at {
				remove(x)
				insert(x, at)
			}
			q.setBy(x, at)
		case 2:
			remove(x)
			q.stop(x)
		default:
			if len(list) == 0 {
				continue
			}
			ties := 1
			for ties < len(list) && list[ties].at == list[0].at {
				ties++
			}
			k := s.Int(ties)
			got := q.pop(func(n int) int {
				if n != ties {
					t.Fatalf("%d ties, want %d", n, ties)
				}
				return k
			})
			if got != list[k] {
				t.Fatalf("task %d came, want %d", got.number, list[k].number)
			}
			list = slices.Delete(list, k, k+1)
		}
		if len(q.heap) != len(list) {
			t.Fatalf("%d tasks are queued, want %d", len(q.heap), len(list))
		}
	}
}
