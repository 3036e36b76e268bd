package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

type outcomeView struct{ Name, Class string }

func newOutcomeView(o gate.Outcome) outcomeView {
	return outcomeView{o.String(), strings.ToLower(o.String())}
}

type severityView struct {
	Name string
	Rank int
}

func newSeverityView(s gate.Severity) severityView { return severityView{s.String(), int(s)} }

type countView struct {
	Severity severityView
	Count    int
}

// countViews are the severities of which there are any, the worst first.
func countViews(counts map[gate.Severity]int) []countView {
	var views []countView
	for _, s := range gate.WorstFirst() {
		if counts[s] > 0 {
			views = append(views, countView{newSeverityView(s), counts[s]})
		}
	}
	return views
}

// imageView is one verdict.
type imageView struct {
	ID                    string // of its element
	Outcome               outcomeView
	Reason, Next, Beneath string
	Image, Digest, Policy string
	Baseline              string
	Headline              []headlineView
	Warnings              []string
	Platforms             []platformView
	Judged                bool
	findingsView
	Excepted []exceptedView
	Lapsed   []lapsedView
	Skipped  []string
	// Comparison is nil where nobody asked for one.
	Comparison *comparisonView
}

type headlineView struct{ Severity, Count string }

func newImageView(id string, v gate.Verdict) imageView {
	view := imageView{
		ID: id, Outcome: newOutcomeView(v.Outcome), Reason: shown(v.Reason, longestReason),
		Image: shown(v.Image, longestImage), Digest: shown(v.Digest, longestDigest), Policy: shown(v.Policy, longestName),
		Platforms:    platformViews(v),
		findingsView: newFindingsView(v),
		Excepted:     exceptedViews(v.Excepted),
		Lapsed:       lapsedViews(v.Lapsed),
		Skipped:      skippedTexts(v.Skipped),
		Comparison:   newComparisonView(v.Comparison),
	}
	if !strings.HasSuffix(v.Reason, v.Next) {
		view.Next = shown(v.Next, longestReason)
	}
	if b := v.Baseline; b != nil {
		view.Baseline = shown("tag "+b.Tag, longestName)
		if b.Digest != "" {
			view.Baseline += " (" + shown(gate.ShortDigest(b.Digest), longestDigest) + ")"
		}
	}
	if v.Err != nil {
		view.Beneath = shown(v.Err.Error(), longestReason)
	}
	for _, w := range v.Warnings {
		view.Warnings = append(view.Warnings, shown(w, longestReason))
	}
	view.Judged = slices.ContainsFunc(view.Platforms, func(p platformView) bool { return p.Judged })
	for _, s := range []gate.Severity{gate.Critical, gate.High, gate.Medium, gate.Low} {
		count := "–"
		if view.Judged {
			count = strconv.Itoa(v.Counts[s])
		}
		view.Headline = append(view.Headline, headlineView{s.String(), count})
	}
	return view
}

// platformView is the judgement of one platform manifest and what it rests on.
type platformView struct {
	Index        int
	Alone        bool
	Name, Digest string
	Outcome      outcomeView
	Cause        string
	Judged       bool
	Limits       []limitView
	Evidence     []evidenceView
}

type evidenceView struct{ Name, Text string }

// limitView holds what was found of one severity against its limit.
type limitView struct {
	Severity           severityView
	Count              int
	Against, Untriaged string
	Over               bool
	Bar                *barView // nil: not limited
}

// barView is in hundredths of the bar: what is within the limit, what is over it
// and where the limit is, if it is passed and not at the start.
type barView struct{ Used, Over, Tick int }

func newBarView(counted, allowed int) *barView {
	switch {
	case counted > allowed:
		within := 100 * allowed / counted
		return &barView{Used: within, Over: 100 - within, Tick: within}
	case allowed > 0:
		return &barView{Used: (100*counted + allowed - 1) / allowed}
	default:
		return &barView{}
	}
}

func platformViews(v gate.Verdict) []platformView {
	views := make([]platformView, len(v.Manifests))
	for i, m := range v.Manifests {
		standings := v.Standings(m)
		views[i] = platformView{
			Index: i, Alone: len(v.Manifests) == 1,
			Name:     shown(nameOf(m, v), longestName),
			Outcome:  newOutcomeView(m.Outcome),
			Cause:    causeText(m.Cause),
			Judged:   standings != nil,
			Evidence: evidenceViews(m),
		}
		if m.Digest != v.Digest {
			views[i].Digest = shown(m.Digest, longestDigest)
		}
		if views[i].Judged {
			views[i].Limits = limitViews(standings, m.Counts)
		}
	}
	return views
}

// nameOf is what a manifest's judgement is headed by: an image without an index
// need not be told from others.
func nameOf(m gate.ManifestVerdict, v gate.Verdict) string {
	if len(v.Manifests) == 1 {
		return cmp.Or(m.Platform, "Scan")
	}
	return cmp.Or(m.Platform, gate.ShortDigest(m.Digest), "Image")
}

// limitViews are the limited severities and, after them, the others of which any
// was found.
func limitViews(standings []gate.Standing, counts map[gate.Severity]int) []limitView {
	var views []limitView
	told := map[gate.Severity]bool{}
	for _, s := range standings {
		told[s.Severity] = true
		view := limitView{
			Severity: newSeverityView(s.Severity), Count: s.Counted, Over: s.Over(),
			Against: fmt.Sprintf("of %d allowed", s.Allowed),
			Bar:     newBarView(s.Counted, s.Allowed),
		}
		if s.Untriaged > 0 {
			told[gate.Untriaged] = true
			view.Untriaged = fmt.Sprintf("%d of them untriaged, counted as %s", s.Untriaged, s.Severity)
		}
		views = append(views, view)
	}
	for _, c := range countViews(counts) {
		if !told[gate.Severity(c.Severity.Rank)] { //nolint:gosec // a rank is a severity
			views = append(views, limitView{Severity: c.Severity, Count: c.Count, Against: "no limit"})
		}
	}
	return views
}

// evidenceViews say what the judgement rests on.
func evidenceViews(m gate.ManifestVerdict) []evidenceView {
	var views []evidenceView
	add := func(name, text string) {
		if text != "" {
			views = append(views, evidenceView{name, shown(text, longestName)})
		}
	}
	add("Scan", strings.TrimSpace(strings.ToLower(string(m.ScanType))))
	add("Status", string(m.Status))
	add("Completed", clock(m.CompletedAt))
	add("Data as of", clock(m.SourceAt))
	if !m.CompletedAt.IsZero() {
		add("Result", settling(m.SettledBy))
		add("Pages read", strconv.Itoa(m.Pages))
	}
	add("Measured by", m.Baseline)
	return views
}

// causeText splits the cause's one word for people; the usual ones go without.
func causeText(c gate.Cause) string {
	if c == gate.WithinPolicy || c == gate.OverPolicy {
		return ""
	}
	var b strings.Builder
	for i, r := range string(c) {
		if i > 0 && r >= 'A' && r <= 'Z' && c != gate.NotECR {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// skippedTexts say what the policy passes over without an exception.
func skippedTexts(s gate.Skipped) []string {
	var texts []string
	for _, k := range []struct {
		count int
		why   string
	}{
		{s.Closed, "closed: Inspector says they are no more"},
		{s.Suppressed, "hidden by Inspector's suppression rules, which the policy goes by"},
		{s.Unfixable, "without a fix, and the policy counts only what can be fixed"},
		{s.InGrace, "first observed within the policy's grace period"},
		{s.Baseline, "in the baseline too, and the policy counts only what is new"},
	} {
		if k.count > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", k.count, k.why))
		}
	}
	return texts
}
