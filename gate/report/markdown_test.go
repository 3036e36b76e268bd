package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

// mostComment is what GitHub takes.
const mostComment = 65_536

// wantWholeTables fails for a table that was cut, or a row that is not of its table.
func wantWholeTables(t *testing.T, text string) {
	t.Helper()
	if opened, closed := strings.Count(text, "<details"), strings.Count(text, "</details>"); opened != closed {
		t.Errorf("%d sections are opened and %d closed", opened, closed)
	}
	columns := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if columns == 0 {
			columns = n
		}
		if n != columns || !strings.HasSuffix(line, "|") {
			t.Errorf("a row of %d columns in a table of %d: %s", n-1, columns-1, line)
		}
	}
}

func TestMarkdownFits(t *testing.T) {
	many := make([]gate.Verdict, 300)
	for i := range many {
		many[i] = thousand(20)
		many[i].Image = fmt.Sprintf("%s/shop/web%d:1.4", registry, i)
		many[i].Outcome = []gate.Outcome{gate.Allowed, gate.Denied, gate.Pending}[i%3]
	}
	for name, verdicts := range map[string][]gate.Verdict{
		"one": {web()}, "thousand": {thousand(1000)}, "ten thousand": {thousand(10_000)}, "many": many, "hostile": {hostile(), hostile()},
		"three": {web(), thousand(3000), web()}, "nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			text := render(t, "markdown", verdicts...)
			if len(text) > mostComment {
				t.Errorf("%d bytes", len(text))
			}
			wantWholeTables(t, text)
		})
	}
}

// What is left out is said, and what matters most is not what is left out.
func TestMarkdownLeavesOut(t *testing.T) {
	text := render(t, "markdown", web(), thousand(3000), web())
	if n := strings.Count(text, "### Denied: "); n != 3 {
		t.Errorf("%d of 3 verdicts", n)
	}
	if n := strings.Count(text, "<details open>"); n != 3 {
		t.Errorf("%d of 3 images show the fixes that clear the worst", n)
	}
	_, last, left := strings.Cut(text, "\nLeft out, for a comment has room for 65,536 characters: upgrades of ")
	if !left || !strings.HasSuffix(last, " more parts. The JSON report has all.\n") {
		t.Errorf("what was left out: %q", last)
	}
	if len(text) < mostComment*9/10 {
		t.Errorf("%d bytes: there was room for more", len(text))
	}
	if whole := render(t, "markdown", web()); strings.Contains(whole, "Left out") {
		t.Error("a small comment leaves something out:", whole)
	}
}

// Of more images than fit, those that are not allowed stay.
func TestMarkdownKeepsRefusals(t *testing.T) {
	verdicts := make([]gate.Verdict, 1000)
	for i := range verdicts {
		verdicts[i] = gate.Verdict{Image: fmt.Sprintf("%s/shop/web%d:1.4", registry, i), Outcome: gate.Allowed, Reason: strings.Repeat("fine ", 20)}
	}
	verdicts[990].Outcome = gate.Denied
	verdicts[995].Outcome = gate.Unavailable
	text := render(t, "markdown", verdicts...)
	for _, want := range []string{"### Denied: `" + registry + "/shop/web990", "### Unavailable: `" + registry + "/shop/web995", "1000 images: 1 Denied, 1 Unavailable, 998 Allowed"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if len(text) > mostComment || !strings.Contains(text, "Left out") {
		t.Errorf("%d bytes", len(text))
	}
}

// Nothing is said of an image that is not named: its verdict is too long for the
// room that is left, its evidence is not.
func TestMarkdownPartsHaveAHead(t *testing.T) {
	long := gate.Verdict{
		Image: registry + "/shop/long:1", Digest: "sha256:" + strings.Repeat("9", 64), Outcome: gate.Allowed,
		Warnings: []string{strings.Repeat("a", 300), strings.Repeat("b", 300), strings.Repeat("c", 300)},
	}
	dropped := false
	for n := 430; n < 480; n += 5 {
		verdicts := make([]gate.Verdict, n, n+1)
		for i := range verdicts {
			verdicts[i] = gate.Verdict{Image: fmt.Sprintf("%s/shop/web%03d:1.4", registry, i), Reason: "image not allowed: " + strings.Repeat("x", 45)}
		}
		text := render(t, "markdown", append(verdicts, long)...)
		named := strings.Contains(text, "### Allowed: `"+long.Image)
		dropped = dropped || !named
		if !named && strings.Contains(text, long.Digest) {
			t.Fatalf("of %d images one has evidence and no verdict", n)
		}
	}
	if !dropped {
		t.Error("all verdicts fit")
	}
}

// A table that would fill the comment by itself is made in parts.
func TestMarkdownSplitsWideTables(t *testing.T) {
	var list []gate.Finding
	for i := range 240 {
		f := vulnerable(fmt.Sprintf("CVE-2026-%d", i), gate.High, "1", "2", fmt.Sprintf("lib%d", i/8))
		f.URL = "https://example.com/" + strings.Repeat("a", 400)
		list = append(list, f)
	}
	v := gate.Evaluate(dev(), nil, image(registry+"/shop/web:1.4", "1"), []gate.Scan{enhanced("", "1", list...)}, noon)
	text := render(t, "markdown", v)
	if !strings.Contains(text, "<summary>Findings by the fix that clears them (1 to ") || len(text) > mostComment {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
	wantWholeTables(t, text)
}

// Nothing of a hostile text is markup, a mention, a link or the end of a cell.
func TestMarkdownIsText(t *testing.T) {
	text := render(t, "markdown", hostile())
	wantWholeTables(t, text)
	outside := withoutCode(text)
	for _, bad := range []string{"<script", "@octocat", "://evil.example/ ", " www.evil", "#1 ", "| x |"} {
		if strings.Contains(outside, bad) {
			t.Errorf("%q in %s", bad, outside)
		}
	}
	links := regexp.MustCompile(`[^\\]\]\(([^)]*)\)`).FindAllStringSubmatch(outside, -1)
	if len(links) != 1 || links[0][1] != "https://evil.example/%3Cb%3E?q=%22%7C%60%29%28" { // the finding's own
		t.Errorf("links to %q", links)
	}
}

// withoutCode takes the code spans out.
func withoutCode(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "\\`", "")) { // those are no fences
		for {
			before, rest, found := strings.Cut(line, "`")
			if !found {
				break
			}
			fence := "`"
			for strings.HasPrefix(rest, "`") {
				rest, fence = rest[1:], fence+"`"
			}
			_, after, closed := strings.Cut(rest, fence)
			if !closed {
				break
			}
			b.WriteString(before)
			line = after
		}
		b.WriteString(line)
	}
	return b.String()
}
