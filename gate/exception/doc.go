// Package exception reads exception files into [gate.Exception]: a strict
// superset of Trivy's .trivyignore.yaml, plain .trivyignore, and OpenVEX.
//
// An entry never ends up wider than it was written. What is misspelt, what
// excuses everything and what [Rules] forbid is a fault; an OpenVEX scope that
// cannot be evaluated against an ECR scan makes no exception. The package does
// not know which findings there are: whether an exception is used, and when it
// lapses, is the gate's business.
//
// It also lints entries, and edits files as text: what an edit does not concern
// stays as it is written.
package exception
