package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// memory is the heap that facts take, of images with 100 findings each.
func memory(ctx context.Context, r *figures, s settings) error {
	const findings = 100
	r.printf("\n## Memory, images of %d findings each\n\n| images cached | heap of facts | per image | |\n|---|---|---|---|\n", findings)
	grown := curve{name: "memory"}
	var rows []string
	empty := heap()
	for _, images := range []int{s.images / 10, s.images / 4, s.images / 2, s.images} {
		facts := gate.NewCache(invented{findings: findings, platforms: 1}, gate.CacheOptions{MaxBytes: 1 << 30})
		for i := range images {
			img := gate.Image{Registry: registry, Repository: "shop/web", Digest: digest(i)}
			if _, err := facts.Scan(ctx, img, gate.Manifest{Digest: img.Digest}); err != nil {
				return err
			}
		}
		now := heap()
		took := float64(max(now, empty) - empty)
		grown.add(images, took)
		rows = append(rows, fmt.Sprintf("| %d | %.1f MiB | %.1f KiB |", images, took/(1<<20), took/1024/float64(images)))
		facts.Close()
	}
	plotted := curve{name: "facts"}
	for i, row := range rows {
		r.printf("%s %s |\n", row, marks(i, grown))
		plotted.add(int(grown.points[i].size), grown.points[i].cost/(1<<20))
	}
	r.panels = append(r.panels, panel{title: "Memory of cached images (100 findings each)", x: "images", y: "MiB", curves: []curve{plotted}, linear: true})
	r.printf("\nWanted: 10,000 images under 256 MiB. A process holds %d MiB of facts at the most and forgets the least used.\n", gate.DefaultCacheBytes>>20)
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

const registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"

func digest(i int) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Append(nil, i))) }

// invented makes scans up as Inspector would fill them, every text of its own.
type invented struct{ findings, platforms int }

// Resolve implements gate.Source.
func (i invented) Resolve(_ context.Context, img gate.Image) (gate.Resolution, error) {
	resolved := gate.Resolution{Digest: img.Digest}
	if img.Digest == "" {
		resolved.Digest = digest(0)
	}
	for p := range i.platforms {
		m := gate.Manifest{Digest: resolved.Digest}
		if i.platforms > 1 {
			m = gate.Manifest{Platform: fmt.Sprintf("linux/arm64/v%d", p), Digest: digest(p + 1)}
		}
		resolved.Manifests = append(resolved.Manifests, m)
	}
	return resolved, nil
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
