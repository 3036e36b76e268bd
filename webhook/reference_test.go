package webhook_test

import (
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/webhook"
)

// The registries that are ECR's, in all their spellings: each is asked, and for the
// account and Region of the name.
func TestReferencesThatAreECR(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Namespaces = nil
	clean := l.digest(t, "clean")
	for host, region := range map[string]string{
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com":                "eu-west-1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com:443":            "eu-west-1",
		"111122223333.DKR.ECR.eu-west-1.AMAZONAWS.COM":                "eu-west-1",
		"111122223333.dkr.ecr-fips.us-east-1.amazonaws.com":           "us-east-1",
		"111122223333.dkr.ecr.us-gov-west-1.amazonaws.com":            "us-gov-west-1",
		"111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn":            "cn-north-1",
		"111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu":            "eusc-de-east-1",
		"111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov":               "us-iso-east-1",
		"111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov":           "us-isob-east-1",
		"111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk":          "eu-isoe-west-1",
		"111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov":         "us-isof-south-1",
		"111122223333.dkr-ecr.eu-west-1.on.aws":                       "eu-west-1",
		"111122223333.dkr-ecr-fips.us-east-1.on.aws":                  "us-east-1",
		"111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": "cn-north-1",
		"444455556666.dkr.ecr.eu-west-1.amazonaws.com":                "eu-west-1",
	} {
		l.aws.ResetCalls()
		got := l.ask(t, create(podOf(host+"/shop/clean@"+clean)))
		if host[:12] == "111122223333" && region == "eu-west-1" {
			wantAllowed(t, got)
		} else {
			wantDenied(t, got, "could not check: ") // there is nothing, but it was asked for
		}
		for _, r := range l.aws.Requests("ecr.BatchGetImage") {
			if r.Region != region || r.Body["registryId"] != host[:12] || r.Body["repositoryName"] != "shop/clean" {
				t.Errorf("%s: asked in %s for %v", host, r.Region, r.Body)
			}
		}
	}
}

// T-16 CVE-2026-54725 (bank-vaults), CVE-2025-27403 (Ratify): the image's host chose
// where credentials went. What is not ECR's own is never a reason for a call, and
// is denied where nonECRImages says so.
func TestT16HostsThatAreNotECR(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn})
	const digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	for _, image := range []string{
		"nginx", "nginx:1.25", "library/nginx", "docker.io/library/nginx", "index.docker.io/nginx@" + digest,
		"localhost/shop/web:1", "localhost:5000/shop/web:1", "[::1]:5000/shop/web:1", "10.0.0.1/shop/web", "host:5000/x",
		"public.ecr.aws/shop/web:1", "ecr-public.aws.com/shop/web:1", "registry.k8s.io/pause:3.10",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.example/shop/web:1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.com/shop/clean:1.4",
		"evil-111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1",
		"evil.111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1",
		"11112222333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1",
		"1111222233334.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.co/shop/web:1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.cn/shop/web:1",
		"111122223333.dkr.ecr.cn-north-1.amazonaws.com/shop/web:1",
		"111122223333.dkr.ecr.eu-west-1.on.aws/shop/web:1",
		"111122223333.dkr-ecr.eu-west-1.amazonaws.com/shop/web:1",
		"111122223333xdkr.ecr.eu-west-1.amazonaws.com/shop/web:1",
		"111122223333.dkr.ecr.s3.amazonaws.com/shop/web:1",
		"111122223333.dkr.ecr.s3-us-west-2.amazonaws.com/shop/web:1",
		"api.ecr.eu-west-1.amazonaws.com/shop/web:1",
		"ecr-mirror.example.org/shop/web:1",
		"myregistry-evil/shop/web", "myregistry.io.evil.com/shop/web",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com", // a repository of that name, at docker.io
	} {
		got := l.ask(t, create(podOf(image)))
		wantDenied(t, got, "image not allowed: ")
		if !strings.Contains(got.Result.Message, "is not in a private Amazon ECR registry") {
			t.Errorf("%s: %s", image, got.Result.Message)
		}
	}
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}

// An ECR registry by another port may be one all the same, by way of a proxy or of a
// client that reads 0443 as 443: it is never waved through as some other registry.
func TestECRByAnotherPort(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn, NonECRImages: webhook.Allow})
	for _, port := range []string{":5000", ":4430", ":1", ":0444"} {
		image := strings.Replace(l.images["bad"], ".com/", ".com"+port+"/", 1)
		wantDenied(t, l.ask(t, create(podOf(image))), "could not check: ")
	}
	for _, port := range []string{":443", ":0443", ":00443"} {
		image := strings.Replace(l.images["bad"], ".com/", ".com"+port+"/", 1)
		wantDenied(t, l.ask(t, create(podOf(image))), "image not allowed: ")
	}
}

// What the kubelet's own grammar refuses is refused here, and never guessed at.
func TestReferencesThatAreNone(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn, NonECRImages: webhook.Allow})
	clean := l.images["clean"]
	for _, image := range []string{
		"", " ", clean + " ", " " + clean, clean + "\n", "\t" + clean, clean + "\u00a0", clean + "\x00",
		strings.Replace(clean, "shop/clean", "Shop/clean", 1), strings.Replace(clean, "shop/clean", "shop//clean", 1),
		strings.TrimSuffix(clean, ":1.4") + "/", strings.TrimSuffix(clean, "1.4"), strings.Replace(clean, "shop/", "shop%2f", 1),
		"https://" + clean, "docker://" + clean, strings.Replace(clean, ".com/", ".com./", 1),
		clean + "@sha256:44136fa3", clean + "@sha256:" + strings.Repeat("A", 64), clean + "@sha512:" + strings.Repeat("a", 64),
		clean + "@md5:" + strings.Repeat("a", 32), strings.Repeat("a", 64), strings.TrimSuffix(clean, "1.4") + strings.Repeat("a", 129),
		strings.Replace(clean, "111122223333", "١١١١٢٢٢٢٣٣٣٣", 1), strings.Replace(clean, "amazonaws", "аmazonaws", 1),
		strings.TrimSuffix(clean, ":1.4") + ":1.4:1.5", "../" + clean, clean + "?x=y", clean + "#x",
		// To a node the ID of whichever image it has, whole or its beginning.
		"sha256:" + strings.Repeat("3f", 32), "sha512:" + strings.Repeat("3f", 64), "sha384:" + strings.Repeat("3f", 48), "sha256:3f", "sha512:3",
	} {
		wantDenied(t, l.ask(t, create(podOf(image))), "could not check: ")
	}
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}

// The digest decides, whatever the tag beside it; no tag means latest.
func TestTagAndDigest(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	clean, bad := l.digest(t, "clean"), l.digest(t, "bad")
	repository := strings.TrimSuffix(l.images["bad"], ":1.4")
	wantDenied(t, l.ask(t, create(podOf(repository+":no-such-tag@"+bad))), "image not allowed: ")
	wantDenied(t, l.ask(t, create(podOf(repository+":1.4@"+clean))), "could not check: ") // of another repository
	wantDenied(t, l.ask(t, create(podOf(repository))), "could not check: ")               // there is no latest
	l.aws.MoveTag("shop/bad", "latest", bad)
	other := newLab(t, webhook.Settings{})
	other.aws.MoveTag("shop/bad", "latest", bad)
	wantDenied(t, other.ask(t, create(podOf(repository))), "image not allowed: ")
	long := repository + ":" + strings.Repeat("_", 128)
	other.aws.MoveTag("shop/bad", strings.Repeat("_", 128), bad)
	wantDenied(t, other.ask(t, create(podOf(long))), "image not allowed: ")
}
