package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// The accounts of the patient: its own, one whose role can be taken on, one whose
// role cannot, and one with no role at all.
const (
	ownAccount    = "111122223333"
	basicAccount  = "222233334444"
	lockedAccount = "777788889999"
	roleless      = "444455556666"
)

// patient is an AWS with as many faults as a platform team meets in a year.
type patient struct {
	*awslocal.Server
	rules  []rule
	images map[string]string // name -> reference
}

// rule refuses an operation on a repository or in a Region, as IAM does.
type rule struct{ operation, repository, region, message string }

// ServeHTTP answers as AWS, permissions first.
func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	for _, rule := range p.rules {
		if rule.strikes(r, string(body)) {
			w.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDeniedException", "message": rule.message})
			return
		}
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	p.Server.ServeHTTP(w, r)
}

func (u rule) strikes(r *http.Request, body string) bool {
	return strings.HasSuffix(r.Header.Get("X-Amz-Target")+r.URL.Path, u.operation) &&
		(u.repository == "" || strings.Contains(body, `"`+u.repository+`"`)) &&
		(u.region == "" || strings.Contains(r.Header.Get("Authorization"), "/"+u.region+"/"))
}

// refuses adds a rule. The message is the one that AWS gives where no policy allows
// the action.
func (p *patient) refuses(action, on, region string) {
	service, name, _ := strings.Cut(action, ":")
	u := rule{operation: "." + name + "/", repository: on, region: region,
		message: "User: arn:aws:iam::" + ownAccount + ":root is not authorized to perform: " + action + " because no identity-based policy allows the " + action + " action"}
	if service == "inspector2" {
		u.operation = "/" + strings.ToLower(strings.TrimPrefix(name, "List")) + "/list"
	}
	p.rules = append(p.rules, u)
}

// admit starts the patient, and makes it the AWS of this process.
func admit(t *testing.T) *patient {
	t.Helper()
	p := &patient{Server: awslocal.New(awslocal.Options{}), images: map[string]string{}}
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	t.Cleanup(p.Server.Close)
	for _, variable := range p.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_ENDPOINT_URL", front.URL)
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("KUBECONFIG", nowhere)
	t.Setenv("HOME", nowhere)
	return p
}

// push puts an image and remembers its reference.
func (p *patient) push(name string, img awslocal.Image) (digest string) {
	img.Tags = []string{"1.4"}
	digest = p.PutImage(img)
	account, region := ownAccount, "eu-west-1"
	if img.Account != "" {
		account = img.Account
	}
	if img.Region != "" {
		region = img.Region
	}
	p.images[name] = account + ".dkr.ecr." + region + ".amazonaws.com/" + img.Repository + ":1.4"
	return digest
}

func daysAgo(days int) time.Time {
	return time.Now().Add(-time.Duration(days)*24*time.Hour - time.Hour)
}

func enhancedAgo(days int) []awslocal.Scan {
	return []awslocal.Scan{enhanced(daysAgo(days), curl)}
}

// fallIll seeds every fault there is a check for.
func (p *patient) fallIll(t *testing.T) {
	t.Helper()
	p.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "ENHANCED", Rules: []awslocal.ScanningRule{
		{Frequency: "CONTINUOUS_SCAN", Filters: []string{"shop/*", "base"}},
	}})
	p.SetScanningConfiguration(basicAccount, awslocal.ScanningConfiguration{ScanType: "BASIC", Rules: []awslocal.ScanningRule{
		{Frequency: "SCAN_ON_PUSH", Filters: []string{"shop"}},
	}})
	p.SetScanType(roleless, "ENHANCED")
	p.AllowRole("arn:aws:iam::" + basicAccount + ":role/ecr-gate-read")

	p.push("well", awslocal.Image{Repository: "shop/well", Scans: enhancedAgo(3)})
	p.push("secret", awslocal.Image{Repository: "shop/secret", Scans: enhancedAgo(3)})
	p.push("hidden", awslocal.Image{Repository: "shop/hidden", Scans: enhancedAgo(3)})
	p.push("loose", awslocal.Image{Repository: "tools/loose"})
	p.SetScanOnPush("tools/loose", true)
	p.push("expired", awslocal.Image{Repository: "shop/expired", Scans: []awslocal.Scan{{Status: "SCAN_ELIGIBILITY_EXPIRED"}}})
	p.push("stale", awslocal.Image{Repository: "shop/stale", Scans: enhancedAgo(40)})
	multi := p.push("multi", awslocal.Image{Repository: "shop/multi", Children: []awslocal.Image{
		{Platform: "linux/amd64", Scans: enhancedAgo(3)}, {Platform: "linux/arm64"}, {Attestation: true},
	}})
	p.SetCoverage("shop/multi", p.ChildDigests("shop/multi", multi)[1], awslocal.Coverage{StatusCode: "INACTIVE", Reason: "UNSUPPORTED_OS"})
	p.push("proxied", awslocal.Image{Region: "eu-central-1", Repository: "shop/proxied", Scans: enhancedAgo(3)})
	p.push("nightly", awslocal.Image{Account: basicAccount, Repository: "shop/nightly"})
	p.push("aged", awslocal.Image{Account: basicAccount, Repository: "shop/aged", Children: []awslocal.Image{
		{Platform: "linux/amd64", Scans: []awslocal.Scan{basic(daysAgo(45))}},
		{Platform: "linux/arm64", Scans: []awslocal.Scan{{Status: "FAILED", NoImageScanFindings: true,
			Description: "UnsupportedImageError: The operating system and/or package manager are not supported."}}},
	}})
	p.push("foreign", awslocal.Image{Account: roleless, Repository: "partner/api", Scans: enhancedAgo(3)})
	p.images["gone"] = p.RegistryHost() + "/shop/gone:1.4"
	p.images["stranger"] = "999900001111.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4"

	p.refuses("ecr:BatchGetImage", "shop/secret", "")
	p.refuses("ecr:DescribeImageScanFindings", "shop/hidden", "")
	p.refuses("inspector2:ListFindings", "", "eu-central-1")
	p.rules = append(p.rules, rule{".DescribeImageScanFindings/", "shop/proxied", "", "User: arn:aws:iam::" + ownAccount + ":root is not authorized to perform: inspector2:ListFindings"})
	p.rules = append(p.rules, rule{".StartImageScan/", "shop/nightly", "", "User: arn:aws:sts::" + basicAccount + ":assumed-role/ecr-gate-read/ecr-gate is not authorized to perform: ecr:StartImageScan on resource: arn:aws:ecr:eu-west-1:" + basicAccount + ":repository/shop/nightly with an explicit deny in a service control policy"})
	p.refuses("codepipeline:PutJobFailureResult", "", "")
}

// order is how the images are named to doctor.
var order = []string{"well", "secret", "hidden", "loose", "expired", "stale", "multi", "proxied", "nightly", "aged", "foreign", "gone", "stranger"}

func (p *patient) arguments() []string {
	args := make([]string, len(order))
	for i, name := range order {
		args[i] = p.images[name]
	}
	return args
}

const sickConfig = `apiVersion: ecr-gate.dev/v1alpha1
kind: Config
aws:
  registries:
  - account: "111122223333"
  - {account: "222233334444", regions: [eu-west-1], assumeRoleARN: "arn:aws:iam::222233334444:role/ecr-gate-read"}
  - {account: "777788889999", assumeRoleARN: "arn:aws:iam::777788889999:role/ecr-gate-read"}
  - account: "444455556666"
policies:
- name: night
  match: {images: ["**/nightly"]}
  maxFindings: {CRITICAL: 0, HIGH: 0}
  startScan: true
- name: all
  maxFindings: {CRITICAL: 0, HIGH: 0}
  maxScanAge: 720h
pipeline: {}
`

// Every seeded fault is named, with its mend, in one run. The text is meant to be read
// aloud: UPDATE_SCRIPTS=1 rewrites it.
func TestDoctorNamesEveryFault(t *testing.T) {
	p := admit(t)
	p.fallIll(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("ecr-gate.yaml", []byte(sickConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	code := run(t.Context(), append([]string{"doctor", "--config", "ecr-gate.yaml"}, p.arguments()...), streams{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exitDenied || errs.String() != "" {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	golden := filepath.Join(here, "testdata", "doctor", "sick.txt")
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("%s (UPDATE_SCRIPTS=1 go test rewrites it):\n%s", golden, diff)
	}
}

// A cluster is found by the kubeconfig, and the review goes the API server's way.
func TestDoctorLooksAtTheCluster(t *testing.T) {
	admit(t)
	objects := map[string]string{
		"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/gate": `{"metadata":{"name":"gate"},"webhooks":[{"name":"pods.ecr-gate.dev",
			"clientConfig":{"service":{"name":"gate","namespace":"platform"}},"failurePolicy":"Fail",
			"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}],"namespaceSelector":{"matchLabels":{"stage":"dev"}}}]}`,
		"/api/v1/namespaces":                                           `{"items":[{"metadata":{"name":"shop","labels":{"stage":"dev","ecr-gate.dev/enforce":"strickt"}}},{"metadata":{"name":"platform"}}]}`,
		"/api/v1/namespaces/platform/services/gate":                    `{"metadata":{"name":"gate"}}`,
		"/apis/discovery.k8s.io/v1/namespaces/platform/endpointslices": `{"items":[{"endpoints":[{"addresses":["10.0.0.1"]},{"addresses":["10.0.0.2"]}]}]}`,
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		object, ok := objects[r.URL.Path]
		switch {
		case strings.HasSuffix(r.URL.Path, "/services/https:gate:443/proxy/validate"):
			var review admissionv1.AdmissionReview
			if json.NewDecoder(r.Body).Decode(&review) != nil || review.Request == nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			_ = json.NewEncoder(w).Encode(admissionv1.AdmissionReview{Response: &admissionv1.AdmissionResponse{UID: review.Request.UID}})
		case ok:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, object)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
		}
	}))
	t.Cleanup(api.Close)
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"kubeconfig": `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c"}}],"clusters":[{"name":"c","cluster":{"server":"` + api.URL + `"}}]}`,
		"gate.yaml":  "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolicies: [{name: strict, maxFindings: {CRITICAL: 0, HIGH: 0}}]\nwebhook: {enforce: strict}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBECONFIG", "kubeconfig")
	var out, errs strings.Builder
	code := run(t.Context(), []string{"doctor", "--config", "gate.yaml", "--webhook-name", "gate"}, streams{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exitDenied {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{
		"cluster at " + api.URL,
		"fault    certificate in Secret gate-webhook-cert: there is no such Secret in namespace platform",
		"ok       namespaces: pods of 1 of 2 namespaces are judged: shop (enforce strickt)",
		"fault    labels without a policy: where it is enforced every pod is refused, for the configuration has no such policy (1): shop (ecr-gate.dev/enforce=strickt)",
		"write one of auto, none, strict, built-in:",
		"ok       Service gate: 2 replicas are ready",
		"ok       review: the gate answers one sent through the API server",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
