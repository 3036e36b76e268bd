// Package browser_test opens the HTML report in headless Chromium and does with it
// what a reader does.
package browser_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of the pages, to be looked at")

// patience is how long a test may take in all: a page that hangs must not hang CI.
const patience = 60 * time.Second

// chromium is one browser for all tests, started by the first.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, errors.New("no Chromium on this machine: install it (Debian: apt-get install -y chromium) and run the tests again")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // as root there is none
		chromedp.DisableGPU,
		// The machine may have no network, and the report needs none.
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider"),
	)
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	stopChromium = stop
	return ctx, chromedp.Do(ctx)
})

var stopChromium = func() {}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

// reader is a tab with a report in it. At the end of the test it must have seen no
// console message, no error, no violation of the page's policy and no request but
// the one for the page.
type reader struct {
	t   *testing.T
	ctx context.Context
	url string

	mu   sync.Mutex
	seen []string // what should not have been

	forgiven bool
}

// screen is how the page is looked at.
type screen struct {
	width, height int64
	dark          bool
}

var desk, phone = screen{width: 1280, height: 900}, screen{width: 400, height: 800}

// open renders the verdicts and opens the page.
func open(t *testing.T, s screen, verdicts ...gate.Verdict) *reader {
	t.Helper()
	r := newReader(t, s, verdicts)
	r.do(chromedp.Navigate(r.url))
	return r
}

// openWithoutScript does so in a browser that runs none, as that of a mail program
// or of an artifact store.
func openWithoutScript(t *testing.T, verdicts ...gate.Verdict) *reader {
	t.Helper()
	r := newReader(t, desk, verdicts)
	r.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate(r.url))
	return r
}

// write is the report as a file.
func write(t *testing.T, verdicts []gate.Verdict) string {
	t.Helper()
	var b strings.Builder
	o := report.Options{Now: func() time.Time { return noon }, Version: "1.2.3"}
	if err := report.HTML(o)(&b, verdicts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func newReader(t *testing.T, s screen, verdicts []gate.Verdict) *reader {
	t.Helper()
	content := write(t, verdicts)
	parent, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/report.html" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html") // the charset is the page's to say
		_, _ = io.WriteString(w, content)
	}))
	t.Cleanup(server.Close)
	tab, closeTab := chromedp.NewContext(parent)
	t.Cleanup(closeTab)
	if err := chromedp.Do(tab); err != nil { // a deadline here would be the tab's own
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, patience)
	t.Cleanup(cancel)
	r := &reader{t: t, ctx: ctx, url: server.URL + "/report.html"}
	if err := chromedp.Listen(tab, r.watch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.complain)
	r.do(
		call(network.Enable, network.EnableParams{}),
		call(log.Enable, cdp.Empty{}),
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.width < 600}),
		media("", s.dark),
		call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: witness}),
		mayUseClipboard,
	)
	return r
}

// call is a protocol command as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, command, params)
		return chromedp.Void{}, err
	}
}

// mayUseClipboard lets a page that the reader has not clicked in read and write it.
func mayUseClipboard(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		})
		if err != nil {
			return chromedp.Void{}, err
		}
	}
	return chromedp.Void{}, nil
}

// media is what the page is shown on: "" for the screen, or "print".
func media(kind string, dark bool) chromedp.Action[chromedp.Void] {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: kind, Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}, // what is clicked at must not be under way
		},
	})
}

// witness notes what the page would rather not tell: violations of its policy, and
// the success of an attack.
const witness = `window.violations = []; window.attacks = 0; window.attacked = () => { window.attacks++ };
document.addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));`

// watch notes what must not happen.
func (r *reader) watch(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		r.note("console: " + string(e.Type))
	case *runtime.EventExceptionThrown:
		r.note("exception: " + e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		r.note("log: " + e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if e.Request.URL != r.url && !strings.HasPrefix(e.Request.URL, "data:") {
			r.note("request: " + e.Request.URL)
		}
	case *page.EventJavascriptDialogOpening:
		r.note("dialog: " + e.Message)
	}
}

func (r *reader) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, what)
}

func (r *reader) complain() {
	violations := ask[[]string](r, `window.violations ?? []`)
	attacks := ask[int](r, `window.attacks ?? 0`)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forgiven {
		return
	}
	for _, v := range append(r.seen, violations...) {
		r.t.Error(v)
	}
	if attacks > 0 {
		r.t.Errorf("a text of the report ran %d times", attacks)
	}
}

// forgive is for tests that break into the page themselves.
func (r *reader) forgive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgiven = true
}

func (r *reader) do(steps ...chromedp.Action[chromedp.Void]) {
	r.t.Helper()
	if err := chromedp.Do(r.ctx, steps...); err != nil {
		r.t.Fatal(err)
	}
}

// ask evaluates an expression in the page, a promise too.
func ask[T any](r *reader, expression string) T {
	r.t.Helper()
	answer, err := chromedp.Run(r.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		r.t.Fatalf("%s: %v", expression, err)
	}
	return answer
}

// ids are the findings the list shows, in order.
func (r *reader) ids() []string {
	r.t.Helper()
	return ask[[]string](r, `[...document.querySelectorAll('.list tbody tr:not(.detail) td:nth-child(2)')].map((td) => td.firstElementChild.textContent)`)
}

func (r *reader) status() string {
	r.t.Helper()
	return ask[string](r, `document.querySelector('.status').textContent`)
}
