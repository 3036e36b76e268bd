package awslocal_test

import (
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// Faults come about as often as was said, to those operations only, and no more once
// they are stopped.
func TestMisbehave(t *testing.T) {
	server := awslocal.New(awslocal.Options{})
	if _, err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.CreateRepository("shop")
	config := server.AWSConfig()
	config.RetryMaxAttempts = 1
	client := ecr.NewFromConfig(config)
	ask := func() (failed int) {
		for range 400 {
			if _, err := client.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop")}); err != nil {
				failed++
			}
		}
		return failed
	}
	var struck atomic.Int64
	stop := server.Misbehave(1, []awslocal.Chance{
		{Fault: awslocal.Fault{Operation: "ecr.BatchGetImage", Status: 500}, Of: 1},
		{Fault: awslocal.Fault{Operation: "ecr.*", Status: 500, Code: "ServerException"}, Of: 0.1},
		{Fault: awslocal.Fault{Operation: "ecr.*", Truncate: -1}, Of: 0.1},
	}, func(_ awslocal.Fault, r awslocal.Request) {
		if r.Operation == "ecr.DescribeImages" {
			struck.Add(1)
		}
	})
	if failed := ask(); failed < 50 || failed > 110 || int(struck.Load()) != failed {
		t.Errorf("of 400 requests, a fifth of them to fail, %d did, and %d were struck", failed, struck.Load())
	}
	stop()
	if failed := ask(); failed != 0 {
		t.Errorf("%d failed after the end", failed)
	}
}
