package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// contrasts finds the texts that are too faint: below 4.5 to 1, or 3 to 1 where
// they are large (WCAG AA). Backgrounds are those of the nearest ancestors.
const contrasts = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgb = (colour, over) => {
    canvas.fillStyle = over ?? '#fff'; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
    }
    return '#fff';
  };
  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !e.checkVisibility() || e.closest('.unseen, template')) continue;
    const style = getComputedStyle(e);
    const back = behind(e);
    const [light, dark] = [luminance(rgb(style.color, back)), luminance(rgb(back))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
    if (ratio < (large ? 3 : 4.5)) faint.add(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ': ' + texts.currentNode.data.trim().slice(0, 30));
  }
  return [...faint];
})()`

// fits complains of what is out of the screen, in its box or in the text of it.
func (r *reader) fits() {
	r.t.Helper()
	equal(r.t, "wider than the screen", ask[int](r, `document.documentElement.scrollWidth - innerWidth`) <= 0, true)
	for _, e := range ask[[]string](r, `[...document.querySelectorAll('main *')].filter((e) => e.checkVisibility() && !e.closest('.unseen, thead, .copied, svg') &&
	  (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline'))
	  .map((e) => e.outerHTML.slice(0, 80))`) {
		r.t.Error("out of its place: ", e)
	}
	for _, e := range ask[[]string](r, `[...document.querySelectorAll('.list tr:not(.detail) > td:nth-child(2)')].filter((e) => e.checkVisibility() && e.getBoundingClientRect().width < 90)
	  .map((e) => e.outerHTML.slice(0, 80))`) {
		r.t.Error("squeezed: ", e)
	}
}

// What can be measured of the look: on a desk and on a phone, in both themes.
func TestLook(t *testing.T) {
	for _, s := range []screen{desk, phone, {width: 320, height: 600}} {
		for _, dark := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d-dark-%t", s.width, dark), func(t *testing.T) {
				s.dark = dark
				r := open(t, s, shop(t), clean(t), waiting(t), gone(t))
				r.do(chromedp.Click(chromedp.CSS(".more")), chromedp.Click(chromedp.CSS(`.chips [data-s="5"]`)))
				for _, faint := range ask[[]string](r, contrasts) {
					t.Error("too faint: ", faint)
				}
				r.fits()
				small := ask[[]string](r, `[...document.querySelectorAll('button, select, input, summary')].filter((e) => e.checkVisibility())
				  .filter((e) => e.type !== 'checkbox' && e.getBoundingClientRect().height < 18).map((e) => e.outerHTML.slice(0, 80))`)
				for _, e := range small {
					t.Error("too small to hit: ", e)
				}
			})
		}
	}
}

// Whoever hears the page is told what whoever sees it is.
func TestNames(t *testing.T) {
	r := open(t, desk, shop(t), clean(t))
	ask[any](r, `document.querySelectorAll('.more').forEach((b) => b.click())`)
	equal(t, "ids that stand twice", ask[int](r, `[...document.querySelectorAll('[id]')].length - new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size`), 0)
	unnamed := ask[[]string](r, `[...document.querySelectorAll('button, input, select, a')].filter((e) =>
	  !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML.slice(0, 80))`)
	equal(t, "controls without a name", unnamed, []string{})
	dangling := ask[[]string](r, `[...document.querySelectorAll('[aria-labelledby], [aria-controls]')].flatMap((e) =>
	  [e.getAttribute('aria-labelledby'), e.getAttribute('aria-controls')]).filter((id) => id && !document.getElementById(id))`)
	equal(t, "names that lead nowhere", dangling, []string{})
	levels := ask[[]int](r, `[...document.querySelectorAll('h1, h2, h3, h4')].map((h) => Number(h.tagName[1]))`)
	for i := 1; i < len(levels); i++ {
		if levels[i] > levels[i-1]+1 {
			t.Errorf("heading %d is of level %d after %d", i, levels[i], levels[i-1])
		}
	}
}
