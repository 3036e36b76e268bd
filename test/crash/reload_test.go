package crash_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

const configFile = "gate.yaml"

// versions are two versions of a configuration. Each enforces another policy, and
// tolerates anything in the policy of the other one: by neither version an image of
// two criticals passes, and by one's settings with the other's policies it would. One
// lists registries, so that what is known of images is not carried over.
func versions(enforced string) map[string]string {
	limits := map[string][2]int{"red": {1, 100}, "blue": {100, 0}}[enforced]
	registries := map[string]string{"blue": "aws: {registries: [{account: \"111122223333\"}]}\n"}[enforced]
	return map[string]string{configFile: heading + registries + fmt.Sprintf("webhook: {namespaceLabels: false, enforce: %s}\npolicies:\n"+
		"- {name: red, untriagedAs: CRITICAL, maxFindings: {CRITICAL: %d}}\n"+
		"- {name: blue, untriagedAs: CRITICAL, maxFindings: {CRITICAL: %d}}\n", enforced, limits[0], limits[1])}
}

// A ConfigMap changes under load. No review fails for it, none is judged by two
// policies, and the new policy is in force within seconds. A version that is broken
// changes nothing, and is told of.
func TestConfigurationReload(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	const images = 6
	var pod []string
	for i := range images {
		name := fmt.Sprintf("shop/bad%d", i)
		s.PutImage(awslocal.Image{Repository: name, Tags: []string{"1"}, Scans: []awslocal.Scan{complete(critical("CVE-2026-1"), critical("CVE-2026-2"))}})
		pod = append(pod, s.uri(name))
	}
	files := newMount(t, versions("red"))
	p := s.ready(process.Options{Config: heading + hook, Args: []string{"--config", files.path(configFile)}})
	reviews := push(t, 3, newCaller(p).asking(pod...), wantOnePolicy)
	inForce := func(policy string) func() bool {
		return func() bool { return strings.Contains(reviews.last().Message, "over policy "+policy) }
	}

	await(t, "the first policy", inForce("red"))
	reload := func(want float64) func() bool {
		return func() bool {
			m, err := p.Metrics(t.Context())
			return err == nil && m["ecr_gate_config_reload_success"] == want
		}
	}
	change := func(policy string) {
		files.swap(versions(policy))
		began := time.Now()
		await(t, "policy "+policy, inForce(policy))
		note("configuration: from the symlink's swap to the first verdict by the new policy", time.Since(began))
		reviews.more(t, 20)
	}
	for range rounds() {
		change("blue")
		change("red")
	}
	files.swap(map[string]string{configFile: "kind: Confg\n"})
	began := time.Now()
	await(t, "a broken version to be refused", reload(0))
	note("configuration: from the symlink's swap to ecr_gate_config_reload_success 0", time.Since(began))
	reviews.more(t, 20)
	if !inForce("red")() {
		t.Errorf("the last good one is not in force: %s", reviews.last().Message)
	}
	if log := strings.Join(p.Lines(), "\n"); !strings.Contains(log, "the new configuration is refused; the last good one stays in force") || !strings.Contains(log, "Confg") {
		t.Error("the log does not say why")
	}
	change("blue")
	await(t, "the good version to be in force", reload(1))
	reviews.wantRight(t)
}

// rounds is how often something is repeated, to meet what happens seldom.
func rounds() int {
	if everything() {
		return 20
	}
	return 5
}

func wantOnePolicy(a process.Answer, err error) string {
	red, blue := strings.Contains(a.Message, "over policy red"), strings.Contains(a.Message, "over policy blue")
	switch {
	case err != nil:
		return "no answer: " + err.Error()
	case a.Allowed:
		return "a vulnerable image passes"
	case red && blue:
		return "judged by two policies: " + a.Message
	case !red && !blue:
		return "not judged: " + a.Message
	}
	return ""
}

// A review that waits for ECR while the list of registries changes gets its answer
// all the same, by the list that held when it came.
func TestReloadUnderWaitingReview(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	p := s.ready(process.Options{Config: heading + hook + policy})
	release, held := s.holdFindings()
	answered := make(chan string, 1)
	go func() {
		a, err := p.Review(t.Context(), s.uri(cleanImage))
		answered <- wantAllowed(a, err)
	}()
	await(t, "a question to ECR", func() bool { return held() > 0 })
	p.Lines() // what was said at the start is of no interest
	if err := p.Configure(heading + hook + policy + "aws: {registries: [{account: \"111122223333\"}]}\n"); err != nil {
		t.Fatal(err)
	}
	await(t, "the new list", func() bool { return s.says(p, "configuration in force") })
	release()
	if wrong := <-answered; wrong != "" {
		t.Error(wrong)
	}
}
