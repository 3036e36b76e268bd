package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

//go:embed html
var htmlFiles embed.FS

// exceptionTerm is how long the exception entries live that the report offers.
const exceptionTerm = 30 * 24 * time.Hour

// HTML writes one page that needs nothing else: no network, and no script to be
// read. The page's own Content-Security-Policy allows the style and the script in
// it, by their hashes, and nothing more.
func HTML(o Options) Format {
	return func(w io.Writer, verdicts []gate.Verdict) error {
		page, err := htmlParts()
		if err != nil {
			return err
		}
		out := bufio.NewWriterSize(w, 64<<10)
		if err := page.template.ExecuteTemplate(out, "page", newPageView(page, o, verdicts)); err != nil {
			return err
		}
		return out.Flush()
	}
}

// parts are what all pages share.
type parts struct {
	template      *template.Template
	style, script template.HTML
	csp           string
}

// htmlParts reads the files once. Style and script stand in the page byte for byte
// as in their files, which the template would not leave them, for the hashes' sake.
var htmlParts = sync.OnceValues(func() (parts, error) {
	style, err := htmlFiles.ReadFile("html/style.css")
	if err != nil {
		return parts{}, err
	}
	script, err := htmlFiles.ReadFile("html/script.js")
	if err != nil {
		return parts{}, err
	}
	t, err := template.ParseFS(htmlFiles, "html/*.gohtml")
	if err != nil {
		return parts{}, err
	}
	return parts{
		template: t,
		style:    template.HTML("<style>" + string(style) + "</style>"),    //nolint:gosec // a file of ours
		script:   template.HTML("<script>" + string(script) + "</script>"), //nolint:gosec // a file of ours
		csp: strings.Join([]string{
			"default-src 'none'",
			"style-src " + cspHash(style),
			"script-src " + cspHash(script),
			"img-src data:", // the icon
			"base-uri 'none'",
			"form-action 'none'",
			"require-trusted-types-for 'script'", // no text becomes markup, not even by mistake
			"trusted-types 'none'",
		}, "; "),
	}, nil
})

func cspHash(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageView is what the template shows. Every text in it that came from outside has
// gone through visible, and the template escapes it for its place.
type pageView struct {
	CSP           string
	Style, Script template.HTML
	Icon          template.URL
	Title         string
	Version       string
	Made          string
	MadeAt        string // the same for machines
	Until         string // the date at which offered exception entries lapse
	Summary       string
	Images        []imageView
	Attention     []attentionView
}

func newPageView(p parts, o Options, verdicts []gate.Verdict) pageView {
	made := o.now().UTC()
	view := pageView{
		CSP: p.csp, Style: p.style, Script: p.script,
		Icon: icon(verdicts), Title: title(verdicts),
		Version: visible(o.Version), Made: clock(made), MadeAt: instant(made),
		Until:     made.Add(exceptionTerm).Format(time.DateOnly),
		Summary:   tally(verdicts),
		Attention: attentionViews(gate.MergeReports(verdicts)),
	}
	for i, v := range verdicts {
		view.Images = append(view.Images, newImageView(fmt.Sprintf("image-%d", i+1), v))
	}
	return view
}

// title is what a browser's tab shows of it: the outcome before all.
func title(verdicts []gate.Verdict) string {
	switch len(verdicts) {
	case 0:
		return "ecr-gate"
	case 1:
		return verdicts[0].Outcome.String() + ": " + shown(verdicts[0].Image, longestImage)
	default:
		return tally(verdicts)
	}
}

// icon is a dot in the colour of the worst outcome, in the page itself.
func icon(verdicts []gate.Verdict) template.URL {
	colour := "#667"
	if worst, ok := gate.Worst(verdicts); ok {
		colour = iconColours[worst.Outcome]
	}
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="` + colour + `"/></svg>`
	return template.URL("data:image/svg+xml," + url.PathEscape(svg)) //nolint:gosec // a picture of ours
}

var iconColours = map[gate.Outcome]string{gate.Denied: "#c8173f", gate.Unavailable: "#c07800", gate.Pending: "#c07800", gate.Allowed: "#188a49"}
