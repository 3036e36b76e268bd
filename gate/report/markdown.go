package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// mostMarkdown is what GitHub takes as a comment, in characters; bytes are never
// fewer.
const mostMarkdown = 65_536

// marker lets a bot find the comment it wrote before.
const marker = "<!-- ecr-gate -->\n"

// Markdown writes a comment for a pull request. Where not all of it fits, whole
// sections are left out, the least telling ones, and the last line names them.
func Markdown(w io.Writer, verdicts []gate.Verdict) error {
	var sections []section
	for _, v := range verdicts {
		sections = append(sections, sectionsOf(v)...)
	}
	if s, any := complaints(gate.MergeReports(verdicts)); any {
		sections = append(sections, s)
	}
	var b strings.Builder
	b.WriteString(marker)
	if len(verdicts) != 1 {
		b.WriteString("**" + tally(verdicts) + "**\n\n")
	}
	left := keep(sections, mostMarkdown-b.Len())
	for _, s := range sections {
		if s.kept {
			b.WriteString(s.text)
		}
	}
	b.WriteString(left)
	_, err := io.WriteString(w, b.String())
	return err
}

// section stands or goes as a whole.
type section struct {
	what string // for the line that says what was left out
	text string // with an empty line at the end
	rank rank
	// head is, for a part of an image, how far before this one the section is
	// without which it says nothing; 0: this one needs none.
	head int
	kept bool
}

// rank is how much a section matters, the most first.
type rank int

const (
	rankVerdict rank = iota // and the outcomes after it: Denied, Unavailable, Pending, Allowed
	_
	_
	_
	rankFirst // the fixes that clear the worst
	rankRest
)

// keep marks the sections that fit into so many bytes, and returns the line on
// the others.
func keep(sections []section, room int) string {
	const lineRoom = 700 // for that line
	whole := 0
	for _, s := range sections {
		whole += len(s.text)
	}
	if whole > room {
		room -= lineRoom
	}
	for rank := rankVerdict; rank <= rankRest; rank++ {
		for i := range sections {
			s := &sections[i]
			if s.rank == rank && len(s.text) <= room && (s.head == 0 || sections[i-s.head].kept) {
				s.kept = true
				room -= len(s.text)
			}
		}
	}
	var left []string
	for _, s := range sections {
		if !s.kept {
			left = append(left, s.what)
		}
	}
	return leftOut(left, lineRoom)
}

func leftOut(left []string, room int) string {
	if len(left) == 0 {
		return ""
	}
	text := "Left out, for a comment has room for 65,536 characters: "
	const tail = 80 // for what is said last
	for i, what := range left {
		if len(text)+len(what)+tail > room {
			text += fmt.Sprintf("and %d more parts", len(left)-i)
			break
		}
		text += what
		if i < len(left)-1 {
			text += "; "
		}
	}
	return text + ". The JSON report has all.\n"
}

func sectionsOf(v gate.Verdict) []section {
	name := prose(brief(v.Image, 80))
	sections := []section{{what: "image " + name, text: headOf(v), rank: rankVerdict + rank(min(v.Outcome, gate.Allowed))}}
	add := func(what string, r rank, texts []string) {
		for _, text := range texts {
			sections = append(sections, section{what: what + " of " + name, text: text, rank: r, head: len(sections)})
			r = rankRest
		}
	}
	add("upgrades", rankFirst, fixTables(v))
	add("the comparison", rankRest, comparisonList(v.Comparison))
	add("excepted findings", rankRest, exceptedTables(v))
	add("the evidence", rankRest, []string{evidenceList(v)})
	return sections
}

func headOf(v gate.Verdict) string {
	var b strings.Builder
	b.WriteString("### " + v.Outcome.String() + ": " + code(elide(imageName(v), 300)) + "\n\n")
	b.WriteString(prose(brief(v.Reason, 300)) + "\n\n")
	if next := brief(v.Next, 300); next != "" && !strings.HasSuffix(v.Reason, v.Next) {
		b.WriteString("Next: " + prose(next) + "\n\n")
	}
	b.WriteString(limitTable(v))
	if skipped := v.Skipped.String(); skipped != "" {
		b.WriteString("Not counted: " + skipped + "\n\n")
	}
	const mostWarnings = 5
	for i, warning := range v.Warnings {
		if i == mostWarnings {
			fmt.Fprintf(&b, "and %d more warnings\n\n", len(v.Warnings)-i)
			break
		}
		b.WriteString("Warning: " + prose(brief(warning, 300)) + "\n\n")
	}
	return b.String()
}

// limitTable has a column for each platform that was judged, up to a number that
// fits on a page.
func limitTable(v gate.Verdict) string {
	const mostPlatforms = 8
	header := []string{"Limit"}
	var rows [][]string
	for _, m := range v.Manifests {
		standings := v.Standings(m)
		if standings == nil || len(header) > mostPlatforms {
			continue
		}
		column := "findings"
		if len(v.Manifests) > 1 {
			column = code(brief(platformName(m), 40))
		}
		header = append(header, column)
		for _, s := range standings {
			i := slices.IndexFunc(rows, func(row []string) bool { return row[0] == s.Severity.String() })
			if i < 0 {
				i = len(rows)
				rows = append(rows, []string{s.Severity.String()})
			}
			cell := standing(s)
			if s.Over() {
				cell = "**" + cell + "**"
			}
			for len(rows[i]) < len(header)-1 {
				rows[i] = append(rows[i], "")
			}
			rows[i] = append(rows[i], cell)
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return markdownTable(header, rows) + "\n"
}

func fixTables(v gate.Verdict) []string {
	fixes := fixesOf(v)
	rows := make([][]string, len(fixes))
	for i, f := range fixes {
		rows[i] = []string{fixCell(f, prose(f.where(len(v.Manifests)))), strconv.Itoa(len(f.Findings)), findingsCell(f.Findings)}
	}
	return folded("Findings by the fix that clears them", []string{"Fix", "Clears", "Findings"}, rows, v.Outcome == gate.Denied)
}

func fixCell(f fix, where string) string {
	if f.Fixed == "" {
		return prose(f.obstacle()) + where + prose(f.advice())
	}
	return "upgrade " + code(brief(f.Package, longestName)) + " " + code(brief(f.Installed, longestVersion)) + " → " + code(brief(f.Fixed, longestVersion)) + where
}

func findingsCell(findings []gate.Finding) string {
	const most = 8
	var parts []string
	for i, f := range findings {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(findings)-i))
			break
		}
		parts = append(parts, f.Severity.String()+" "+linked(f)+remark(f))
	}
	return strings.Join(parts, ", ")
}

func exceptedTables(v gate.Verdict) []string {
	var rows [][]string
	for _, x := range v.Excepted {
		for i, n := range x.Exceptions {
			finding := x.Severity.String() + " " + linked(x.Finding)
			if i > 0 {
				finding = "as above"
			}
			rows = append(rows, []string{
				finding, packagesCell(x.Finding), prose(brief(n.Statement, 300)), code(brief(n.Source, 120)),
				code(brief(n.Owner, 60)), code(brief(n.Ticket, 60)), lapse(n),
			})
		}
	}
	return folded("Excepted findings", []string{"Finding", "Package", "Reason", "Source", "Owner", "Ticket", "Lapses"}, rows, false)
}

func lapse(n gate.ExceptionNote) string {
	if n.ExpiresAt.IsZero() {
		return "never"
	}
	return instant(n.ExpiresAt)
}

func packagesCell(f gate.Finding) string {
	const most = 3
	var parts []string
	for i, p := range f.Packages {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(f.Packages)-i))
			break
		}
		parts = append(parts, code(strings.TrimSpace(brief(p.Name, longestName)+" "+brief(p.Version, longestVersion))))
	}
	return strings.Join(parts, ", ")
}

func evidenceList(v gate.Verdict) string {
	if v.Digest == "" && len(v.Manifests) == 0 {
		return ""
	}
	text := ""
	if v.Digest != "" {
		text = "- judged " + code(brief(v.Digest, 80)) + "\n"
	}
	if measure := baseline(v); measure != "" {
		text += "- " + prose(measure) + "\n"
	}
	for _, m := range v.Manifests {
		text += "- "
		if len(v.Manifests) > 1 {
			text += code(brief(platformName(m), 60)) + ": "
		}
		text += prose(evidence(m)) + "\n"
	}
	return "<details><summary>Evidence</summary>\n\n" + text + "\n</details>\n\n"
}

func complaints(reports []gate.ExceptionReport) (s section, any bool) {
	for _, e := range reports {
		s.text += "- " + prose(complaint(e)) + "\n"
	}
	s.what, s.rank = "exceptions to look at", rankRest
	s.text = fmt.Sprintf("<details><summary>Exceptions to look at (%d)</summary>\n\n%s\n</details>\n\n", len(reports), s.text)
	return s, len(reports) > 0
}
