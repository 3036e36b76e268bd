package ecr_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// examined is an AWS with one image, and what is asked of it.
type examined struct {
	*awslocal.Server
	ecr.Examination
	images []string
	access ecr.Access
}

const (
	otherAccount = "444455556666"
	otherRole    = "arn:aws:iam::444455556666:role/ecr-gate-read"
)

// newExamined has one image in good order.
func newExamined(t *testing.T) *examined {
	t.Helper()
	server, _ := cloud(t)
	x := &examined{Server: server}
	x.Config, x.Now, x.Timeout = server.AWSConfig(), func() time.Time { return noon.Add(time.Hour) }, 20*time.Second
	x.Policies = []gate.Policy{{Name: "dev", Limits: map[gate.Severity]int{gate.Critical: 0}}}
	x.put(awslocal.Image{Scans: []awslocal.Scan{complete(many(1)...)}})
	return x
}

// put makes an image the one that is asked about.
func (x *examined) put(img awslocal.Image) (digest string) {
	img.Tags = []string{"1.4"}
	if img.Repository == "" {
		img.Repository = "shop/web"
	}
	host := x.RegistryHost()
	if img.Account != "" {
		host = strings.Replace(host, "111122223333", img.Account, 1)
	}
	x.images = []string{host + "/" + img.Repository + ":1.4"}
	return x.PutImage(img)
}

func (x *examined) refuse(operation, message string) {
	if message == "" {
		service, name, _ := strings.Cut(operation, ".")
		message = "User: arn:aws:iam::111122223333:root is not authorized to perform: " + service + ":" + name
	}
	x.Deny(operation, message)
}

func (x *examined) run(t *testing.T) []doctor.Result {
	t.Helper()
	images := make([]gate.Image, len(x.images))
	for i, written := range x.images {
		var err error
		if images[i], err = gate.ParseImage(written); err != nil {
			t.Fatal(err)
		}
	}
	var done atomic.Int32 // images are looked at side by side
	var results []doctor.Result
	results, x.access = x.Run(t.Context(), images, func() { done.Add(1) })
	if len(images) == 1 && x.access == ecr.Usable && done.Load() != 1 {
		t.Errorf("told of %d images", done.Load())
	}
	return results
}

// ailing are the results that are not well, "state check" each.
func ailing(results []doctor.Result) (list []string, first doctor.Result) {
	for _, r := range results {
		if r.State == doctor.OK {
			continue
		}
		if len(list) == 0 {
			first = r
		}
		list = append(list, r.State.String()+" "+r.Check)
	}
	return list, first
}

// An image in good order: every check is listed, and every one is well. Nothing is
// asked that could change something but the scan of an image that is not there.
func TestExaminationOfAHealthyImage(t *testing.T) {
	x := newExamined(t)
	x.Policies[0].StartScan = true
	results := x.run(t)
	var checks []string
	for _, r := range results {
		checks = append(checks, r.State.String()+" "+r.Check)
	}
	want := []string{
		"ok credentials", "ok Region",
		"ok ecr:GetRegistryScanningConfiguration", "ok scanning",
		"ok ecr:BatchGetImage", "ok image", "ok ecr:BatchGetRepositoryScanningConfiguration", "ok scan rule",
		"ok ecr:DescribeImageScanFindings", "ok scan", "ok ecr:StartImageScan",
	}
	if diff := cmp.Diff(want, checks); diff != "" {
		t.Error(diff)
	}
	for _, r := range x.Requests("ecr.StartImageScan") {
		if id, _ := r.Body["imageId"].(map[string]any); id["imageDigest"] != "sha256:"+strings.Repeat("0", 64) {
			t.Errorf("a scan was asked for of %v", r.Body)
		}
	}
	if n := x.Calls()["ecr.DescribeImageScanFindings"]; n != 1 {
		t.Errorf("findings were read %d times", n)
	}
}

// Each fault is named alone, with its mend: nothing else is said to be wrong.
func TestExaminationOfFaults(t *testing.T) {
	old := func() []awslocal.Scan {
		s := complete(many(1)...)
		s.CompletedAt = noon.Add(-40 * 24 * time.Hour)
		return []awslocal.Scan{s}
	}
	enhancedWith := func(scans ...awslocal.Scan) func(*examined) string {
		return func(x *examined) string {
			x.SetScanType("", "ENHANCED")
			return x.put(awslocal.Image{Scans: scans})
		}
	}
	covered := func(code, reason string) func(*examined) {
		return func(x *examined) {
			digest := enhancedWith()(x)
			for _, seed := range []string{"a", "b", "c"} { // other images of the repository
				other := x.PutImage(awslocal.Image{Repository: "shop/web", Seed: seed})
				x.SetCoverage("shop/web", other, awslocal.Coverage{StatusCode: "ACTIVE", Reason: "SUCCESSFUL"})
			}
			x.SetCoverage("shop/web", digest, awslocal.Coverage{StatusCode: code, Reason: reason})
		}
	}
	const statement = `{"Effect":"Allow","Action":"ACTION","Resource":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/web"}`
	for name, c := range map[string]struct {
		harm  func(*examined)
		want  string // "state check"
		words string // in what was found, of the first
		mend  string // in its mend
	}{
		"BatchGetImage refused": {func(x *examined) { x.refuse("ecr.BatchGetImage", "") },
			"fault ecr:BatchGetImage", "AWS refuses ecr:BatchGetImage to arn:aws:iam::111122223333:root", strings.Replace(statement, "ACTION", "ecr:BatchGetImage", 1)},
		"DescribeImageScanFindings refused": {func(x *examined) { x.refuse("ecr.DescribeImageScanFindings", "") },
			"fault ecr:DescribeImageScanFindings", "AWS refuses ecr:Describe", strings.Replace(statement, "ACTION", "ecr:DescribeImageScanFindings", 1)},
		"both refused": {func(x *examined) { x.refuse("ecr.BatchGetImage", ""); x.refuse("ecr.DescribeImageScanFindings", "") },
			"fault ecr:BatchGetImage, fault ecr:DescribeImageScanFindings", "AWS refuses", ""},
		"StartImageScan refused": {func(x *examined) { x.Policies[0].StartScan = true; x.refuse("ecr.StartImageScan", "") },
			"fault ecr:StartImageScan", "AWS refuses ecr:StartImageScan", strings.Replace(statement, "ACTION", "ecr:StartImageScan", 1)},
		"StartImageScan refused, for another policy": {func(x *examined) {
			x.Policies = append(x.Policies, gate.Policy{Name: "night", Images: []string{"no/such"}, StartScan: true})
			x.refuse("ecr.StartImageScan", "")
		}, "warning ecr:StartImageScan", "policy dev, which is for this image, starts no scan", "ecr:StartImageScan"},
		"configuration refused": {func(x *examined) { x.refuse("ecr.GetRegistryScanningConfiguration", "") },
			"warning ecr:GetRegistryScanningConfiguration", "the gate does without", `{"Effect":"Allow","Action":"ecr:GetRegistryScanningConfiguration","Resource":"*"}`},
		"repository's configuration refused": {func(x *examined) { x.refuse("ecr.BatchGetRepositoryScanningConfiguration", "") },
			"warning ecr:BatchGetRepositoryScanningConfiguration", "the gate does without", `"Resource":"*"`},
		"ListFindings refused": {func(x *examined) {
			enhancedWith(awslocal.Scan{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: manyEnhanced(1)})(x)
			x.refuse("inspector2.ListFindings", "")
			x.Deny("ecr.DescribeImageScanFindings", "User: arn:aws:iam::111122223333:root is not authorized to perform: inspector2:ListFindings")
		}, "fault inspector2:ListFindings, fault ecr:DescribeImageScanFindings", "AWS refuses inspector2:ListFindings", `{"Effect":"Allow","Action":"inspector2:ListFindings","Resource":"*"}`},
		"ListCoverage refused": {func(x *examined) {
			enhancedWith(awslocal.Scan{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: manyEnhanced(1)})(x)
			x.refuse("inspector2.ListCoverage", "")
		}, "fault inspector2:ListCoverage", "AWS refuses inspector2:ListCoverage", `"Action":"inspector2:ListCoverage"`},
		"no rule at all": {func(x *examined) {
			x.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "BASIC"})
		}, "warning scanning, fault scan rule", "basic, and no rule", `--scan-type BASIC --rules '[{"scanFrequency":"SCAN_ON_PUSH","repositoryFilters":[{"filter":"*","filterType":"WILDCARD"}]}]'`},
		"no rule for this repository": {func(x *examined) {
			x.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "BASIC", Rules: []awslocal.ScanningRule{{Frequency: "SCAN_ON_PUSH", Filters: []string{"prod/*"}}}})
			x.SetScanOnPush("shop/web", true)
		}, "fault scan rule", "no rule covers shop/web (MANUAL), so its images are not scanned by themselves; the registry has SCAN_ON_PUSH of prod/*; scanOnPush is on in the repository's own settings",
			`aws ecr put-registry-scanning-configuration --region eu-west-1 --scan-type BASIC --rules '[{"scanFrequency":"SCAN_ON_PUSH","repositoryFilters":[{"filter":"prod/*","filterType":"WILDCARD"},{"filter":"shop/web","filterType":"WILDCARD"}]}]'`},
		"no rule, told by the registry's alone": {func(x *examined) {
			x.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "ENHANCED", Rules: []awslocal.ScanningRule{{Frequency: "SCAN_ON_PUSH", Filters: []string{"*/we"}}}})
			x.refuse("ecr.BatchGetRepositoryScanningConfiguration", "")
		}, "warning ecr:BatchGetRepositoryScanningConfiguration, fault scan rule", "", ""},
		"no rule, but the gate starts scans": {func(x *examined) {
			x.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "BASIC", Rules: []awslocal.ScanningRule{{Frequency: "SCAN_ON_PUSH", Filters: []string{"prod/*"}}}})
			x.Policies[0].StartScan = true
		}, "warning scan rule", "policy dev has startScan, so the gate starts each scan itself", "put-registry-scanning-configuration"},
		"no scan": {func(x *examined) { x.put(awslocal.Image{Seed: "none"}) },
			"fault scan", "though a rule covers its repository", "aws ecr start-image-scan --region eu-west-1 --registry-id 111122223333 --repository-name shop/web --image-id imageDigest=sha256:"},
		"no scan, and nothing known of rules": {func(x *examined) {
			x.put(awslocal.Image{Seed: "none"})
			x.refuse("ecr.GetRegistryScanningConfiguration", "")
			x.refuse("ecr.BatchGetRepositoryScanningConfiguration", "")
		}, "warning ecr:GetRegistryScanningConfiguration, warning ecr:BatchGetRepositoryScanningConfiguration, fault scan", "", ""},
		"no scan and no rule": {func(x *examined) {
			x.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "BASIC", Rules: []awslocal.ScanningRule{{Frequency: "SCAN_ON_PUSH", Filters: []string{"prod/*"}}}})
			x.put(awslocal.Image{Seed: "none"})
		}, "fault scan rule, fault scan", "no rule covers shop/web", ""},
		"no scan, but the gate starts one": {func(x *examined) { x.Policies[0].StartScan = true; x.put(awslocal.Image{Seed: "none"}) },
			"warning scan", "policy dev has startScan", "none needed"},
		"a scan that runs": {func(x *examined) { x.put(awslocal.Image{Scans: []awslocal.Scan{{Status: "IN_PROGRESS"}}}) },
			"warning scan", "not finished (IN_PROGRESS)", "look again"},
		"a scan of a moment ago": {func(x *examined) {
			enhancedWith(awslocal.Scan{Status: "ACTIVE", CompletedAt: noon.Add(time.Hour - time.Second), EnhancedFindings: manyEnhanced(1)})(x)
		}, "warning scan", "findings may still come in", "look again"},
		"an old basic scan": {func(x *examined) { x.Policies[0].MaxScanAge = 720 * time.Hour; x.put(awslocal.Image{Scans: old()}) },
			"fault scan", "its scan is 40 days old, and policy dev takes none that is older than 30 days (maxScanAge)", "startScan: true in policy dev:\naws ecr start-image-scan"},
		"an old basic scan that is started anew": {func(x *examined) {
			x.Policies[0].MaxScanAge, x.Policies[0].StartScan = 720*time.Hour, true
			x.put(awslocal.Image{Scans: old()})
		}, "warning scan", "the gate starts a new one (startScan)", "none needed"},
		"an old enhanced scan": {func(x *examined) {
			x.Policies[0].MaxScanAge = 720 * time.Hour
			x.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "ENHANCED", Rules: []awslocal.ScanningRule{{Frequency: "SCAN_ON_PUSH", Filters: []string{"shop"}}}})
			x.put(awslocal.Image{Scans: []awslocal.Scan{{Status: "COMPLETE", CompletedAt: noon.Add(-31 * 24 * time.Hour), EnhancedFindings: manyEnhanced(1)}}})
		}, "fault scan", "its scan is 31 days old", "raise maxScanAge of policy dev; CONTINUOUS_SCAN in the scan rule keeps results fresh"},
		"a scan of tomorrow": {func(x *examined) {
			x.Policies[0].MaxScanAge = 720 * time.Hour
			s := complete(many(1)...)
			s.CompletedAt = noon.Add(24 * time.Hour)
			x.put(awslocal.Image{Scans: []awslocal.Scan{s}})
		}, "fault scan", "dated in the future", "set this machine's clock"},
		"an expired scan": {func(x *examined) { enhancedWith(awslocal.Scan{Status: "SCAN_ELIGIBILITY_EXPIRED"})(x) },
			"fault scan", "SCAN_ELIGIBILITY_EXPIRED", "aws inspector2 update-configuration --region eu-west-1"},
		"an archived image": {func(x *examined) { x.put(awslocal.Image{Archived: true}) },
			"fault image", "archive storage", "aws ecr update-image-storage-class --target-storage-class STANDARD --region eu-west-1 --registry-id 111122223333 --repository-name shop/web --image-id imageTag=1.4"},
		"an archived platform": {func(x *examined) {
			x.put(awslocal.Image{Children: []awslocal.Image{{Platform: "linux/amd64", Archived: true}}})
		}, "fault scan of linux/amd64", "archived in ECR", "--target-storage-class STANDARD --region eu-west-1"},
		"an image ECR cannot scan": {func(x *examined) { x.put(awslocal.Image{Scans: []awslocal.Scan{{Status: "UNSUPPORTED_IMAGE"}}}) },
			"fault scan", "ECR cannot scan it (UNSUPPORTED_IMAGE), and policy dev denies that", "unscannable: warn"},
		"an image ECR cannot scan, which may pass": {func(x *examined) {
			x.Policies[0].Unscannable = gate.AllowUnscannable
			x.put(awslocal.Image{Scans: []awslocal.Scan{{Status: "UNSUPPORTED_IMAGE"}}})
		}, "warning scan", "policy dev lets it pass", "a distribution that ECR scans"},
		"a failed scan": {func(x *examined) { x.put(awslocal.Image{Scans: []awslocal.Scan{{Status: "FAILED"}}}) },
			"fault scan", "its scan failed", "push it again"},
		"a status nobody knows": {func(x *examined) { x.put(awslocal.Image{Scans: []awslocal.Scan{{Status: "NEW"}}}) },
			"unknown scan", "does not know (NEW)", "update ecr-gate"},
		"one platform without a scan": {func(x *examined) {
			x.put(awslocal.Image{Children: []awslocal.Image{
				{Platform: "linux/amd64", Scans: []awslocal.Scan{complete(many(1)...)}}, {Platform: "linux/arm64"}, {Attestation: true},
			}})
		}, "fault scan of linux/arm64", "ECR knows of no scan", "start-image-scan"},
		"Inspector does not know it": {func(x *examined) { enhancedWith()(x) },
			"fault scan", "Inspector does not list it", "push the image again"},
		"Inspector waits":                  {covered("ACTIVE", "PENDING_INITIAL_SCAN"), "warning scan", "Inspector says ACTIVE PENDING_INITIAL_SCAN: it waits", "look again"},
		"Inspector does not know the OS":   {covered("INACTIVE", "UNSUPPORTED_OS"), "fault scan", "Inspector says INACTIVE UNSUPPORTED_OS: Inspector does not support", "supported.html"},
		"Inspector is kept out of the key": {covered("INACTIVE", "ACCESS_DENIED_TO_ENCRYPTION_KEY"), "fault scan", "KMS key", "kms:Decrypt"},
		"Inspector is being turned off":    {covered("INACTIVE", "PENDING_DISABLE"), "fault scan", "turned off", "aws inspector2 enable --region eu-west-1 --resource-types ECR"},
		"Inspector has a new reason":       {covered("INACTIVE", "BAD_MOON"), "fault scan", "Inspector says INACTIVE BAD_MOON", "API_ScanStatus.html"},
		"no such tag": {func(x *examined) { x.images[0] = strings.Replace(x.images[0], ":1.4", ":2", 1) },
			"fault image", "ECR knows no such image", "lifecycle policy"},
		"no such repository": {func(x *examined) { x.images[0] = strings.Replace(x.images[0], "/web", "/none", 1) },
			"fault image", "ECR knows no such repository", "check account, Region and repository"},
		"not an ECR image": {func(x *examined) { x.images[0] = "docker.io/library/redis:7" },
			"fault registry", "not in a private Amazon ECR registry", "push it to ECR"},
		"not a listed registry": {func(x *examined) { x.Registries = []ecr.Registry{{Account: "999900001111"}} },
			"fault registry", "is not among the configured registries", `{account: "111122223333", regions: [eu-west-1]}`},
		"another account, basic": {func(x *examined) {
			x.put(awslocal.Image{Account: otherAccount, Scans: []awslocal.Scan{complete(many(1)...)}})
		}, "warning account", "for as long as the registry uses basic scanning", `(once there is a list, every registry has to be in it):` + "\n" +
			`aws: {registries: [{account: "111122223333"}, {account: "444455556666", assumeRoleARN: "` + otherRole + `"}]}`},
		"another account, enhanced": {func(x *examined) {
			x.SetScanType(otherAccount, "ENHANCED")
			x.put(awslocal.Image{Account: otherAccount, Scans: []awslocal.Scan{{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: manyEnhanced(1)}}})
		}, "fault account", "shown to the registry's own account only", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}`},
		"another account that refuses": {func(x *examined) {
			x.put(awslocal.Image{Account: otherAccount})
			x.refuse("ecr.BatchGetImage", "User: arn:aws:iam::111122223333:root is not authorized to perform: ecr:BatchGetImage because no resource-based policy allows the ecr:BatchGetImage action")
		}, "fault ecr:BatchGetImage, fault account", "no resource-based policy allows it", "see account, below"},
		"a role that may not be taken on": {func(x *examined) {
			x.AllowRole("arn:aws:iam::1:role/none")
			x.Registries = []ecr.Registry{{Account: otherAccount, AssumeRoleARN: otherRole}}
			x.put(awslocal.Image{Account: otherAccount})
		}, "fault role " + otherRole + ", unknown registry", "AWS refuses sts:AssumeRole", "in account 444455556666 put into the trust policy of " + otherRole},
		"a role of a third account": {func(x *examined) {
			x.Registries = []ecr.Registry{{Account: "111122223333", AssumeRoleARN: otherRole}}
		}, "warning role " + otherRole + ", warning account", "is of account 444455556666 and not 111122223333", "name a role of account 111122223333"},
		"nothing is answered": {func(x *examined) {
			x.Timeout = time.Second
			x.Inject(awslocal.Fault{Operation: "ecr.*", Hang: true})
		}, "unknown ecr:GetRegistryScanningConfiguration, unknown ecr:BatchGetImage", "ECR did not answer in time", "let this place reach api.ecr.eu-west-1 on 443: NAT, or the VPC endpoint com.amazonaws.eu-west-1.ecr.api"},
		"Inspector is not answered": {func(x *examined) {
			x.Timeout = time.Second
			enhancedWith(awslocal.Scan{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: manyEnhanced(1)})(x)
			x.Inject(awslocal.Fault{Operation: "inspector2.ListFindings", Hang: true})
		}, "unknown inspector2:ListFindings", "Amazon Inspector did not answer in time", "inspector2.eu-west-1 on 443"},
		"ECR is in trouble": {func(x *examined) {
			x.Config.RetryMaxAttempts = 1
			x.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Status: 500, Code: "ServerException"})
		}, "unknown ecr:BatchGetImage", "an error of its own", "try again"},
		"a pull-through cache in trouble": {func(x *examined) {
			x.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Garbage: []byte(`{"images":[],"failures":[{"failureCode":"UpstreamUnavailable"}]}`)})
		}, "unknown image", "an error of its own", "try again"},
		"credentials that only STS takes": {func(x *examined) {
			x.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."})
		}, "fault ecr:BatchGetImage", "does not know the access key (UnrecognizedClientException)", "AWS_ACCESS_KEY_ID"},
		"a registry that says nothing": {func(x *examined) {
			x.Inject(awslocal.Fault{Operation: "ecr.GetRegistryScanningConfiguration", Garbage: []byte(`{}`)})
		}, "unknown scanning", "does not say what the registry scans with", "try again"},
		"a scanner nobody knows": {func(x *examined) {
			x.Inject(awslocal.Fault{Operation: "ecr.GetRegistryScanningConfiguration", Garbage: []byte(`{"scanningConfiguration":{"scanType":"MAGIC","rules":[]}}`)})
		}, "unknown scanning", "scans with MAGIC, which this version does not know", "update ecr-gate"},
		"no scan, and Inspector may not be asked": {func(x *examined) {
			enhancedWith()(x)
			x.refuse("inspector2.ListCoverage", "")
		}, "fault inspector2:ListCoverage, fault scan", "", ""},
		"a role that STS says nothing of": {func(x *examined) {
			x.Config.RetryMaxAttempts = 1
			x.Registries = []ecr.Registry{{Account: otherAccount, AssumeRoleARN: otherRole}}
			x.put(awslocal.Image{Account: otherAccount})
			x.Inject(awslocal.Fault{Operation: "sts.AssumeRole", Status: 500, Code: "ServiceUnavailable"})
		}, "unknown role " + otherRole + ", unknown registry", "an error of its own", "try again"},
		"no Region": {func(x *examined) { x.Config.Region = "" },
			"warning Region", "none is set", "AWS_REGION=eu-west-1"},
		"no Region, and jobs to poll": {func(x *examined) { x.Config.Region, x.Polls = "", true },
			"fault Region", "jobs are polled in one", "Helm value aws.region"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExamined(t)
			c.harm(x)
			got, first := ailing(x.run(t))
			if strings.Join(got, ", ") != c.want {
				t.Errorf("wrong: %s\nwant:  %s", strings.Join(got, ", "), c.want)
			}
			if !strings.Contains(first.Found, c.words) || !strings.Contains(first.Mend, c.mend) {
				t.Errorf("found: %s\nmend: %s\nwant %q and %q", first.Found, first.Mend, c.words, c.mend)
			}
		})
	}
}

// What credentials there are decides whether anything else is asked.
func TestExaminationOfCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		harm        func(*examined)
		access      ecr.Access
		words, mend string
	}{
		"none": {func(x *examined) { x.Config.Credentials = nil }, ecr.NoCredentials, "there are no AWS credentials", "create-pod-identity-association"},
		"empty": {func(x *examined) { x.Config.Credentials = credentials.NewStaticCredentialsProvider("", "", "") },
			ecr.NoCredentials, "there are no AWS credentials (failed to refresh cached credentials, static credentials are empty)", "aws sso login"},
		"of nobody": {func(x *examined) {
			x.Config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIASTRANGER", SecretAccessKey: "x", Source: "test"}, nil
			})
		}, ecr.BadCredentials, "does not know the access key (InvalidClientTokenId), found by test", "AWS_ACCESS_KEY_ID"},
		"expired": {func(x *examined) {
			x.Inject(awslocal.Fault{Operation: "sts.GetCallerIdentity", Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"})
		}, ecr.BadCredentials, "have expired (ExpiredToken)", "aws sso login"},
		"a wrong secret": {func(x *examined) {
			x.Inject(awslocal.Fault{Operation: "sts.GetCallerIdentity", Status: 403, Code: "SignatureDoesNotMatch"})
		}, ecr.BadCredentials, "does not accept the signature", "AWS_SECRET_ACCESS_KEY"},
		"STS hangs": {func(x *examined) {
			x.Timeout = time.Second // of ECR's answers too, and those do come
			x.Inject(awslocal.Fault{Operation: "sts.*", Hang: true})
		}, ecr.Usable, "who we are could not be asked: STS did not answer in time", "com.amazonaws.eu-west-1.sts"},
		"a role that does not trust this pod": {func(x *examined) {
			x.AllowRole(otherRole)
			x.asPod(t)
		}, ecr.BadCredentials, "may not be taken on: ", "OIDC provider"},
		"a role that cannot be fetched": {func(x *examined) {
			x.asPod(t)
			x.Inject(awslocal.Fault{Operation: "sts.AssumeRoleWithWebIdentity", Status: 503, Code: "ServiceUnavailable"})
		}, ecr.BadCredentials, "could not be fetched", "Pod Identity agent"},
		"no Region to ask in": {func(x *examined) { x.Config.Region, x.images = "", nil },
			ecr.Usable, "no Region is set", "set AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExamined(t)
			c.harm(x)
			got, first := ailing(x.run(t))
			if x.access != c.access || first.Check != "credentials" || !strings.Contains(first.Found, c.words) || !strings.Contains(first.Mend, c.mend) {
				t.Errorf("access %d, %q\nfound: %s\nmend: %s", x.access, got, first.Found, first.Mend)
			}
			if asked := x.Calls()["ecr.BatchGetImage"] > 0; asked != (c.access == ecr.Usable && x.images != nil) {
				t.Errorf("ECR was asked: %t", asked)
			}
		})
	}
}

// asPod has the role of a service account (IRSA).
func (x *examined) asPod(t *testing.T) {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a.b.c"), 0o600); err != nil {
		t.Fatal(err)
	}
	anonymous := x.Config.Copy()
	anonymous.RetryMaxAttempts = 1
	x.Config.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(anonymous),
		"arn:aws:iam::111122223333:role/ecr-gate", stscreds.IdentityTokenFile(token)))
}

// What is well is said to be, each in its words.
func TestExaminationSaysWhatIsWell(t *testing.T) {
	for name, c := range map[string]struct {
		prepare     func(*examined)
		check, want string
	}{
		"a role": {func(x *examined) {
			x.Registries = []ecr.Registry{{Account: otherAccount, AssumeRoleARN: otherRole}}
			x.put(awslocal.Image{Account: otherAccount, Scans: []awslocal.Scan{complete(many(1)...)}})
		}, "role " + otherRole, "it can be taken on"},
		"no start needed": {func(x *examined) {
			x.SetScanType("", "ENHANCED")
			x.Policies[0].StartScan = true
		}, "ecr:StartImageScan", "not needed here: enhanced scanning starts its scans by itself"},
		"allowed, though there is nothing": {func(x *examined) { x.put(awslocal.Image{Archived: true}) },
			"ecr:BatchGetImage", "allowed"},
		"an index under basic scanning": {func(x *examined) {
			x.put(awslocal.Image{Children: []awslocal.Image{{Platform: "linux/amd64", Scans: []awslocal.Scan{complete(many(1)...)}}, {Attestation: true}}})
		}, "image", "asked by tag, ECR says ScanNotFoundException, which is no fault"},
		"a scan of two hours ago": {func(x *examined) { x.Now = func() time.Time { return noon.Add(150 * time.Minute) } },
			"scan", "a finished basic scan (COMPLETE), 2 hours old, can be judged; ecr-gate check says how"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newExamined(t)
			c.prepare(x)
			if !slices.ContainsFunc(x.run(t), func(r doctor.Result) bool {
				return r.Check == c.check && r.State == doctor.OK && strings.HasSuffix(r.Found, c.want)
			}) {
				t.Errorf("%s: it does not say %q", c.check, c.want)
			}
		})
	}
}

// Without an image the registries of the configuration are looked at, or our own, and
// it says that the rest was not.
func TestExaminationWithoutImages(t *testing.T) {
	for name, c := range map[string]struct {
		registries []ecr.Registry
		want       []string
	}{
		"none listed": {nil, []string{"AWS", "registry 111122223333 in eu-west-1"}},
		"listed": {[]ecr.Registry{{Account: "111122223333", Regions: []string{"eu-north-1", "eu-south-1"}}, {Account: otherAccount, AssumeRoleARN: otherRole}, {Account: "777788889999"}},
			[]string{"AWS", "registry 111122223333 in eu-north-1", "registry 111122223333 in eu-south-1", "registry 444455556666 in eu-west-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newExamined(t)
			x.images, x.Registries = nil, c.registries
			results := x.run(t)
			var subjects []string
			for _, r := range results {
				if !slices.Contains(subjects, r.Subject) {
					subjects = append(subjects, r.Subject)
				}
			}
			if diff := cmp.Diff(c.want, subjects); diff != "" {
				t.Error(diff)
			}
			if got, first := ailing(results); len(got) != 1 || first.Check != "images" || !strings.Contains(first.Mend, "ecr-gate doctor IMAGE") {
				t.Errorf("%q", got)
			}
		})
	}
}

// Results come in the order of the images, whichever is ready first.
func TestExaminationKeepsTheOrder(t *testing.T) {
	x := newExamined(t)
	x.images = nil
	for _, name := range strings.Fields("a1 b2 c3 d4 e5 f6 g7 h8 i9") {
		x.PutImage(awslocal.Image{Repository: name, Tags: []string{"1"}, Scans: []awslocal.Scan{complete(many(1)...)}})
		x.images = append(x.images, x.RegistryHost()+"/"+name+":1")
	}
	x.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Times: 1, Latency: 30 * time.Millisecond})
	var subjects []string
	for _, r := range x.run(t) {
		if strings.Contains(r.Subject, "dkr.ecr") && !slices.Contains(subjects, r.Subject) {
			subjects = append(subjects, r.Subject)
		}
	}
	if diff := cmp.Diff(x.images, subjects); diff != "" {
		t.Error(diff)
	}
}
