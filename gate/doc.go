// Package gate is the decision: given what is known of an image's scan and a
// policy, may the image go on?
//
// [Evaluate] is pure: same policy, image, scans and time give the same bytes.
// [Gate] delivers to it: resolve the reference, read the scans, evaluate.
//
// The package deliberately knows nothing of AWS, of Kubernetes and of the doors
// that ask it. Zero values refuse: a zero [Outcome] is Denied, a zero [Policy]
// tolerates nothing, a zero [Scan] was never finished.
//
// To read in a verdict's order: gate.go gathers what it rests on, from a source.go,
// which may be the cache (cache.go and the files of that name); evaluate.go judges
// it. There judgement.go has the rules for one platform, fate.go those for one
// finding, exception_cover.go what exceptions have to say; tally.go counts, merge.go
// puts the platforms together, message.go and next.go word it. What else is made of
// the same: brief.go and detail.go (the two lengths of a verdict), explain.go (why),
// compare.go (one image beside another), exception_matching.go (which exceptions are
// of use).
package gate
