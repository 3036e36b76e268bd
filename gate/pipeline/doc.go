// Package pipeline is the door in AWS CodePipeline. It judges the images a build
// made: as a [Worker] that polls for the jobs of a custom action, or as a [Function]
// that a Lambda action invokes with each job.
//
// Neither holds state. A job whose scan is not finished is handed back with a
// continuation token that says what was seen so far; whoever gets the job next goes
// on from there. Every job taken gets exactly one report, in every path out: one
// that nobody reports hangs until CodePipeline's own timeout, of a custom action 24
// hours.
package pipeline
