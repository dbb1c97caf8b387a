package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// An account has what it takes to check a password, and not the password.
type account struct {
	salt, hash []byte
}

// nobody has a hash that no password has.
var nobody = account{salt: []byte("the salt of nobody"), hash: make([]byte, sha256.Size)}

// accounts know their users' passwords when they hear them. The more iterations
// it takes, the longer guesses take who has stolen the hashes.
type accounts struct {
	iterations int
	known      map[string]account
}

func newAccounts(iterations int) *accounts {
	return &accounts{iterations, make(map[string]account)}
}

func (a *accounts) add(user, password string) error {
	salt := []byte(rand.Text())
	hash, err := a.derive(password, salt)
	a.known[user] = account{salt, hash}
	return err
}

// check takes as long for a user that does not exist as for a wrong password,
// and for every wrong password the same.
func (a *accounts) check(user, password string) bool {
	known, ok := a.known[user]
	if !ok {
		known = nobody
	}
	hash, err := a.derive(password, known.salt)
	return err == nil && subtle.ConstantTimeCompare(hash, known.hash) == 1
}

func (a *accounts) derive(password string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, salt, a.iterations, sha256.Size)
}
