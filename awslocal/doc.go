// Package awslocal is an AWS on this machine: ECR image scans, CodePipeline
// jobs, S3 objects, STS roles, SSM parameters, SNS topics and EventBridge buses
// behind one plain HTTP endpoint, spoken to by the real AWS SDK clients; and
// Lambda functions as their processes see them.
//
// The demo runs on it, and every test that needs AWS does. It fakes the
// server and not the client, so what a test proves holds for the wire: the
// paging, the error codes, the length limits, the order of calls.
//
// Its rules are those of the service models and of what users report about
// the services; where AWS documents nothing the comment says what was chosen.
// It deliberately does not verify signatures: it reads who signed, and for
// which Region and service, from the credential scope. It knows nothing of
// policies or verdicts.
package awslocal
