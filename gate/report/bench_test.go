package report_test

import (
	"io"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

// BenchmarkFormats writes a verdict of a thousand findings in every format, one by
// one and all together: wanted are less than 200 ms for all.
func BenchmarkFormats(b *testing.B) {
	verdicts := []gate.Verdict{thousand(1000)}
	run := func(b *testing.B, names ...string) {
		b.ReportAllocs()
		for b.Loop() {
			for _, name := range names {
				format, _ := report.Named(name, options)
				if err := format(io.Discard, verdicts); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for _, name := range report.Formats() {
		b.Run(name, func(b *testing.B) { run(b, name) })
	}
	b.Run("all", func(b *testing.B) { run(b, report.Formats()...) })
}
