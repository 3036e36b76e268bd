package ecrgate_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	spans   = regexp.MustCompile("`[^`\n]*`")
	links   = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
)

// Every relative link of a page leads to a file that is there, and to a heading that
// the page has.
func TestLinksResolve(t *testing.T) {
	anchors := map[string]map[string]bool{} // of each page
	text := map[string]string{}
	walk(t, func(name string, d fs.DirEntry) {
		if d.IsDir() || path.Ext(name) != ".md" {
			return
		}
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = withoutCode(string(page))
		anchors[name] = anchorsOf(text[name])
	})
	followed := 0
	for name, page := range text {
		for _, link := range links.FindAllStringSubmatch(spans.ReplaceAllString(page, ""), -1) {
			if strings.Contains(link[1], ":") { // another host's
				continue
			}
			followed++
			if fault := follow(name, link[1], anchors); fault != "" {
				t.Errorf("%s: the link (%s): %s", name, link[1], fault)
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links found", followed)
	}
}

// withoutCode leaves out what stands between fences.
func withoutCode(page string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(page) {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if !code && !fence {
			b.WriteString(line)
		}
		code = code != fence
	}
	return b.String()
}

// follow says what is wrong with a link; empty: nothing.
func follow(from, link string, anchors map[string]map[string]bool) string {
	file, anchor, _ := strings.Cut(link, "#")
	target := from
	if file != "" {
		target = path.Join(path.Dir(from), file)
	}
	if _, err := os.Stat(target); err != nil {
		return "there is no " + target
	}
	if anchor != "" && !anchors[target][anchor] {
		return fmt.Sprintf("%s has no heading of which GitHub makes #%s", target, anchor)
	}
	return ""
}

// anchorsOf are a page's headings as GitHub makes anchors of them: in small letters,
// without punctuation, blanks as hyphens, and a number after the second of a kind.
func anchorsOf(page string) map[string]bool {
	found := map[string]bool{}
	seen := map[string]int{}
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		anchor := strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c):
				return unicode.ToLower(c)
			}
			return -1
		}, strings.TrimSpace(h[1]))
		if n := seen[anchor]; n > 0 {
			found[fmt.Sprintf("%s-%d", anchor, n)] = true
		} else {
			found[anchor] = true
		}
		seen[anchor]++
	}
	return found
}
