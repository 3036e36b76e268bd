package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Every text of the image tries to become markup, script or a line that reads the
// other way round. The reader must see it, and nothing must come of it: [reader]
// complains of attacks, violations and requests.
func TestHostileTexts(t *testing.T) {
	for _, s := range []screen{desk, phone} {
		r := open(t, s, hostile(t), hostile(t))
		r.do(chromedp.Click(chromedp.CSS(`[role="tab"][data-platform="0"]`)))
		ask[any](r, `document.querySelectorAll('.more').forEach((b) => b.click())`)
		shown := ask[string](r, `document.querySelector('h2').innerText + document.querySelector('.list').innerText`)
		for _, want := range []string{`<script>attacked()</script>`, `<img src=x onerror=attacked()>`, `⟨U+202E⟩evil`, `⟨U+001B⟩[31m`} {
			if !strings.Contains(shown, want) {
				t.Errorf("not shown: %s", want)
			}
		}
		equal(t, "elements of theirs", ask[int](r, `document.querySelectorAll('img, iframe, body script').length`), 0)
		equal(t, "links of theirs", ask[int](r, `[...document.querySelectorAll('a')].filter((a) => !/^https?:/.test(a.href)).length`), 0)
		r.fits()
		for _, entry := range ask[[]string](r, `[...document.querySelectorAll('.entry')].map((e) => e.textContent)`) {
			if strings.Contains(entry, "\n  - ") || !strings.Contains(entry, "id: CVE-2026-1\n") {
				t.Errorf("a finding wrote more than its entry:\n%s", entry)
			}
		}
	}
}

// Links to other sites tell them nothing and get no hold on the report.
func TestLinks(t *testing.T) {
	r := open(t, desk, shop(t))
	equal(t, "links", ask[int](r, `document.querySelectorAll('.list a').length`) > 10, true)
	equal(t, "links that tell", ask[int](r, `[...document.querySelectorAll('a[href^="http"]')].filter((a) => !a.relList.contains('noreferrer') || !a.relList.contains('noopener')).length`), 0)
}

// The page's policy must hold even where the page itself is broken into.
func TestPolicyHolds(t *testing.T) {
	r := open(t, desk, shop(t))
	ask[any](r, `(() => { const s = document.createElement('style'); s.textContent = 'body { display: none }'; document.head.append(s); })()`)
	equal(t, "a style from elsewhere", ask[string](r, `getComputedStyle(document.body).display`), "block")
	threw := ask[bool](r, `(() => { try { document.body.innerHTML = '<img src=x onerror=attacked()>'; return false; } catch { return true; } })()`)
	equal(t, "markup from a text is refused", threw, true)
	refused := ask[bool](r, `fetch('/elsewhere').then(() => false, () => true)`)
	equal(t, "the network is refused", refused, true)
	r.forgive()
}
