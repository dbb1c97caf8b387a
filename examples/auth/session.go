package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// A session is a context: it ends at its time, or before when its user logs
// out, and the cause tells which.
type session struct {
	context.Context
	end  context.CancelCauseFunc
	user string
}

var (
	errExpired       = errors.New("the session has expired")
	errLoggedOut     = errors.New("logged out")
	errLoggedInAgain = errors.New("logged in again")
)

func newSession(user string, life time.Duration) *session {
	timed, cancel := context.WithTimeoutCause(context.Background(), life, errExpired)
	ctx, end := context.WithCancelCause(timed)
	context.AfterFunc(ctx, cancel)
	return &session{ctx, end, user}
}

// secrets lead to sessions. Kept are their digests: who steals these has no
// secret, and the time that a search takes tells nothing about one.
type secrets struct {
	mu       sync.Mutex
	sessions map[digest]*session
}

type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

func newSecrets() *secrets { return &secrets{sessions: make(map[digest]*session)} }

// issue returns a new secret, which leads to s until valid ends.
func (x *secrets) issue(s *session, valid context.Context) string {
	secret := rand.Text()
	kept := digestOf(secret)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sessions[kept] = s
	context.AfterFunc(valid, func() { x.take(kept) })
	return secret
}

// find returns the session, nil if there is none or it is over.
func (x *secrets) find(secret string) *session {
	x.mu.Lock()
	defer x.mu.Unlock()
	return alive(x.sessions[digestOf(secret)])
}

// redeem is find for a secret that is good for one time.
func (x *secrets) redeem(secret string) *session { return alive(x.take(digestOf(secret))) }

func (x *secrets) take(kept digest) *session {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer delete(x.sessions, kept)
	return x.sessions[kept]
}

func alive(s *session) *session {
	if s == nil || s.Err() != nil {
		return nil
	}
	return s
}
