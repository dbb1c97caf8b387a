//go:build !linux

package main

func perProcess() int { return mostPerProcess }
