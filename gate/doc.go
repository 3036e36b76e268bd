// Package gate is the decision: given what is known of an image's scan and a
// policy, may the image go on?
//
// [Evaluate] is pure: same policy, image, scans and time give the same bytes.
// [Gate] delivers to it: resolve the reference, read the scans, evaluate.
//
// The package deliberately knows nothing of AWS, of Kubernetes and of the doors
// that ask it. Zero values refuse: a zero [Outcome] is Denied, a zero [Policy]
// tolerates nothing, a zero [Scan] was never finished.
package gate
