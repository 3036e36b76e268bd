package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

// compared is a verdict beside another image's findings.
func compared() gate.Verdict {
	v := web()
	c := &gate.Comparison{
		Image: v.Image, Digest: v.Digest, Baseline: ":prod", BaselineDigest: "sha256:" + strings.Repeat("7", 64), Compared: true,
		Stayed: v.Findings, Warnings: []string{"ECR did not answer: judged by what it said before"},
	}
	for i := range 12 {
		c.New = append(c.New, vulnerable(fmt.Sprintf("CVE-2026-91%02d", i), gate.High, "1.0", "1.1", "new|<b>lib"))
	}
	c.Gone = append(c.Gone, vulnerable("CVE-2025-8000", gate.Critical, "1.0", "1.1", "oldlib"))
	v.Comparison = c
	return v
}

// Who asked what is new since another image is told in every form.
func TestComparison(t *testing.T) {
	v := compared()
	summary := fmt.Sprintf("since :prod (sha256:777777777777): 12 new, 1 gone, %d stayed", len(v.Findings))
	for name, wants := range map[string][]string{
		"table":    {"  " + summary, "    new: HIGH CVE-2026-9100", "new: and 2 more", "gone: CRITICAL CVE-2025-8000", "warning: ECR did not answer"},
		"markdown": {"- new: HIGH CVE-2026-9100", "- new: and 2 more", "- gone: CRITICAL CVE-2025-8000"},
		"html":     {"<h3>Comparison</h3>", summary, "gone: CRITICAL CVE-2025-8000", "new: and 2 more", "new|&lt;b&gt;lib"},
		"json":     {`"comparison": {`, `"CVE-2025-8000"`},
	} {
		text := render(t, name, v)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not show %q\n%.3000s", name, want, text)
			}
		}
		if strings.Contains(text, "CVE-2026-9111") && name != "json" {
			t.Errorf("%s lists more than %d", name, 10)
		}
	}
}
