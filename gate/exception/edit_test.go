package exception

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// file is one as people write it: comments above, within and after entries.
const file = `# Who may change this: security.

vulnerabilities:

# The base image brings it. Gone with Debian 13.
- id: CVE-1
  statement: |
    Not reachable:
      - no sshd

    in the image.
  # until then
  expired_at: 2026-12-31   # a Thursday

- id: CVE-2
  packages:
  - libxml2
  - curl

# --- language packages ---

# asked upstream
#   twice
- {id: CVE-3, owner: web}
-
  id: CVE-4
  paths: ["a",
    "b"]
# the last one
- id: CVE-5 # gone soon


# Trivy's
secrets:
- id: x
`

func TestPrune(t *testing.T) {
	without := func(text string, parts ...string) string {
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Fatalf("no %q", part)
			}
			text = strings.Replace(text, part, "", 1)
		}
		return text
	}
	first := "# The base image brings it. Gone with Debian 13.\n" + file[strings.Index(file, "- id: CVE-1"):strings.Index(file, "- id: CVE-2")]
	second := file[strings.Index(file, "- id: CVE-2"):strings.Index(file, "# --- language")]
	third := "# asked upstream\n#   twice\n- {id: CVE-3, owner: web}\n"
	fourth := "-\n  id: CVE-4\n  paths: [\"a\",\n    \"b\"]\n"
	last := "# the last one\n- id: CVE-5 # gone soon\n"
	document := vexDocument(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed", "products": [` + product("pkg:oci/web") + `]}`)
	const plain = "# ours\nCVE-1\n\n# a group\nCVE-2 exp:2026-01-01 # why\nCVE-3\n\n\n# alone\n# and more\nCVE-4"
	for name, test := range map[string]struct {
		name, text string
		gone       []int
		want       string
	}{
		"none":                    {"e.yaml", file, nil, file},
		"the first":               {"e.yaml", file, []int{0}, without(file, first)},
		"one between blanks":      {"e.yaml", file, []int{1}, without(file, second)},
		"one on a line":           {"e.yaml", file, []int{2}, without(file, third)},
		"its dash stands alone":   {"e.yaml", file, []int{3}, without(file, fourth)},
		"the last":                {"e.yaml", file, []int{4}, without(file, last)},
		"several":                 {"e.yaml", file, []int{0, 2, 4}, without(file, first, third, last)},
		"neighbours":              {"e.yaml", file, []int{2, 3, 4}, without(file, third+fourth+last+"\n\n")},
		"all":                     {"e.yaml", file, []int{0, 1, 2, 3, 4}, "# Who may change this: security.\n\nvulnerabilities:\n\n# --- language packages ---\n\n# Trivy's\nsecrets:\n- id: x\n"},
		"indented":                {"e.yml", "vulnerabilities:\n  - id: CVE-1\n\n    owner: x\n  # second\n  - id: CVE-2\n", []int{0}, "vulnerabilities:\n  # second\n  - id: CVE-2\n"},
		"the file ends with it":   {"e.yaml", "vulnerabilities:\n- id: CVE-1\n\n- id: CVE-2", []int{1}, "vulnerabilities:\n- id: CVE-1\n"},
		"other line breaks":       {"e.yaml", "vulnerabilities:\r\n- id: CVE-1\r\n\r\n- id: CVE-2\r\n", []int{0}, "vulnerabilities:\r\n\r\n- id: CVE-2\r\n"},
		"a byte order mark":       {"e.yaml", "\ufeffvulnerabilities:\n- id: CVE-1\n- id: CVE-2\n", []int{1}, "\ufeffvulnerabilities:\n- id: CVE-1\n"},
		"in brackets":             {"e.yaml", "# mine\nvulnerabilities: [{id: CVE-1}, {id: CVE-2}] # both\n", []int{0}, "# mine\nvulnerabilities: [{id: CVE-2}] # both\n"},
		"plain, its own comment":  {".trivyignore", plain, []int{0}, "# a group\nCVE-2 exp:2026-01-01 # why\nCVE-3\n\n\n# alone\n# and more\nCVE-4"},
		"plain, a group's":        {".trivyignore", plain, []int{1}, "# ours\nCVE-1\n\n# a group\nCVE-3\n\n\n# alone\n# and more\nCVE-4"},
		"plain, the last":         {".trivyignore", plain, []int{3}, "# ours\nCVE-1\n\n# a group\nCVE-2 exp:2026-01-01 # why\nCVE-3\n"},
		"none of a document":      {"v.json", document, nil, document},
		"the comment before":      {"e.yaml", "vulnerabilities:\n- id: CVE-1\n  # of the first\n- id: CVE-2\n", []int{1}, "vulnerabilities:\n- id: CVE-1\n  # of the first\n"},
		"a place that has none":   {"e.yaml", file, []int{7}, file},
		"comments only above all": {"e.yaml", "vulnerabilities:\n# a\n\n# b\n- id: CVE-1\n- id: CVE-2\n", []int{0}, "vulnerabilities:\n# a\n\n- id: CVE-2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			gone := func(i int) bool { return slices.Contains(test.gone, i) }
			got, cuts, err := Prune(test.name, []byte(test.text), gone)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			for i, c := range cuts {
				if c.Entry.IDs[0] != "CVE-"+string(rune('1'+test.gone[i])) {
					t.Errorf("cut %d is %s", i, c.Entry.IDs)
				}
			}
		})
	}
}

func TestPruneTellsWhatWent(t *testing.T) {
	_, cuts, err := Prune("e.yaml", []byte(file), func(i int) bool { return i == 2 })
	if err != nil || len(cuts) != 1 {
		t.Fatal(cuts, err)
	}
	want := []string{"# asked upstream\n", "#   twice\n", "- {id: CVE-3, owner: web}\n"}
	if diff := cmp.Diff(want, cuts[0].Lines); diff != "" || cuts[0].Entry.Source != "e.yaml: vulnerabilities[2]" {
		t.Error(diff, cuts[0].Entry.Source)
	}
}

// What cannot be edited is left as it is, with one sentence.
func TestPruneRefuses(t *testing.T) {
	for name, test := range map[string]struct{ name, text, want string }{
		"OpenVEX":              {"v.json", vexDocument(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed", "products": [` + product("pkg:oci/web") + `]}`), "v.json: is OpenVEX, which is not edited here; take the statement back where the document is made"},
		"a faulty file":        {"e.yaml", "vulnerabilities: [{id: CVE-1, expird_at: 2026-01-01}]", "e.yaml:1: vulnerabilities[0].expird_at: unknown key; did you mean expired_at?"},
		"a list by an alias":   {"e.yaml", "secrets: &x [{id: CVE-1}]\nvulnerabilities: *x\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"an anchor that goes":  {"e.yaml", "vulnerabilities:\n- &x {id: CVE-1}\n- *x\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"a key in long":        {"e.yaml", "? vulnerabilities\n: - id: CVE-1\n  - id: CVE-2\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"text at the margin":   {"e.yaml", "vulnerabilities:\n- id: CVE-1\n  statement: \"a\nb\"\n- id: CVE-2\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
		"brackets, and anchor": {"e.yaml", "vulnerabilities: [&x {id: CVE-1}, *x]\n", "e.yaml: is written in a way that cannot be edited here; edit it by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			got, cuts, err := Prune(test.name, []byte(test.text), func(i int) bool { return i == 0 })
			if err == nil || err.Error() != test.want || got != nil || cuts != nil {
				t.Errorf("got %q, %v\nwant %s", got, err, test.want)
			}
			if !errors.As(err, new(strict.Faults)) {
				t.Errorf("%T", err)
			}
		})
	}
}

func subsequence(some, all []string) bool {
	for _, line := range all {
		if len(some) > 0 && some[0] == line {
			some = some[1:]
		}
	}
	return len(some) == 0
}
