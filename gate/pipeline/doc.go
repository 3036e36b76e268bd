// Package pipeline is the door in AWS CodePipeline: a job worker for a custom
// action that judges the images a build made.
//
// The worker holds no state. A job whose scan is not finished is handed back
// with a continuation token that says what was seen so far; any worker takes it
// up. Every job that was acknowledged gets exactly one report, in every path
// out: an acknowledged job that nobody reports hangs for 24 hours.
package pipeline
