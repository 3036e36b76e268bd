//go:build !faults

package main

import "time"

// clock is the time that serve goes by. Only a build for tests, with the tag
// faults, has another.
func clock() func() time.Time { return time.Now }
