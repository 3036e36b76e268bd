package awslocal_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

const findings = "ecr.DescribeImageScanFindings"

// scanned starts a server with one scanned image and returns a reader of it.
func scanned(t *testing.T) (*awslocal.Server, func(context.Context) error) {
	t.Helper()
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{
		{Status: "COMPLETE", CompletedAt: noon, Findings: basicFindings(20)},
	}})
	client := ecrClient(s)
	return s, func(ctx context.Context) error {
		_, err := client.DescribeImageScanFindings(ctx, describe("shop/api", digest))
		return err
	}
}

func TestFaultAnswersAnError(t *testing.T) {
	tests := map[string]awslocal.Fault{
		"ThrottlingException":   {Operation: findings, Code: "ThrottlingException", Message: "Rate exceeded"},
		"ServerException":       {Operation: "ecr.*", Status: 500, Code: "ServerException"},
		"AccessDeniedException": {Operation: "*", Code: "AccessDeniedException"},
	}
	for code, fault := range tests {
		t.Run(code, func(t *testing.T) {
			s, read := scanned(t)
			remove := s.Inject(fault)
			wantCode(t, read(t.Context()), code)
			remove()
			if err := read(t.Context()); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

func TestFaultComesWhenAndAsOftenAsSaid(t *testing.T) {
	s, read := scanned(t)
	s.Inject(awslocal.Fault{Operation: findings, After: 1, Times: 2, Status: 500, Code: "ServerException"})
	s.Inject(awslocal.Fault{Operation: "codepipeline.*", Code: "ThrottlingException"})
	var failed []bool
	for range 5 {
		failed = append(failed, read(t.Context()) != nil)
	}
	if diff := cmp.Diff([]bool{false, true, true, false, false}, failed); diff != "" {
		t.Error(diff)
	}
}

func TestSDKRetriesThroughAFault(t *testing.T) {
	s, _ := scanned(t)
	s.Inject(awslocal.Fault{Operation: "ecr.GetRegistryScanningConfiguration", Times: 1, Status: 500, Code: "ServerException"})
	client := ecr.NewFromConfig(s.AWSConfig())
	if _, err := client.GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{}); err != nil {
		t.Fatal(err)
	}
	if got := s.Calls()["ecr.GetRegistryScanningConfiguration"]; got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

func TestHangEndsWithTheClient(t *testing.T) {
	s, read := scanned(t)
	s.Inject(awslocal.Fault{Operation: findings, Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want the deadline", err)
	}
}

func TestHangEndsWithTheServer(t *testing.T) {
	s, read := scanned(t)
	s.Inject(awslocal.Fault{Operation: findings, Hang: true})
	done := make(chan error)
	go func() { done <- read(t.Context()) }()
	for s.Calls()[findings] == 0 {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if err := <-done; err == nil {
		t.Error("a hanging request got an answer from Close")
	}
}

func TestLatencyDelaysTheRealAnswer(t *testing.T) {
	s, read := scanned(t)
	s.Inject(awslocal.Fault{Operation: findings, Latency: 30 * time.Millisecond})
	began := time.Now()
	if err := read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("took %s, want 30 ms at least", took)
	}
}

func TestBrokenAnswers(t *testing.T) {
	tests := map[string]struct {
		fault awslocal.Fault
		cut   bool
	}{
		"truncated":     {awslocal.Fault{Truncate: 100}, true},
		"dropped":       {awslocal.Fault{Truncate: -1}, true},
		"garbage":       {awslocal.Fault{Garbage: []byte("<html>")}, false},
		"half an array": {awslocal.Fault{Garbage: []byte(`{"imageScanFindings":[`)}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, read := scanned(t)
			test.fault.Operation = findings
			s.Inject(test.fault)
			err := read(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			if _, answered := errors.AsType[smithy.APIError](err); answered {
				t.Errorf("error is %v, as if AWS had answered", err)
			}
			if test.cut && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				t.Errorf("error is %v, want an early end", err)
			}
		})
	}
}
