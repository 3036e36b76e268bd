package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

const (
	topicARN = "arn:aws:sns:eu-west-1:111122223333:verdicts"
	busARN   = "arn:aws:events:eu-west-1:111122223333:event-bus/verdicts"
)

// openListeners is a function that publishes to a topic and a bus.
func openListeners(t *testing.T) *lambdaSite {
	t.Helper()
	s := openLambdaFor(t, shortTimeout, envTopic+"="+topicARN, envBus+"="+busARN) // too short to look again
	if topic, bus := s.AddTopic("verdicts"), s.AddEventBus("verdicts"); topic != topicARN || bus != busARN {
		t.Fatal(topic, bus)
	}
	return s
}

// basicEvent and inspectorEvent have the shapes that ECR's user guide shows.
func basicEvent(repository, digest string) []byte {
	return fmt.Appendf(nil, `{"version":"0","id":"85fc3613-e913-7fc4-a80c-a3753e4aa9ae","detail-type":"ECR Image Scan","source":"aws.ecr",
		"account":"111122223333","time":"2026-11-24T02:36:48Z","region":"eu-west-1",
		"resources":["arn:aws:ecr:eu-west-1:111122223333:repository/%[1]s"],
		"detail":{"scan-status":"COMPLETE","repository-name":%[1]q,"finding-severity-counts":{"CRITICAL":1},"image-digest":%[2]q,"image-tags":["1.4","latest"]}}`,
		repository, digest)
}

func inspectorEvent(repository, digest string) []byte {
	return fmt.Appendf(nil, `{"version":"0","id":"739c0d3c-4f02-85c7-5a88-94a9EXAMPLE","detail-type":"Inspector2 Scan","source":"aws.inspector2",
		"account":"444455556666","time":"2026-11-24T02:36:48Z","region":"us-east-1","resources":["arn:aws:ecr:eu-west-1:111122223333:repository/%[1]s"],
		"detail":{"scan-status":"INITIAL_SCAN_COMPLETE","repository-name":"arn:aws:ecr:eu-west-1:111122223333:repository/%[1]s",
		"finding-severity-counts":{"CRITICAL":1,"TOTAL":1},"image-digest":%[2]q,"image-tags":[]}}`, repository, digest)
}

func TestScanEventIsPublished(t *testing.T) {
	s := openListeners(t)
	_, bad := s.push(company(time.Now())[0])
	for name, event := range map[string][]byte{"basic": basicEvent("shop/web", bad), "Inspector": inspectorEvent("shop/web", bad)} {
		before := len(s.Publications())
		if i, err := s.function.Invoke(t.Context(), event); err != nil || i.ErrorType != "" {
			t.Fatalf("%s: %q %v", name, i.ErrorMessage, err)
		}
		told, heard := s.Publications()[before:], s.Events()[before:]
		if len(told) != 1 || len(heard) != 1 {
			t.Fatalf("%s: %d publications, %d events", name, len(told), len(heard))
		}
		if p := told[0]; p.TopicARN != topicARN || p.Subject != "image not allowed: shop/web "+bad[7:19] ||
			!strings.HasPrefix(p.Message, "image not allowed: ") || !strings.Contains(p.Message, "CVE-2026-1234 openssl 3.0.7-1 -> 3.0.15-1") ||
			p.Attributes["outcome"] != "Denied" || p.Attributes["policy"] != "built-in" || p.Attributes["repository"] != "shop/web" {
			t.Errorf("%s: %+v", name, p)
		}
		var detail map[string]any
		if e := heard[0]; e.Bus != "verdicts" || e.Source != "ecr-gate" || e.DetailType != "ECR Gate Verdict" || json.Unmarshal(e.Detail, &detail) != nil ||
			detail["outcome"] != "Denied" || detail["digest"] != bad || detail["repository"] != "shop/web" || detail["account"] != "111122223333" {
			t.Errorf("%s: %+v %s", name, e, e.Detail)
		}
	}
}

// Machines hear of every verdict, people of what is not allowed.
func TestScanEventOfCleanImage(t *testing.T) {
	s := openListeners(t)
	_, clean := s.push(company(time.Now())[1])
	if i, err := s.function.Invoke(t.Context(), basicEvent("shop/api", clean)); err != nil || i.ErrorType != "" {
		t.Fatalf("%q %v", i.ErrorMessage, err)
	}
	if told, heard := s.Publications(), s.Events(); len(told) != 0 || len(heard) != 1 || !strings.Contains(string(heard[0].Detail), `"Allowed"`) {
		t.Errorf("%d publications, %d events", len(told), len(heard))
	}
}

// What may still change is not published: Lambda asks again.
func TestScanEventTooEarly(t *testing.T) {
	s := openListeners(t)
	scan := enhanced(time.Now(), openssl) // completed this moment: not settled
	_, digest := s.push(product{name: "young", image: awslocal.Image{Scans: []awslocal.Scan{scan}}})
	i, err := s.function.Invoke(t.Context(), inspectorEvent("shop/young", digest))
	if err != nil || !strings.Contains(i.ErrorMessage, "no verdict to publish yet, asked again later: image not ready") {
		t.Errorf("%q %v", i.ErrorMessage, err)
	}
	if n := len(s.Publications()) + len(s.Events()); n != 0 {
		t.Errorf("%d published", n)
	}
}

// The end of a scan that the function started would be the next event, and so on.
func TestScanEventStartsNoScan(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolicies:\n"+
		"- {name: fresh, maxFindings: {CRITICAL: 0}, maxScanAge: 1h, startScan: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openLambdaFor(t, shortTimeout, envConfig+"="+file)
	uri, digest := s.push(product{name: "old", image: awslocal.Image{Scans: []awslocal.Scan{basic(time.Now().Add(-48*time.Hour), awslocal.Finding{Name: "CVE-2026-1", Severity: "LOW"})}}})
	if _, err := s.function.Invoke(t.Context(), basicEvent("shop/old", digest)); err != nil || s.Calls()["ecr.DescribeImageScanFindings"] == 0 {
		t.Fatal(err, s.Calls())
	}
	if n := s.Calls()["ecr.StartImageScan"]; n != 0 {
		t.Errorf("%d scans started", n)
	}
	s.release(userParameters(`{"Image": "` + uri + `", "MaxWait": 0}`))
	if n := s.Calls()["ecr.StartImageScan"]; n == 0 {
		t.Error("the policy would never start one")
	}
}

// Of what cannot be judged people hear too, and of what cannot be told Lambda does.
func TestScanEventTrouble(t *testing.T) {
	s := openListeners(t)
	_, bad := s.push(company(time.Now())[0])
	allow := s.Deny("ecr.DescribeImageScanFindings", "")
	i, err := s.function.Invoke(t.Context(), basicEvent("shop/web", bad))
	if told := s.Publications(); err != nil || i.ErrorType != "" || len(told) != 1 || !strings.HasPrefix(told[0].Subject, "could not check: shop/web ") {
		t.Errorf("no access: %q %v %+v", i.ErrorMessage, err, told)
	}
	allow()
	for operation, want := range map[string]string{
		"sns.Publish":      "allow sns:Publish on it to the function's role",
		"events.PutEvents": "allow events:PutEvents on it to the function's role",
	} {
		allow := s.Deny(operation, "")
		i, err := s.function.Invoke(t.Context(), basicEvent("shop/web", bad))
		if err != nil || !strings.Contains(i.ErrorMessage, want) {
			t.Errorf("%s: %q %v", operation, i.ErrorMessage, err)
		}
		allow()
	}
	s.Inject(awslocal.Fault{Operation: "events.PutEvents", Times: 1,
		Garbage: []byte(`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"not today"}]}`)})
	if i, err := s.function.Invoke(t.Context(), basicEvent("shop/web", bad)); err != nil || !strings.Contains(i.ErrorMessage, "InternalFailure: not today") {
		t.Errorf("an entry that failed: %q %v", i.ErrorMessage, err)
	}
	for event, want := range map[string]string{
		string(basicEvent("", bad)):                                                                         "the event names no repository",
		string(basicEvent("Shop/Web?", bad)):                                                                "which is no ECR repository",
		string(basicEvent("shop/web", "sha256:abc")):                                                        "which is no digest",
		strings.Replace(string(basicEvent("shop/web", bad)), "eu-west-1", "nowhere", 1):                     "which is no AWS Region",
		strings.Replace(string(basicEvent("shop/web", bad)), `"account":"111122223333"`, `"account":""`, 1): "which is no AWS account",
		`{"source":"aws.ecr","detail-type":"ECR Image Scan","detail":7}`:                                    "ECR Image Scan",
	} {
		i, err := s.function.Invoke(t.Context(), []byte(event))
		if err != nil || i.ErrorType == "" || !strings.Contains(i.ErrorMessage, want) {
			t.Errorf("%.80s: %q %v", event, i.ErrorMessage, err)
		}
	}
}
