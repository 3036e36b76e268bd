// Package doctor is what a check of the gate's surroundings finds: whether AWS and
// the cluster let it do its work, and what to do where they do not. It knows how a
// result is said and shown, and checks nothing: each check is beside the code that
// needs what it checks.
package doctor
