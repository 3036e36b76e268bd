package main

import (
	"strconv"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// populate pushes the images that stay as they are.
func (w *world) populate() {
	for i := range 12 {
		_, tag, digest := w.push("clean", admit, awslocal.Image{Scans: []awslocal.Scan{w.scanned(longAgo, enhanced(i%4, "LOW")...)}})
		w.keep(tag, digest)
		_, tag, _ = w.push("clean-basic", admit, awslocal.Image{Scans: []awslocal.Scan{w.basicScan(i%4, "MEDIUM")}})
		w.keep(tag)
	}
	for i := range 6 {
		_, tag, digest := w.push("vulnerable", deny, awslocal.Image{Scans: []awslocal.Scan{w.scanned(longAgo, enhanced(1+i, "CRITICAL")...)}})
		w.keep(tag, digest)
		_, tag, _ = w.push("vulnerable-basic", deny, awslocal.Image{Scans: []awslocal.Scan{w.basicScan(1+i, "HIGH")}})
		w.keep(tag)
	}
	w.indexes()
	w.unjudgeable()
	var tag *reference
	w.flip, tag, _ = w.push("flip", deny, awslocal.Image{Scans: []awslocal.Scan{w.scanned(longAgo, enhanced(1, "CRITICAL")...)}})
	w.flip.exact = true
	w.keep(tag)
	// Read page by page; the last page alone makes it vulnerable.
	long := w.scanned(longAgo, append(enhanced(9, "LOW"), enhanced(1, "HIGH")...)...)
	long.PageSize = 3
	_, tag, _ = w.push("many-pages", deny, awslocal.Image{Scans: []awslocal.Scan{long}})
	w.keep(tag)
}

func (w *world) basicScan(n int, severity string) awslocal.Scan {
	return awslocal.Scan{Status: "COMPLETE", CompletedAt: w.now().Add(-longAgo), Findings: basic(n, severity)}
}

// indexes are images for two platforms, of which one may be vulnerable.
func (w *world) indexes() {
	for kind, arm := range map[string][]awslocal.EnhancedFinding{"index": nil, "index-half": enhanced(1, "HIGH")} {
		first := admit
		if arm != nil {
			first = deny
		}
		_, tag, _ := w.push(kind, first, awslocal.Image{Children: []awslocal.Image{
			{Platform: "linux/amd64", Scans: []awslocal.Scan{w.scanned(longAgo)}},
			{Platform: "linux/arm64", Scans: []awslocal.Scan{w.scanned(longAgo, arm...)}},
		}})
		w.keep(tag)
	}
}

// unjudgeable are images whose scans are no good, and never will be.
func (w *world) unjudgeable() {
	done := w.now().Add(-longAgo)
	for i, c := range []struct {
		scan awslocal.Scan
		fate fate
	}{
		{awslocal.Scan{Status: "FAILED", Description: "it broke"}, fail},
		{awslocal.Scan{Status: "FAILED", Description: "UnsupportedImageError: no"}, deny},
		{awslocal.Scan{Status: "SCAN_ELIGIBILITY_EXPIRED", CompletedAt: done}, fail},
		{awslocal.Scan{Status: "FOUND_NOTHING_AT_ALL", CompletedAt: done, Findings: basic(0, "")}, fail},
		{awslocal.Scan{Status: "COMPLETE"}, wait},
		{awslocal.Scan{Status: "COMPLETE", CompletedAt: done, Findings: basic(0, ""), Counts: map[string]int{"CRITICAL": 1}}, fail},
		{awslocal.Scan{Status: "COMPLETE", CompletedAt: done, Findings: basic(2, "SEVERE")}, deny}, // a word nobody knows is HIGH
		{awslocal.Scan{Status: "COMPLETE", CompletedAt: done, NoCounts: true}, fail},
		{awslocal.Scan{Raw: []byte(`{}`)}, fail},
	} {
		_, tag, _ := w.push("unjudgeable-"+strconv.Itoa(i), c.fate, awslocal.Image{Scans: []awslocal.Scan{c.scan}})
		w.keep(tag)
	}
}
