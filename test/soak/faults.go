package main

import (
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// misbehaviour is what AWS does wrong, and how often.
func misbehaviour() []awslocal.Chance {
	chance := func(of float64, f awslocal.Fault) awslocal.Chance { return awslocal.Chance{Of: of, Fault: f} }
	return []awslocal.Chance{
		chance(0.01, awslocal.Fault{Operation: "*", Status: 500, Code: "InternalFailure"}),
		chance(0.005, awslocal.Fault{Operation: "*", Code: "ThrottlingException", Message: "Rate exceeded"}),
		chance(0.002, awslocal.Fault{Operation: "*", Hang: true}),
		chance(0.003, awslocal.Fault{Operation: "*", Truncate: -1}),
		chance(0.02, awslocal.Fault{Operation: "*", Latency: 300 * time.Millisecond}),
		chance(0.003, awslocal.Fault{Operation: "ecr.*", Truncate: 60}),
		chance(0.001, awslocal.Fault{Operation: "ecr.*", Garbage: []byte("<html>Bad Gateway</html>")}),
		chance(0.001, awslocal.Fault{Operation: "ecr.*", Garbage: []byte(`{}`)}),
		chance(0.001, awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", Garbage: []byte(`{"imageScanStatus":{"status":"COMPLETE"}}`)}),
		// The job or the report is taken, and the answer that says so is lost.
		chance(0.003, awslocal.Fault{Operation: "codepipeline.PutJob*", Truncate: 1}),
		chance(0.01, awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Truncate: 1}),
	}
}
