package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// memory is the heap that facts take, of images with 100 findings each.
func memory(ctx context.Context, out io.Writer, s settings) error {
	const findings = 100
	_, _ = fmt.Fprintf(out, "\n## Memory, images of %d findings each\n\n| images cached | heap | of that facts |\n|---|---|---|\n", findings)
	empty := heap()
	for _, images := range []int{0, s.images / 10, s.images} {
		facts := gate.NewCache(invented{findings}, gate.CacheOptions{MaxBytes: 1 << 30})
		for i := range images {
			img := gate.Image{Registry: "111122223333.dkr.ecr.eu-west-1.amazonaws.com", Repository: "shop/web", Digest: digest(i)}
			if _, err := facts.Scan(ctx, img, gate.Manifest{Digest: img.Digest}); err != nil {
				return err
			}
		}
		now := heap()
		_, _ = fmt.Fprintf(out, "| %d | %.1f MiB | %.1f MiB |\n", images, mebibytes(now), mebibytes(max(now, empty)-empty))
		facts.Close()
	}
	_, _ = fmt.Fprintf(out, "\nWanted: 10,000 images under 256 MiB. A process holds %d MiB of facts at the most and forgets the least used.\n", gate.DefaultCacheBytes>>20)
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func mebibytes(n uint64) float64 { return float64(n) / (1 << 20) }

func digest(i int) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Append(nil, i))) }

// invented makes scans up as Inspector would fill them, every text of its own.
type invented struct{ findings int }

// Resolve implements gate.Source.
func (i invented) Resolve(_ context.Context, img gate.Image) (gate.Resolution, error) {
	return gate.Resolution{Digest: img.Digest, Manifests: []gate.Manifest{{Digest: img.Digest}}}, nil
}

// Scan implements gate.Source.
func (i invented) Scan(_ context.Context, _ gate.Image, m gate.Manifest) (gate.Scan, error) {
	now := time.Now()
	scan := gate.Scan{
		Digest: m.Digest, Type: gate.Enhanced, Status: gate.StatusActive, Description: "Continuous scan is selected for image.",
		CompletedAt: now.Add(-time.Hour), SourceAt: now.Add(-time.Hour), ReadAt: now, Pages: 1,
		Counts:   map[gate.Severity]int{gate.Medium: i.findings},
		Findings: make([]gate.Finding, i.findings),
	}
	for n := range scan.Findings {
		id := fmt.Sprintf("CVE-2026-%s-%05d", m.Digest[7:11], n)
		name := fmt.Sprintf("libpackage-%s-%d", m.Digest[11:15], n)
		scan.Findings[n] = gate.Finding{
			ID: id, Severity: gate.Medium, Fix: gate.FixYes, Title: id + " - " + name,
			URL: "https://security-tracker.debian.org/tracker/" + id, FirstObserved: now.Add(-time.Duration(n) * time.Hour),
			Packages: []gate.Package{{Name: name, Version: "1.2.3-4+deb12u1", FixedIn: "1.2.3-4+deb12u2", PURL: "pkg:deb/debian/" + name + "@1.2.3-4%2Bdeb12u1"}},
		}
	}
	return scan, nil
}

// StartScan implements gate.Source.
func (i invented) StartScan(context.Context, gate.Image, gate.Manifest) error { return nil }
