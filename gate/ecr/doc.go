// Package ecr is where scans come from: Amazon Elastic Container Registry.
//
// It turns what ECR answers into the gate's words and every failure into
// [gate.Trouble] that names the mend. It judges nothing, and no AWS type leaves
// it. Sources of odd facts are named where they are used.
package ecr
