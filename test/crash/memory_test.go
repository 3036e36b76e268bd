package crash_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// memoryLimit is what GOMEMLIMIT says: a quarter of what the chart gives, which is
// less than the cache alone takes where there is no limit.
const memoryLimit = 128 << 20

// Many images with large scans, under a memory limit: the answers stay right, and
// the process stays near the limit, for Kubernetes ends one that goes well over it.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	images := 15
	if everything() {
		images = 600
	}
	p := s.ready(process.Options{Config: both, Env: []string{fmt.Sprintf("GOMEMLIMIT=%d", memoryLimit)}})
	anonymous := mostAnonymous(t, p)
	t.Cleanup(func() { anonymous() })
	for i := range images {
		image := s.largeImage(i, 2000)
		a, err := p.Review(t.Context(), image)
		if err != nil || a.Allowed || !strings.Contains(a.Message, "has 1 CRITICAL (0 allowed)") {
			t.Fatalf("image %d: %+v, %v", i, a, err)
		}
	}
	// One that is hostile: a hundred times the usual, each text as long as it may be.
	hostile := s.largeImage(-1, 20_000)
	if a, err := p.Review(t.Context(), hostile); err != nil || a.Allowed {
		t.Errorf("the hostile image: %+v, %v", a, err)
	}
	if a, err := p.Review(t.Context(), s.uri(cleanImage)); wantAllowed(a, err) != "" {
		t.Error(wantAllowed(a, err))
	}
	s.ended(s.AddJob(s.job(deniedImage)))
	s.wantRight()
	most, own := mostResident(t, p.PID), anonymous()
	what := fmt.Sprintf("at the most, GOMEMLIMIT %d MiB, %d images of 2,000 findings and one of 20,000", memoryLimit>>20, images)
	noteSize("memory "+what, most)
	noteSize("memory but for pages of files, which the kernel may drop, "+what, own)
	// The chart's GOMEMLIMIT is nine tenths of what Kubernetes ends the process at.
	if own > memoryLimit*10/9 {
		t.Errorf("%d MiB of the process are no page of a file, with GOMEMLIMIT %d MiB", own>>20, memoryLimit>>20)
	}
	if most > memoryLimit*3/2 {
		t.Errorf("the process has taken %d MiB, with GOMEMLIMIT %d MiB", most>>20, memoryLimit>>20)
	}
}

// One large image that a pod names in a hundred ways, each of which is judged: the
// process stays within what the chart gives it, and a clean pod gets in meanwhile.
func TestOneImageInAHundredWays(t *testing.T) {
	t.Parallel()
	const limit, platforms, ways = 460 << 20, 30, 100 // GOMEMLIMIT: nine tenths of the chart's 512Mi
	s := openSite(t)
	p := s.ready(process.Options{Config: both, Env: []string{fmt.Sprintf("GOMEMLIMIT=%d", limit)}})
	image := awslocal.Image{Repository: "large/index"}
	for i := range platforms {
		child := awslocal.Image{Repository: image.Repository, Platform: fmt.Sprintf("linux/a%d", i), Seed: fmt.Sprint(i), Scans: []awslocal.Scan{complete(lowButOne(i, 1000)...)}}
		image.Children = append(image.Children, child)
	}
	digest := s.PutImage(image)
	name := s.RegistryHost() + "/" + image.Repository
	if a, err := p.Review(t.Context(), name+"@"+digest); err != nil || a.Allowed || !strings.Contains(a.Message, "has 1 CRITICAL (0 allowed)") {
		t.Fatalf("%+v, %v", a, err)
	}
	anonymous := mostAnonymous(t, p)
	t.Cleanup(func() { anonymous() })
	named := make([]string, ways)
	for i := range named {
		named[i] = fmt.Sprintf("%s:way%d@%s", name, i, digest)
	}
	var pod sync.WaitGroup
	pod.Go(func() {
		if a, err := p.Review(t.Context(), named...); err != nil || a.Allowed {
			t.Errorf("%+v, %v", a, err)
		}
	})
	for range 20 {
		if a, err := p.Review(t.Context(), s.uri(cleanImage)); wantAllowed(a, err) != "" {
			t.Error(wantAllowed(a, err))
		}
	}
	pod.Wait()
	own := anonymous()
	noteSize(fmt.Sprintf("memory but for pages of files, an index of %d findings that one pod names in %d ways", platforms*1000, ways), own)
	if own > limit {
		t.Errorf("%d MiB of the process are no page of a file, with GOMEMLIMIT %d MiB", own>>20, limit>>20)
	}
}

// largeImage has so many findings, one of them critical. No two images share a text.
func (s *site) largeImage(number, n int) string {
	name := fmt.Sprintf("large/image%d", number+1)
	s.PutImage(awslocal.Image{Repository: name, Tags: []string{"1"}, Scans: []awslocal.Scan{complete(lowButOne(number, n)...)}})
	return s.uri(name)
}

// lowButOne is a list of so many findings, but for one that is critical.
func lowButOne(number, n int) []awslocal.Finding {
	list := make([]awslocal.Finding, n)
	for i := range list {
		list[i] = awslocal.Finding{
			Name: fmt.Sprintf("CVE-%d-%d", 2000+number, 10_000+i), Severity: "LOW",
			Package: fmt.Sprintf("package-%d-%d-%s", number, i, strings.Repeat("x", 100)), Version: fmt.Sprintf("%d.%d", number, i),
			Description: fmt.Sprintf("%d %d %s", number, i, strings.Repeat("description ", 20)),
		}
	}
	list[0].Severity = "CRITICAL"
	return list
}

// mostAnonymous samples what the process has resident that is no page of a file, until
// the function it returns is called, which tells the most.
func mostAnonymous(t *testing.T, p *process.Process) func() int {
	t.Helper()
	const word = "\nRssAnon:"
	file, most := kernel(t, p.PID, "status"), number(t, p.PID, "status", word)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				text, err := os.ReadFile(file)
				if err != nil {
					return // it is gone, which the test finds out by itself
				}
				now, _ := following(text, word) // a process that has just ended has none
				most = max(most, now)
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceValue(func() int {
		close(stop)
		<-stopped
		return most << 10 // KiB
	})
}

// mostResident is the largest that the process has been.
func mostResident(t *testing.T, pid int) int {
	t.Helper()
	return number(t, pid, "status", "\nVmHWM:") << 10 // KiB
}
