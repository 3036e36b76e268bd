// Package process runs the program itself for tests that need the real thing: a
// binary as go build makes it, started with a configuration file and an AWS that
// its environment leads to, asked over TLS, looked at by its metrics and log, and
// ended by a signal.
//
// It knows nothing of what is right to answer. A process never outlives whoever
// started it.
package process
