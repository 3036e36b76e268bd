package ecr_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// pages answers as ECR: with one manifest, and with these pages of findings.
type pages struct {
	manifest string
	findings [2][]byte
}

func (p *pages) Do(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body := p.findings[0]
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasSuffix(target, ".BatchGetImage"):
		body, err = json.Marshal(map[string]any{"images": []any{map[string]any{
			"imageId": map[string]string{"imageDigest": digestOf(p.manifest)}, "imageManifest": p.manifest,
		}}})
	case bytes.Contains(asked, []byte(`"nextToken"`)):
		body = p.findings[1]
	}
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
	}, err
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// FuzzFindings sends two pages through the real SDK. None crashes the gate, each
// verdict has one clean sentence, and none is clean without a finished status and a
// time of completion on every page that was read, and no finding on any.
func FuzzFindings(f *testing.F) {
	const done = `{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}}`
	one := strings.Replace(done, "[]", `[{"name":"CVE-1","severity":"HIGH","attributes":[{"key":"package_name","value":"a"},null]},null]`, 1)
	enhanced := `{"imageScanStatus":{"status":"ACTIVE"},"imageScanFindings":{"imageScanCompletedAt":1.5e9,"enhancedFindings":[{"severity":"HIGH","status":"CLOSED","packageVulnerabilityDetails":{"vulnerabilityId":"CVE-1","vulnerablePackages":[{"name":"a","version":"1","epoch":1}]}}]}`
	for _, page := range [][2]string{
		{`{}`}, {`null`}, {done + `}`}, {enhanced + `}`}, {one + `}`}, {one + `,"nextToken":"x"}`, done + `}`},
		{done + `,"nextToken":"x"}`, one + `}`}, {enhanced + `,"nextToken":"x"}`, strings.Replace(enhanced, "CLOSED", "ACTIVE", 1) + `}`},
		{done + `,"nextToken":"x"}`, done + `,"nextToken":"y"}`},
		{strings.Replace(done, "COMPLETE", `PENDING","description":"\u001b[2J\u202e`, 1) + `}`},
		{strings.Replace(one, "CVE-1", `\u001b[2J\u202e\u009b`, 1) + `}`},
		{done + `]`}, {done + `},"nextToken":"x"}`}, {done + `,"nextToken":"x"}`, done + `} `},
		{strings.Replace(done, "{}", `{"CRITICAL":-1,"NEW":2147483647}`, 1) + `}`},
	} {
		f.Add([]byte(page[0]), []byte(page[1]))
	}
	p := &pages{manifest: `{"schemaVersion":2,"config":{},"layers":[]}`}
	config := aws.Config{Region: "eu-west-1", HTTPClient: p, BaseEndpoint: aws.String("http://aws.test"), Credentials: aws.AnonymousCredentials{}}
	g := gate.Gate{
		Source:   ecr.NewSource(config, nil, ecr.CallTimeout(2*time.Second)),
		Policies: []gate.Policy{{Name: "nothing"}},
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		p.findings = [2][]byte{first, second}
		v := g.Check(t.Context(), gate.Request{Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/aa:1"})
		if n := utf8.RuneCountInString(v.Reason); n > gate.MaxSentence || n == 0 || gate.Clean(v.Reason) != v.Reason {
			t.Errorf("no clean sentence, of %d characters: %q", n, v.Reason)
		}
		if v.Outcome != gate.Allowed {
			return
		}
		one, further := readPage(first)
		if !one.clean() || !json.Valid(first) {
			t.Errorf("allowed: %q", first)
		}
		if two, more := readPage(second); further && (!json.Valid(second) || !two.clean() || more) {
			t.Errorf("allowed, with a second page: %q", second)
		}
	})
}

// page is one read another way than by the SDK: what the gate allows must be finished in
// it, and without findings.
type page struct {
	status   string
	at       float64
	findings int
}

func readPage(body []byte) (p page, further bool) {
	var all map[string]any
	// What can be read of the first value: as the SDK, this passes over what follows.
	_ = json.NewDecoder(bytes.NewReader(body)).Decode(&all)
	status, _ := all["imageScanStatus"].(map[string]any)
	p.status, _ = status["status"].(string)
	found, _ := all["imageScanFindings"].(map[string]any)
	p.at, _ = found["imageScanCompletedAt"].(float64)
	for _, list := range []string{"findings", "enhancedFindings"} {
		items, _ := found[list].([]any)
		for _, item := range items {
			finding, _ := item.(map[string]any)
			if status, _ := finding["status"].(string); list == "findings" || !strings.EqualFold(status, "CLOSED") {
				p.findings++
			}
		}
	}
	next, _ := all["nextToken"].(string)
	return p, next != ""
}

func (p page) clean() bool {
	return (p.status == "COMPLETE" || p.status == "ACTIVE") && p.at > 0 && p.findings == 0
}
