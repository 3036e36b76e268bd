package browser_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception"
)

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, ok := got.([]string); ok {
		if w, _ := want.([]string); !slices.Equal(g, w) {
			t.Errorf("%s:\n got %q\nwant %q", what, g, w)
		}
		return
	}
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// choose sets a drop-down as a reader would.
func (r *reader) choose(selector, value string) {
	r.t.Helper()
	ask[any](r, `(() => { const s = document.querySelector('`+selector+`'); s.value = '`+value+`'; s.dispatchEvent(new Event('change', { bubbles: true })); })()`)
}

func TestFilter(t *testing.T) {
	r := open(t, desk, shop(t))
	equal(t, "all", len(r.ids()), 22)

	r.do(chromedp.SendKeys(chromedp.CSS(".text"), "openssl 4741"))
	equal(t, "by words", r.ids(), []string{"CVE-2025-4741"})
	equal(t, "status", r.status(), "1 of 22 shown")
	r.do(chromedp.SendKeys(chromedp.CSS(".text"), kb.Escape))
	equal(t, "Escape", len(r.ids()), 22)

	r.do(chromedp.SendKeys(chromedp.CSS(".text"), "double free"))
	equal(t, "by title", r.ids(), []string{"CVE-2026-5450"})
	r.do(chromedp.SendKeys(chromedp.CSS(".text"), kb.Escape))

	critical, high := chromedp.CSS(`.chips [data-s="5"]`), chromedp.CSS(`.chips [data-s="4"]`)
	r.do(chromedp.Click(critical))
	equal(t, "by severity", r.ids(), []string{"CVE-2026-5450", "CVE-2021-44228"})
	equal(t, "pressed", ask[string](r, `document.querySelector('.chips [data-s="5"]').ariaPressed`), "true")
	r.do(chromedp.Click(high))
	equal(t, "by severities", len(r.ids()), 5)
	r.do(chromedp.Click(critical), chromedp.Click(high))
	equal(t, "by no severity", len(r.ids()), 22)

	r.choose(".fixable", "n")
	equal(t, "not fixable", r.ids(), []string{"CVE-2025-6965", "CVE-2011-3374", "CVE-2025-45853"})
	r.choose(".fixable", "y")
	equal(t, "fixable", len(r.ids()), 19)

	r.do(chromedp.SendKeys(chromedp.CSS(".text"), "no such thing"))
	equal(t, "nothing", len(r.ids()), 0)
	equal(t, "said", ask[bool](r, `document.querySelector('.empty').checkVisibility()`), true)
}

func TestSort(t *testing.T) {
	r := open(t, desk, shop(t))
	fixFirst := r.ids()
	equal(t, "the most worthwhile fix first", fixFirst[:5], []string{"CVE-2026-5450", "CVE-2025-4741", "CVE-2024-5535", "CVE-2024-2511", "CVE-2021-44228"})

	head := func(by string) chromedp.CSS { return chromedp.CSS(`th[data-by="` + by + `"] button`) }
	sorted := func(by string) string {
		return ask[string](r, `document.querySelector('th[data-by="`+by+`"]').ariaSort ?? ''`)
	}
	r.do(chromedp.Click(chromedp.CSS(".group")))
	equal(t, "no groups", ask[int](r, `document.querySelectorAll('.list [scope="rowgroup"]').length`), 0)

	r.do(chromedp.Click(head("sev")))
	equal(t, "the worst first", r.ids()[:3], []string{"CVE-2026-5450", "CVE-2021-44228", "CVE-2025-4741"})
	equal(t, "said", sorted("sev"), "descending")
	r.do(chromedp.Click(head("sev")))
	equal(t, "the least first", r.ids()[0], "CVE-2025-45853")
	equal(t, "said", sorted("sev"), "ascending")

	r.do(chromedp.Click(head("id")))
	equal(t, "by number, not by letter", r.ids()[:4], []string{"CVE-2011-3374", "CVE-2021-44228", "CVE-2024-2511", "CVE-2024-5535"})
	equal(t, "one column at a time", sorted("sev"), "")

	r.do(chromedp.Click(head("seen")))
	equal(t, "newest first", r.ids()[0], "CVE-2026-5450")

	r.do(chromedp.Click(head("pkg")), chromedp.Click(chromedp.CSS(".group")))
	equal(t, "groups follow", r.ids()[0], "CVE-2011-3374")
	equal(t, "groups", ask[int](r, `document.querySelectorAll('.list [scope="rowgroup"]').length`), 8)
}

// Where rows are cards there is no head to click at.
func TestSortOnPhone(t *testing.T) {
	r := open(t, phone, shop(t))
	r.do(chromedp.Click(chromedp.CSS(".group")))
	r.choose(".order", "id")
	equal(t, "first", r.ids()[0], "CVE-2011-3374")
}

func TestPlatformTabs(t *testing.T) {
	r := open(t, desk, shop(t))
	r.do(chromedp.Click(chromedp.CSS(`[role="tab"][data-platform="1"]`)))
	equal(t, "arm64 has no log4j", slices.Contains(r.ids(), "CVE-2021-44228"), false)
	equal(t, "status", r.status(), "21 of 22 shown on linux/arm64")
	cards := `[...document.querySelectorAll('.platform')].filter((p) => p.checkVisibility()).map((p) => p.querySelector('h3').textContent)`
	equal(t, "its card", ask[[]string](r, cards), []string{"linux/arm64"})

	r.do(chromedp.KeyEvent(kb.ArrowLeft))
	equal(t, "the arrow key goes back", ask[[]string](r, cards), []string{"linux/amd64"})
	equal(t, "selected", ask[string](r, `document.activeElement.ariaSelected`), "true")
	equal(t, "labelled", ask[string](r, `document.getElementById(document.querySelector('[role="tabpanel"]').getAttribute('aria-labelledby')).textContent`), "linux/amd64")
	r.do(chromedp.KeyEvent(kb.Home))
	equal(t, "all", ask[[]string](r, cards), []string{"linux/amd64", "linux/arm64"})
	equal(t, "findings", len(r.ids()), 22)
}

// Several images have a list each, and filters of their own.
func TestSeveralImages(t *testing.T) {
	r := open(t, desk, shop(t), clean(t), waiting(t))
	r.do(chromedp.SendKeys(chromedp.CSS("#image-2 .text"), "apt"))
	equal(t, "the second's", ask[string](r, `document.querySelector('#image-2 .status').textContent`), "1 of 2 shown")
	equal(t, "not the first's", ask[string](r, `document.querySelector('#image-1 .status').textContent`), "22 of 22 shown")
	r.do(chromedp.Click(chromedp.CSS(`.images a[href="#image-3"]`)))
	r.until(`location.hash === '#image-3' && document.querySelector('#image-3').getBoundingClientRect().top < innerHeight`)
}

func TestTheme(t *testing.T) {
	background := `getComputedStyle(document.body).backgroundColor`
	const light, dark = "rgb(245, 246, 248)", "rgb(14, 19, 25)"
	r := open(t, desk, shop(t))
	equal(t, "as the system has it", ask[string](r, background), light)
	r.do(chromedp.Click(chromedp.CSS("#theme")))
	equal(t, "toggled", ask[string](r, background), dark)
	equal(t, "offers the other", ask[string](r, `document.getElementById('theme').textContent`), "Light theme")
	r.do(chromedp.Navigate(r.url))
	equal(t, "kept", ask[string](r, background), dark)
	ask[any](r, `localStorage.clear()`)

	r = open(t, screen{width: 1280, height: 900, dark: true}, shop(t))
	equal(t, "as a dark system has it", ask[string](r, background), dark)
}

// All the way by keyboard: to the filter, on to a finding, its details open, the
// entry copied, and closed again.
func TestKeyboard(t *testing.T) {
	r := open(t, desk, shop(t))
	focus := func() string {
		return ask[string](r, `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim().slice(0, 80)`)
	}
	r.do(chromedp.KeyEvent(kb.Tab))
	equal(t, "the first stop", focus(), "Skip to the verdict")
	r.do(press("/"))
	equal(t, "slash", focus(), "Filter findings by text")
	r.do(chromedp.KeyEvent("5450"))
	equal(t, "typed", ask[string](r, `document.activeElement.value`), "5450")
	for stops := 0; focus() != "Details of CVE-2026-5450"; stops++ {
		if stops > 30 {
			t.Fatal("the finding's button cannot be reached by Tab")
		}
		outlined := ask[bool](r, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1; })()`)
		equal(t, "focus can be seen on "+focus(), outlined, true)
		r.do(chromedp.KeyEvent(kb.Tab))
	}
	r.do(chromedp.KeyEvent(kb.Enter))
	equal(t, "opened", ask[int](r, `document.querySelectorAll('.detail').length`), 1)
	for focus() != "Copy the exception entry" {
		r.do(chromedp.KeyEvent(kb.Tab))
	}
	r.do(chromedp.KeyEvent(kb.Enter))
	r.until(`document.activeElement.textContent === 'Copied'`)
	ask[any](r, `document.querySelector('.more').focus()`)
	r.do(chromedp.KeyEvent(kb.Enter))
	equal(t, "closed", ask[int](r, `document.querySelectorAll('.detail').length`), 0)
}

// What is copied is what the gate reads: with the entry in force, the finding is
// excepted and no other.
func TestCopiedExceptionEntry(t *testing.T) {
	v := shop(t)
	for _, id := range []string{"CVE-2026-5450", "CVE-2021-44228", "CVE-2025-6965"} {
		r := open(t, desk, v)
		r.do(chromedp.SendKeys(chromedp.CSS(".text"), id), chromedp.Click(chromedp.CSS(".more")), chromedp.Click(chromedp.CSS(".detail .snippet:has(.entry) .copy")))
		r.until(`document.querySelector('.snippet:has(.entry) .copy').textContent === 'Copied'`)
		copied := r.clipboard()
		file := filepath.Join(t.TempDir(), "exceptions.yaml")
		if err := os.WriteFile(file, []byte("vulnerabilities:\n"+copied), 0o600); err != nil {
			t.Fatal(err)
		}
		rules := exception.Rules{Require: []string{exception.RequireStatement, exception.RequireExpiredAt}}
		exceptions, err := exception.Load("", []string{file}, rules, noon)
		if err != nil {
			t.Fatalf("%v\n%s", err, copied)
		}
		judged := gate.Evaluate(gate.Default(), exceptions, image(t, "shop/web:1.4"), []gate.Scan{scan("linux/amd64", "a", v.Findings...)}, noon)
		if len(judged.Excepted) != 1 || judged.Excepted[0].ID != id || len(judged.Findings) != len(v.Findings)-1 {
			t.Errorf("%s: %d excepted by\n%s", id, len(judged.Excepted), copied)
		}
	}
}

func TestCopiedDockerfileLine(t *testing.T) {
	r := open(t, desk, shop(t))
	r.do(chromedp.Click(chromedp.CSS(".all-lines summary")), chromedp.Click(chromedp.CSS(".all-lines .copy")))
	r.until(`document.querySelector('.all-lines .copy').textContent === 'Copied'`)
	equal(t, "all", r.clipboard(), "RUN apt-get update && apt-get install -y --only-upgrade libc6 libexpat1 libssl3 openssl perl-base && rm -rf /var/lib/apt/lists/*")
	r.do(chromedp.Click(chromedp.CSS(".list summary")), chromedp.Click(chromedp.CSS(".list .copy")))
	r.until(`document.querySelector('.list .copy').textContent === 'Copied'`)
	equal(t, "one fix", r.clipboard(), "RUN apt-get update && apt-get install -y --only-upgrade libssl3 openssl && rm -rf /var/lib/apt/lists/*")
}

// The list shows a hundred rows and offers the rest; print shows them all, and no
// controls.
func TestLongList(t *testing.T) {
	r := open(t, desk, many(t, 1000))
	equal(t, "at first", len(r.ids()), 50)
	equal(t, "status", r.status(), "50 shown of 1,000 that fit, 1,000 in all")
	r.do(chromedp.Click(chromedp.CSS(".next-rows")))
	equal(t, "more", len(r.ids()), 250)
	r.do(chromedp.SendKeys(chromedp.CSS(".text"), "libpackage-1"))
	found := ask[int](r, `Number(document.querySelector('.status').textContent.match(/\d+(?= (?:that|of))/)[0])`)
	equal(t, "fewer fit", found > 100 && found < 1000, true)
	equal(t, "shown", len(r.ids()), 50)
	r.do(media("print", false), nextFrame)
	equal(t, "in print", len(r.ids()), found)
}

func TestPrint(t *testing.T) {
	r := open(t, screen{width: 1280, height: 900, dark: true}, many(t, 300))
	r.do(media("print", true), nextFrame)
	equal(t, "rows", len(r.ids()), 300)
	equal(t, "ink on paper", ask[string](r, `getComputedStyle(document.body).backgroundColor`), "rgb(255, 255, 255)")
	equal(t, "controls", ask[[]string](r, controls), []string{})
	pdf, err := chromedp.Run(r.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if pages := strings.Count(string(pdf), "/Type /Page\n"); pages < 4 {
		t.Errorf("300 findings on %d pages", pages)
	}
	r.do(media("", true), nextFrame)
	equal(t, "rows after print", len(r.ids()), 50)
}

// Most reports are opened from a disk, where much of the web is not to be had.
func TestFromDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.html")
	verdicts := []gate.Verdict{shop(t)}
	if err := os.WriteFile(file, []byte(write(t, verdicts)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newReader(t, desk, verdicts)
	r.url = "file://" + file
	r.do(chromedp.Navigate(r.url), chromedp.Click(chromedp.CSS("#theme")), chromedp.SendKeys(chromedp.CSS(".text"), "4741"))
	equal(t, "filtered", r.ids(), []string{"CVE-2025-4741"})
	r.do(chromedp.Click(chromedp.CSS(".list .more")), chromedp.Click(chromedp.CSS(".detail .copy")))
	r.until(`document.querySelector('.detail .copy').textContent === 'Copied'`)
	ask[any](r, `localStorage.clear()`)
}

// Without script all is there, and nothing that would not work.
func TestWithoutScript(t *testing.T) {
	r := openWithoutScript(t, many(t, 300))
	equal(t, "rows", len(r.ids()), 300)
	equal(t, "controls", ask[[]string](r, controls), []string{})
}

// controls are those that can be seen.
const controls = `[...document.querySelectorAll('button, input, select')].filter((e) => e.checkVisibility()).map((e) => e.outerHTML)`

// nextFrame waits until the page has seen what it is shown on now.
var nextFrame = chromedp.Evaluate[chromedp.Void](`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`, chromedp.EvalAwaitPromise)

// press is one key as a keyboard sends it: what its handler refuses is not typed.
func press(key string) chromedp.Action[chromedp.Void] {
	return call(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
}

// until waits for what the page does by and by.
func (r *reader) until(expression string) {
	r.t.Helper()
	if _, err := chromedp.Run(r.ctx, chromedp.Poll[bool](expression)); err != nil {
		r.t.Fatalf("%s: %v", expression, err)
	}
}

func (r *reader) clipboard() string {
	r.t.Helper()
	return ask[string](r, `navigator.clipboard.readText()`)
}
