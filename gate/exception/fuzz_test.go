package exception

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// FuzzParse: a file of any format is read whole or refused whole. What is read
// excuses something named and nothing else, and holds to the rules; where a file is
// YAML or plain, a simpler reader finds the same entries in it.
func FuzzParse(f *testing.F) {
	f.Add("e.yaml", "vulnerabilities: [{id: CVE-1, purls: [pkg:deb/debian/a], packages: [a@1], expired_at: 2026-12-31}]")
	f.Add("e.yaml", "vulnerabilities:\n- &a {packages: [\"@\"]}\n- *a\n- {<<: *a}\n---\n")
	f.Add("e.yml", file)
	f.Add("e.yaml", "vulnerabilities:\n- id: CVE-1\n  repositories: ['**/{a,b}']\n  digests: ["+digest+"]\n  until_fixed: true\n  max_severity: HIGH\n  owner: a\n  ticket: 7\n  statement: |\n    b\n")
	f.Add(".trivyignore", "CVE-1 exp:2026-12-31 # x\n")
	f.Add(".trivyignore", "CVE-1\nCVE-2 exp:2026-11-02\n\nGHSA-3\n")
	f.Add(".trivyignore", "CVE-1\u009b31m x\nCVE-2\u202e exp:2999-01-01\n\ufeff# a\r\nGHSA-1\n")
	f.Add("v.json", vexDocument(about("fixed", product("pkg:oci/web@"+digest+"?repository_url=a/web", "pkg:deb/debian/a"), ""), about("affected", "", "")))
	f.Add("v.json", vexDocument(about("not_affected", product("pkg:npm/%40a/b@1"), "")))
	f.Add("v.json", `{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE\u009b1"}}]}`)
	f.Add("v.json", `{"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2026-10-01T00:0`+"\x7f"+`Z"}`)
	f.Add("\x7f.yaml", "\x00")
	f.Fuzz(func(t *testing.T, name, text string) {
		for _, rules := range []Rules{{}, {Require: Requirable()}, {MaxLifetime: 300 * time.Hour}} {
			exceptions, faults := parse(name, []byte(text), rules, now)
			if len(faults) > 0 {
				wantFaults(t, faults)
				continue
			}
			for _, e := range exceptions {
				wantBounded(t, e, rules)
			}
			if want, ok := idsOtherwise(name, text); ok && !slices.Equal(ids(exceptions), want) {
				t.Errorf("read %q, another reader %q", ids(exceptions), want)
			}
		}
	})
}

// wantFaults holds each fault to one clean line.
func wantFaults(t *testing.T, faults strict.Faults) {
	t.Helper()
	for _, fault := range faults {
		if line := fault.Error(); gate.Clean(line) != line || !utf8.ValidString(line) {
			t.Errorf("no clean line: %q", line)
		}
	}
}

// wantBounded holds an exception to being about something, and to having an end.
func wantBounded(t *testing.T, e gate.Exception, rules Rules) {
	t.Helper()
	if len(e.IDs)+len(e.Packages)+len(e.PURLs) == 0 {
		t.Errorf("excuses everything: %+v", e)
	}
	for _, list := range [][]string{e.IDs, e.Paths, e.Repositories, e.Digests} {
		for _, item := range list {
			if strings.TrimSpace(item) == "" {
				t.Errorf("an empty item: %+v", e)
			}
		}
	}
	for _, glob := range slices.Concat(e.Paths, e.Repositories) {
		if gate.ValidateGlob(glob) != nil {
			t.Errorf("%q cannot be matched", glob)
		}
	}
	if rules.MaxLifetime > 0 && (e.ExpiresAt.IsZero() || e.ExpiresAt.After(now.Add(rules.MaxLifetime+5*time.Minute))) {
		t.Errorf("outlives the limit: %+v", e)
	}
}

func ids(exceptions []gate.Exception) []string {
	list := make([]string, len(exceptions))
	for i, e := range exceptions {
		list[i] = strings.Join(e.IDs, " ")
	}
	return list
}

// idsOtherwise reads what a file excuses without this package; ok is false for what
// is not so simple.
func idsOtherwise(name, text string) (list []string, ok bool) {
	text = strings.TrimPrefix(text, "\ufeff")
	switch {
	case IsOpenVEX([]byte(text)):
		return nil, false
	case !isYAML(name):
		for line := range strings.SplitSeq(text, "\n") {
			if fields := strings.Fields(line); len(fields) > 0 && fields[0][0] != '#' {
				list = append(list, fields[0])
			}
		}
		return list, true
	}
	var doc struct {
		Vulnerabilities []struct{ ID yaml.Node }
	}
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		return nil, false
	}
	for _, v := range doc.Vulnerabilities {
		list = append(list, v.ID.Value)
		ok = v.ID.Kind != yaml.AliasNode
	}
	return list, ok
}

// FuzzPrune: whatever the file, exactly the other entries are left, and every line
// that is left was there before, in the same order.
func FuzzPrune(f *testing.F) {
	for _, text := range []string{file, "vulnerabilities: [{id: CVE-1}, {id: CVE-2}]", "vulnerabilities:\n- id: CVE-1\n  statement: 'a\n\n  b'\n# c\n- id: CVE-2\n"} {
		f.Add(text, uint8(1), true)
	}
	f.Add("# a\nCVE-1\nCVE-2 exp:2026-01-01\n", uint8(2), false)
	f.Add("vulnerabilities:\n- &a {id: CVE-1}\n- id: CVE-2\n  packages: [a]\nsecrets: *a\n", uint8(1), true)
	f.Fuzz(func(t *testing.T, text string, mask uint8, yaml bool) {
		name := ".trivyignore"
		if yaml {
			name = "e.yaml"
		}
		before, faults := parse(name, []byte(text), Rules{}, now)
		gone := func(i int) bool { return mask>>(i%8)&1 == 1 }
		got, cuts, err := Prune(name, []byte(text), gone)
		if err != nil {
			return
		}
		if len(faults) > 0 {
			t.Fatalf("a faulty file was edited: %v", faults)
		}
		var want []gate.Exception
		for i, e := range before {
			if !gone(i) {
				want = append(want, e)
			}
		}
		after, faults := parse(name, got, Rules{}, now)
		if len(faults) > 0 || !slices.EqualFunc(after, want, sameButSource) || len(cuts)+len(want) != len(before) {
			t.Fatalf("%d cut, left %v, want %v; %v\n%s", len(cuts), after, want, faults, got)
		}
		if len(cuts) > 0 && cuts[0].Lines != nil && !subsequence(linesOf(got), linesOf([]byte(text))) {
			t.Fatalf("was\n%s\nis\n%s", text, got)
		}
	})
}

func sameButSource(a, b gate.Exception) bool {
	a.Source, b.Source = "", ""
	return reflect.DeepEqual(a, b)
}

// FuzzAdd: the new entry is read as it was asked for, after all the others, which
// stay as they were.
func FuzzAdd(f *testing.F) {
	f.Add(file, "CVE-9", "openssl@3", "**/web", "a: b # c", int64(48))
	f.Add("", "CVE-9", "", "", "yes", int64(0))
	f.Add("vulnerabilities: []\n", "1e3", "@a/b", "{a,b}", "\ttab\n\nline", int64(1))
	f.Add("vulnerabilities:\r\n  - id: CVE-1\r\n", "null", "~", "0", "'", int64(10000))
	f.Add("# only a comment", "CVE-9", "a", "b", "- c", int64(7))
	f.Fuzz(func(t *testing.T, text, id, pkg, repository, statement string, hours int64) {
		draft := Draft{ID: id, Statement: statement}
		if pkg != "" {
			draft.Packages = []string{pkg}
		}
		if repository != "" {
			draft.Repositories = []string{repository}
		}
		if hours != 0 {
			draft.ExpiresAt = now.Add(time.Duration(hours%100_000) * time.Hour)
		}
		got, added, err := Add("e.yaml", []byte(text), draft, Rules{}, nil, now)
		if err != nil {
			return
		}
		before, _ := parse("e.yaml", []byte(text), Rules{}, now)
		after, faults := parse("e.yaml", got, Rules{}, now)
		if len(faults) > 0 || len(after) != len(before)+1 || !slices.EqualFunc(after[:len(before)], before, sameButSource) {
			t.Fatalf("were %v, are %v; %v\n%s", before, after, faults, got)
		}
		last := after[len(before)]
		if strings.Join(last.IDs, "") != id || last.Statement != tidy(textOf(statement)) || !last.ExpiresAt.Equal(draft.ExpiresAt) ||
			!slices.Equal(last.Repositories, draft.Repositories) || len(last.Packages) != len(draft.Packages) || !reflect.DeepEqual(last, added) {
			t.Fatalf("asked for %+v, is %+v\n%s", draft, last, got)
		}
	})
}
