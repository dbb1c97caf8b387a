package transport

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

func TestTurnIsHandedOnInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var turn turn
		var order []int
		turn.try()
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				mu.Lock()
				defer mu.Unlock()
				turn.take(context.Background(), &mu)
				order = append(order, i)
				turn.pass()
			})
			synctest.Wait()
		}
		mu.Lock()
		turn.pass()
		mu.Unlock()
		all.Wait()
		for i, got := range order {
			if got != i {
				t.Fatal(order)
			}
		}
		if turn.held() || turn.wanted() {
			t.Error("the turn is not free")
		}
	})
}

// A turn that comes at the moment in which its taker gives up is not lost.
func TestTurnGivenToOneWhoLeaves(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var turn turn
			turn.try()
			ctx, cancel := context.WithCancel(t.Context())
			var got [2]error
			var all sync.WaitGroup
			for i, ctx := range []context.Context{ctx, t.Context()} {
				all.Go(func() {
					mu.Lock()
					defer mu.Unlock()
					if got[i] = turn.take(ctx, &mu); got[i] == nil {
						turn.pass()
					}
				})
				synctest.Wait()
			}
			mu.Lock()
			cancel()
			turn.pass()
			mu.Unlock()
			all.Wait()
			if got[1] != nil || turn.held() {
				t.Error("the turn was lost:", got[1])
			}
		})
	}
}

// Who is dismissed in the moment in which he gives up passes nothing on.
func TestTurnDismissesOneWhoLeaves(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var turn turn
			turn.try()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				mu.Lock()
				defer mu.Unlock()
				done <- turn.take(ctx, &mu)
			}()
			synctest.Wait()
			mu.Lock()
			cancel()
			turn.dismiss()
			mu.Unlock()
			if err := <-done; err == nil || !turn.held() || turn.wanted() {
				t.Error("the turn was passed on:", err)
			}
		})
	}
}

// Whoever leaves, the others keep their order.
func TestTurnOfThoseWhoStay(t *testing.T) {
	for leaver := range 4 {
		var turn turn
		waiters := make([]*waiter, 4)
		for i := range waiters {
			waiters[i] = &waiter{woken: make(chan struct{})}
			turn.push(waiters[i])
		}
		if !turn.remove(waiters[leaver]) || turn.remove(waiters[leaver]) {
			t.Errorf("%d has not left, or twice", leaver)
		}
		turn.push(waiters[leaver])
		for _, next := range append(slices.Delete(slices.Clone(waiters), leaver, leaver+1), waiters[leaver]) {
			if turn.pass(); !next.taken {
				t.Errorf("when %d left the turn went to another", leaver)
			}
		}
		if turn.pass(); turn.held() || turn.wanted() {
			t.Error("the turn is not free")
		}
	}
}
