package ecr_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// Pages that never end are read up to a bound, and pages that repeat not at all: a
// part of a list is no list.
func TestPagesThatNeverEnd(t *testing.T) {
	const digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	for name, test := range map[string]struct {
		token    func(page int32) string
		requests int32
		cause    gate.Cause
		passing  bool
		says     string
	}{
		"without end":   {func(page int32) string { return fmt.Sprint(page) }, 1000, gate.BadImage, false, "more than 1000 pages"},
		"the same page": {func(int32) string { return "x" }, 2, gate.NotReadable, true, "repeats the same page"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"imageScanStatus":{"status":"ACTIVE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"enhancedFindings":[]},"nextToken":%q}`,
					test.token(requests.Add(1)))
			}))
			t.Cleanup(server.Close)
			source := ecr.NewSource(aws.Config{
				Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(),
				Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
			}, nil)
			img := gate.Image{Registry: "111122223333.dkr.ecr.eu-west-1.amazonaws.com", Repository: "aa", Digest: digest}
			_, err := source.Scan(t.Context(), img, gate.Manifest{Digest: digest})
			var trouble *gate.Trouble
			if !errors.As(err, &trouble) || trouble.Cause != test.cause || trouble.Passing != test.passing || !strings.Contains(trouble.Text, test.says) {
				t.Errorf("got %v", err)
			}
			if n := requests.Load(); n != test.requests {
				t.Errorf("%d pages were read, want %d", n, test.requests)
			}
		})
	}
}

// A page that does not belong to the scan asked for ends the reading.
func TestScanOfAnotherImage(t *testing.T) {
	aws, source := cloud(t)
	body := `{"imageId":{"imageDigest":"sha256:2"},"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}}}`
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{{Raw: []byte(body)}}})
	_, err := read(t, source, image(t, aws, "aa:1"))
	var trouble *gate.Trouble
	if !errors.As(err, &trouble) || trouble.Cause != gate.BadImage || !strings.Contains(trouble.Text, "another image's scan") {
		t.Errorf("got %v", err)
	}
}
