package browser_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ecr-gate/ecr-gate/gate"
)

func keep(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(*screenshots, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// go test -C test/browser -run Screenshots -args -screenshots=FOLDER
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots=FOLDER takes pictures")
	}
	pages := map[string][]gate.Verdict{
		"shop":    {shop(t)},
		"several": {shop(t), clean(t), waiting(t), gone(t)},
		"hostile": {hostile(t)},
		"many":    {many(t, 5000)},
	}
	for name, verdicts := range pages {
		for theme, dark := range map[string]bool{"light": false, "dark": true} {
			for width, s := range map[string]screen{"1280": desk, "400": phone} {
				t.Run(name+"-"+theme+"-"+width, func(t *testing.T) {
					s.dark = dark
					r := open(t, s, verdicts...)
					if name == "shop" || name == "hostile" {
						ask[any](r, `document.querySelector('.more').click(), document.querySelector('summary')?.click()`)
					}
					picture, err := chromedp.Run(r.ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					keep(t, name+"-"+theme+"-"+width+".png", picture)
				})
			}
		}
		t.Run(name+"-print", func(t *testing.T) {
			r := open(t, desk, verdicts...)
			pdf, err := chromedp.Run(r.ctx, chromedp.PrintToPDF())
			if err != nil {
				t.Fatal(err)
			}
			keep(t, name+".pdf", pdf)
		})
	}
}
