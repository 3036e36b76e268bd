package ecr_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// FuzzFindings sends bodies through the real SDK. None crashes the gate, and none
// is clean without a finished status and a time of completion.
func FuzzFindings(f *testing.F) {
	for _, body := range []string{
		`{}`, `null`, `{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}}}`,
		`{"imageScanStatus":{"status":"ACTIVE"},"imageScanFindings":{"imageScanCompletedAt":1.5e9,"enhancedFindings":[{"severity":"HIGH","status":"CLOSED","packageVulnerabilityDetails":{"vulnerabilityId":"CVE-1","vulnerablePackages":[{"name":"a","version":"1","epoch":1}]}}]}}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[{"name":"CVE-1","severity":"HIGH","attributes":[{"key":"package_name","value":"a"},null]},null]},"nextToken":"x"}`,
	} {
		f.Add([]byte(body))
	}
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(aws.Close)
	digest := aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}})
	g := gate.Gate{
		Source:   ecr.NewSource(aws.AWSConfig(), nil, ecr.CallTimeout(2*time.Second)),
		Policies: []gate.Policy{{Name: "nothing"}},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return // no raw body to awslocal
		}
		aws.SetScans("aa", digest, awslocal.Scan{Raw: body})
		v := g.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/aa:1"})
		if n := utf8.RuneCountInString(v.Reason); n > gate.MaxSentence || n == 0 {
			t.Errorf("a sentence of %d characters: %q", n, v.Reason)
		}
		if v.Outcome == gate.Allowed && !clean(body) {
			t.Errorf("allowed: %q", body)
		}
	})
}

// clean reads a body another way: what the gate allows must be finished in it.
func clean(body []byte) bool {
	var scan struct {
		ImageScanStatus   struct{ Status string }
		ImageScanFindings struct{ ImageScanCompletedAt float64 }
	}
	// What can be read of the first value: as the SDK, this passes over what follows.
	_ = json.NewDecoder(bytes.NewReader(body)).Decode(&scan)
	status := scan.ImageScanStatus.Status
	return (status == "COMPLETE" || status == "ACTIVE") && scan.ImageScanFindings.ImageScanCompletedAt > 0
}
