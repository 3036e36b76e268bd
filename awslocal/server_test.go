package awslocal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func TestEnvironmentIsAllTheSDKNeeds(t *testing.T) {
	s := start(t, awslocal.Options{Region: "eu-central-1"})
	for _, pair := range s.Environment() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	none := t.TempDir() + "/none"
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_CA_BUNDLE", "") // would need a client the SDK can rebuild
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithHTTPClient(s.AWSConfig().HTTPClient))
	if err != nil {
		t.Fatal(err)
	}
	out, err := ecr.NewFromConfig(cfg).GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{})
	if err != nil || *out.RegistryId != "111122223333" {
		t.Fatalf("got %+v, %v", out, err)
	}
	if got := s.Requests("ecr.GetRegistryScanningConfiguration")[0].Region; got != "eu-central-1" {
		t.Errorf("signed for %s, want eu-central-1", got)
	}
}

func TestCallsAndRequests(t *testing.T) {
	s := start(t, awslocal.Options{})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_, _ = ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", "sha256:00"))
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[string]int{findings: 10}, s.Calls()); diff != "" {
		t.Error(diff)
	}
	if got := s.Requests(findings)[9].Body["repositoryName"]; got != "shop/api" {
		t.Errorf("logged repository is %v", got)
	}
	s.ResetCalls()
	if len(s.Calls()) != 0 || s.Requests("") != nil {
		t.Error("ResetCalls left something")
	}
}

func TestHandMadeRequests(t *testing.T) {
	s := awslocal.New(awslocal.Options{})
	defer s.Close()
	tests := map[string]struct {
		target, service, body string
		want                  string
	}{
		"unknown operation": {"AmazonEC2ContainerRegistry_V20150921.PutImage", "ecr", "{}", "UnknownOperationException"},
		"unknown service":   {"Nonsense_1.Do", "nonsense", "{}", "UnknownOperationException"},
		"unsigned":          {"CodePipeline_20150709.PollForJobs", "", "{}", "MissingAuthenticationTokenException"},
		"wrong service":     {"CodePipeline_20150709.PollForJobs", "ecr", "{}", "InvalidSignatureException"},
		"no JSON":           {"CodePipeline_20150709.PollForJobs", "codepipeline", "{", "SerializationException"},
		"nothing in it":     {"CodePipeline_20150709.PollForJobs", "codepipeline", "", "ValidationException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			r.Header.Set("X-Amz-Target", test.target)
			if test.service != "" {
				sign(r, test.service)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || w.Header().Get("X-Amzn-ErrorType") != test.want ||
				!strings.Contains(w.Body.String(), `"__type":"`+test.want+`"`) {
				t.Errorf("got %d %q %s, want %s", w.Code, w.Header().Get("X-Amzn-ErrorType"), w.Body, test.want)
			}
		})
	}
}

func TestCloseTwice(t *testing.T) {
	s := start(t, awslocal.Options{})
	s.Close()
	s.Close()
	if _, err := s.Start(); err == nil {
		t.Error("a closed server started again")
	}
	if _, err := ecrClient(s).GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{}); err == nil {
		t.Error("a closed server answered")
	}
}
