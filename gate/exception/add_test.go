package exception

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecr-gate/ecr-gate/gate"
)

var whole = Draft{
	ID: "CVE-2026-9", Packages: []string{"libxml2", "curl@7.88.1-10"}, Repositories: []string{"shop/*"},
	ExpiresAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Statement: "we never parse XML: not from outside", Owner: "team-legacy", Ticket: "4711",
}

const wholeText = `- id: CVE-2026-9
  packages: [libxml2, curl@7.88.1-10]
  repositories: [shop/*]
  expired_at: 2026-12-01
  statement: 'we never parse XML: not from outside'
  owner: team-legacy
  ticket: "4711"
`

func TestAdd(t *testing.T) {
	indented := func(text, by string) string {
		return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
	}
	short := Draft{ID: "CVE-2026-9"}
	for name, test := range map[string]struct {
		draft      Draft
		text, want string
	}{
		"to nothing":              {whole, "", "vulnerabilities:\n" + wholeText},
		"to comments":             {short, "# ours\n", "# ours\nvulnerabilities:\n- id: CVE-2026-9\n"},
		"to an empty list":        {short, "vulnerabilities: # none yet\n", "vulnerabilities: # none yet\n- id: CVE-2026-9\n"},
		"to an empty list, first": {short, "vulnerabilities:\nsecrets: []\n", "vulnerabilities:\n- id: CVE-2026-9\nsecrets: []\n"},
		"to a list":               {whole, file, strings.Replace(file, "# gone soon\n", "# gone soon\n"+wholeText, 1)},
		"to an indented list": {whole, "vulnerabilities:\n    - id: CVE-1\n      owner: x\n\n# end\n",
			"vulnerabilities:\n    - id: CVE-1\n      owner: x\n" + indented(wholeText, "    ") + "\n# end\n"},
		"beside Trivy's":            {short, "secrets:\n- id: x\n", "secrets:\n- id: x\nvulnerabilities:\n- id: CVE-2026-9\n"},
		"the last line has no end":  {short, "vulnerabilities:\n- id: CVE-1", "vulnerabilities:\n- id: CVE-1\n- id: CVE-2026-9\n"},
		"other line breaks":         {Draft{ID: "CVE-2026-9", Owner: "x"}, "vulnerabilities:\r\n- id: CVE-1\r\n", "vulnerabilities:\r\n- id: CVE-1\r\n- id: CVE-2026-9\r\n  owner: x\r\n"},
		"in brackets":               {short, "# a\nvulnerabilities: [{id: CVE-1}]\n", "# a\nvulnerabilities: [{id: CVE-1}, {id: CVE-2026-9}]\n"},
		"empty brackets":            {short, "vulnerabilities: []\n", "vulnerabilities:\n  - id: CVE-2026-9\n"},
		"by package":                {Draft{Packages: []string{"@scope/a"}, Ticket: "null"}, "", "vulnerabilities:\n- packages: ['@scope/a']\n  ticket: \"null\"\n"},
		"with an instant":           {Draft{ID: "CVE-2026-9", ExpiresAt: now.Add(time.Hour)}, "", "vulnerabilities:\n- id: CVE-2026-9\n  expired_at: 2026-11-01T13:00:00Z\n"},
		"a statement on two lines":  {Draft{ID: "CVE-2026-9", Statement: "a\nb"}, "", "vulnerabilities:\n- id: CVE-2026-9\n  statement: |-\n    a\n    b\n"},
		"a wider one than one here": {short, "vulnerabilities:\n- id: CVE-2026-9\n  packages: [a]\n", "vulnerabilities:\n- id: CVE-2026-9\n  packages: [a]\n- id: CVE-2026-9\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, added, err := Add("e.yaml", []byte(test.text), test.draft, Rules{}, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			entries := mustParse(t, "e.yaml", string(got), Rules{})
			if diff := cmp.Diff(added, entries[len(entries)-1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	short := Draft{ID: "CVE-2026-9"}
	with := func(change func(*Draft)) Draft { d := whole; change(&d); return d }
	strictRules := Rules{Require: []string{RequireStatement, RequireExpiredAt, RequireOwner, RequireTicket}, MaxLifetime: 90 * 24 * time.Hour}
	until := func(id, at string) string { return "vulnerabilities: [{id: " + id + ", expired_at: " + at + "}]" }
	for name, test := range map[string]struct {
		draft      Draft
		rules      Rules
		file, text string
		want       string
	}{
		"what is required": {short, strictRules, "e.yaml", "", `the new entry: statement: is missing, and exceptions.require asks for it; add it
the new entry: expired_at: is missing, and exceptions.require asks for it; add it
the new entry: owner: is missing, and exceptions.require asks for it; add it
the new entry: ticket: is missing, and exceptions.require asks for it; add it`},
		"too long":          {with(func(d *Draft) { d.ExpiresAt = now.AddDate(1, 0, 0) }), strictRules, "e.yaml", "", "the new entry: expired_at: 2027-11-01T12:00:00Z is farther away than maxLifetime (2160h0m0s) allows; the latest is 2027-01-30T12:00:00Z"},
		"expired":           {with(func(d *Draft) { d.ExpiresAt = now }), Rules{}, "e.yaml", "", "the new entry: would have expired at 2026-11-01T12:00:00Z; give it a later end"},
		"about nothing":     {Draft{Statement: "x"}, Rules{}, "e.yaml", "", "the new entry: names neither a vulnerability (id) nor a package (packages, purls), so it would excuse everything; name one"},
		"blanks":            {Draft{ID: "CVE-1, CVE-2"}, Rules{}, "e.yaml", "", `the new entry: id: "CVE-1, CVE-2" has blanks or hidden characters in it, so no finding is called that; write one vulnerability, as CVE-2024-3094`},
		"no glob":           {Draft{ID: "CVE-1", Repositories: []string{"[a"}}, Rules{}, "e.yaml", "", `the new entry: repositories[0]: "[a" is no glob; close its brackets and braces`},
		"an empty package":  {Draft{ID: "CVE-1", Packages: []string{""}}, Rules{}, "e.yaml", "", "the new entry: packages[0]: is empty; fill it in or take it out"},
		"there already":     {short, Rules{}, "e.yaml", "vulnerabilities: [{id: CVE-2026-9}]", "the new entry: is covered already, by e.yaml: vulnerabilities[0] without an end"},
		"covered":           {whole, Rules{}, "e.yaml", until("CVE-2026-9", "2026-12-01"), "the new entry: is covered already, by e.yaml: vulnerabilities[0] until 2026-12-01T00:00:00Z"},
		"renewed":           {whole, Rules{}, "e.yaml", until("CVE-2026-9", "2026-11-20"), "the new entry: is covered by e.yaml: vulnerabilities[0] until 2026-11-20T00:00:00Z; change its expired_at rather than add a second one"},
		"renewed too late":  {whole, Rules{}, "e.yaml", until("CVE-2026-9", "2026-10-20"), "the new entry: is covered by e.yaml: vulnerabilities[0] until 2026-10-20T00:00:00Z; change its expired_at rather than add a second one"},
		"in another file":   {Draft{ID: "CVE-OTHER"}, Rules{}, "e.yaml", "", "the new entry: is covered already, by other.yaml: vulnerabilities[7] without an end"},
		"a faulty file":     {short, Rules{}, "e.yaml", "vulnerabilities: {}", "e.yaml:1: vulnerabilities: want a list, got keys with values"},
		"no YAML":           {short, Rules{}, ".trivyignore", "", ".trivyignore: is no YAML file of exceptions, which alone can be added to; name one that ends in .yaml"},
		"OpenVEX":           {short, Rules{}, "v.yaml", vexDocument(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed", "products": [` + product("pkg:oci/web") + `]}`), "v.yaml: is no YAML file of exceptions, which alone can be added to; name one that ends in .yaml"},
		"a root in braces":  {short, Rules{}, "e.yaml", "{}\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"a list by alias":   {short, Rules{}, "e.yaml", "secrets: &x []\nvulnerabilities: *x\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"a document's end":  {short, Rules{}, "e.yaml", "vulnerabilities:\n- id: CVE-1\n...\n", ""},
		"an end, no list":   {short, Rules{}, "e.yaml", "secrets: []\n...\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"an explicit null":  {short, Rules{}, "e.yaml", "vulnerabilities: ~\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"a key in long":     {short, Rules{}, "e.yaml", "? vulnerabilities\n: - id: CVE-1\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"more than is read": {short, Rules{}, "e.yaml", "# " + strings.Repeat("x", 1<<20-4) + "\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			others := []gate.Exception{{IDs: []string{"CVE-OTHER"}, Source: "other.yaml: vulnerabilities[7]"}}
			got, _, err := Add(test.file, []byte(test.text), test.draft, test.rules, others, now)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || got != nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s\n%s", err, test.want, got)
			}
		})
	}
}

// Whatever is typed, what is written is read as it was meant, or refused.
func TestAddAnyText(t *testing.T) {
	written := 0
	defer func() {
		if written < 10 {
			t.Errorf("only %d were written", written)
		}
	}()
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) string { return rapid.String().Draw(t, label) }
		d := Draft{
			ID: "CVE-" + text("id"), Packages: rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "packages"), Repositories: rapid.SliceOfN(rapid.String(), 0, 1).Draw(t, "repositories"),
			Statement: text("statement"), Owner: text("owner"), Ticket: text("ticket"),
		}
		got, added, err := Add("e.yaml", []byte(file), d, Rules{}, nil, now)
		if err != nil {
			return
		}
		written++
		if added.Statement != tidy(textOf(d.Statement)) || added.Owner != tidy(textOf(d.Owner)) || len(added.Packages) != len(d.Packages) ||
			cmp.Diff(append([]string{}, added.Repositories...), append([]string{}, d.Repositories...)) != "" || added.IDs[0] != d.ID {
			t.Fatalf("meant %+v\nreads %+v\n%s", d, added, got)
		}
	})
}

func textOf(s string) text { return text(s) }
