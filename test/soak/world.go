package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// world is an AWS with images of which everything is known, and the gate's files.
type world struct {
	*clock
	aws   *awslocal.Server
	files files

	editing sync.Mutex // held while files are changed and not heeded yet
	ending  []ending   // exceptions in force or past
	flip    *picture   // its policy changes

	mu       sync.Mutex            // over what follows
	pictures map[string][]*picture // by repository
	steady   []*reference
	recent   []*reference // pushed lately, oldest first
	last     int          // number of the last image
}

// files are where the gate reads its configuration; *process.Process is one.
type files interface {
	WriteFile(name, text string) error
}

// mostRecent bounds the images that were pushed lately: AWS forgets the others.
const mostRecent = 60

const longAgo = 48 * time.Hour // so old that no clock that is hours wrong makes it young

func newWorld(c *clock) (*world, error) {
	w := &world{clock: c, aws: awslocal.New(awslocal.Options{Now: c.now}), pictures: map[string][]*picture{}}
	_, err := w.aws.Start()
	return w, err
}

// name is a new repository's.
func (w *world) name(kind string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	return fmt.Sprintf("soak/%s-%d", kind, w.last)
}

// push makes an image, of a repository of its own unless one is named, whose fate is
// known from the start, and the two references to it.
func (w *world) push(kind string, first fate, img awslocal.Image) (p *picture, tagged, byDigest *reference) {
	if img.Repository == "" {
		img.Repository = w.name(kind)
	}
	if len(img.Tags) == 0 {
		img.Tags = []string{"1"}
	}
	p = &picture{kind: kind}
	p.fates.change(w.clock, first, func() { p.digest = w.aws.PutImage(img) })
	w.mu.Lock()
	w.pictures[img.Repository] = append(w.pictures[img.Repository], p)
	w.mu.Unlock()
	at := w.aws.RegistryHost() + "/" + img.Repository
	tagged, byDigest = &reference{name: at + ":" + img.Tags[0], repository: img.Repository}, &reference{name: at + "@" + p.digest, repository: img.Repository}
	for _, ref := range []*reference{tagged, byDigest} {
		ref.points.begin(p, time.Time{}, time.Time{})
	}
	return p, tagged, byDigest
}

// keep has references asked for from now on, for good.
func (w *world) keep(refs ...*reference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steady = append(w.steady, refs...)
}

// show has references asked for until others have come.
func (w *world) show(refs ...*reference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recent = append(w.recent, refs...)
	w.recent = w.recent[max(0, len(w.recent)-mostRecent):]
}

// choose picks references to ask for in one pod.
func (w *world) choose(random *rand.Rand) []*reference {
	w.mu.Lock()
	defer w.mu.Unlock()
	refs := make([]*reference, 1+random.IntN(3))
	for i := range refs {
		if len(w.recent) > 0 && random.IntN(2) == 0 {
			// The latest are the most likely: their scans are under way.
			n := len(w.recent)
			refs[i] = w.recent[max(0, n-1-int(random.ExpFloat64()*float64(n)/4))]
			continue
		}
		refs[i] = w.steady[random.IntN(len(w.steady))]
	}
	return refs
}

func names(refs []*reference) []string {
	list := make([]string, len(refs))
	for i, ref := range refs {
		list[i] = ref.name
	}
	return list
}

// enhanced makes so many findings of a severity in Inspector's form.
func enhanced(n int, severity string) []awslocal.EnhancedFinding {
	list := make([]awslocal.EnhancedFinding, n)
	for i := range list {
		list[i] = awslocal.EnhancedFinding{
			ID: fmt.Sprintf("CVE-2026-%s-%d", severity, i), Severity: severity,
			Packages: []awslocal.Package{{Name: fmt.Sprintf("lib%d", i), Version: "1.2.3", Manager: "OS", FixedIn: "1.2.4"}},
		}
	}
	return list
}

func basic(n int, severity string) []awslocal.Finding {
	list := make([]awslocal.Finding, n)
	for i := range list {
		list[i] = awslocal.Finding{Name: fmt.Sprintf("CVE-2026-%s-%d", severity, i), Severity: severity, Package: "lib", Version: "1.2.3"}
	}
	return list
}

// scanned is an enhanced scan that is over.
func (w *world) scanned(ago time.Duration, findings ...awslocal.EnhancedFinding) awslocal.Scan {
	return awslocal.Scan{Status: "ACTIVE", CompletedAt: w.now().Add(-ago), EnhancedFindings: append([]awslocal.EnhancedFinding{}, findings...)}
}

// policies is the configuration's text; limit is how many critical findings the
// images of flip may have.
func policies(medium, limit int) string {
	return fmt.Sprintf(`apiVersion: ecr-gate.dev/v1alpha1
kind: Config
webhook: {namespaceLabels: false}
pipeline: {pollInterval: 1s, maxWait: 2h, concurrency: 20}
exceptions: {files: [exceptions.yaml]}
policies:
- name: flip
  match: {images: ["**/soak/flip*"]}
  exploitable: ignore
  maxFindings: {CRITICAL: %d}
- name: soak
  exploitable: ignore
  maxFindings: {CRITICAL: 0, HIGH: 0, MEDIUM: %d}
`, limit, medium)
}

// ending is an exception for one vulnerability, until a moment.
type ending struct {
	id string
	at time.Time
}

func exceptions(list []ending) string {
	var b strings.Builder
	b.WriteString("vulnerabilities:")
	if len(list) == 0 {
		b.WriteString(" []")
	}
	b.WriteString("\n")
	for _, e := range list {
		fmt.Fprintf(&b, "- {id: %s, expired_at: %s, statement: known}\n", e.id, e.at.UTC().Format(time.RFC3339))
	}
	return b.String()
}

// lied is told of a request that was answered with what is no error and not so.
func (w *world) lied(r awslocal.Request) {
	var body struct {
		Repository string `json:"repositoryName"`
	}
	if err := json.Unmarshal(r.Raw, &body); err != nil {
		return // AWS would not take it either
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	for _, p := range w.pictures[body.Repository] {
		p.lies.begin(true, now, now)
		p.lies.begin(false, now, now)
	}
}
