package ecrgate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md says holds an attack off is there.
func TestThreatsNameTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, span := range spans.FindAllString(string(page), -1) {
		name := strings.Trim(span, "`")
		if fault, ok := missingTest(t, name); ok {
			named++
			if fault != "" {
				t.Errorf("docs/security.md names %s: %s", name, fault)
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d tests are named", named)
	}
}

// Every attack of the studies has a row, and each row a test, or says why not.
func TestEveryThreatHasAnAnswer(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 32 {
		if i+1 != 19 { // the study has none of that number
			want = append(want, fmt.Sprintf("T-%02d", i+1))
		}
	}
	for i := range 24 {
		want = append(want, fmt.Sprintf("P-%02d", i+1))
	}
	answers := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([TPE]-\d\d) \| .* \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		if answers[row[1]] != "" {
			t.Errorf("docs/security.md has two rows %s", row[1])
		}
		answers[row[1]] = row[2]
	}
	for _, number := range want {
		if answers[number] == "" {
			t.Errorf("docs/security.md has no row %s", number)
		}
	}
	for number, answer := range answers {
		first, _, _ := strings.Cut(answer, ",")
		_, isTest := missingTest(t, strings.Trim(strings.Fields(first + " -")[0], "`"))
		if !isTest && !strings.HasPrefix(answer, "Not held off: ") && !strings.HasPrefix(answer, "Does not apply: ") {
			t.Errorf("docs/security.md, %s: %q is no test, and does not say that nothing holds it off", number, answer)
		}
	}
}

// missingTest tells if a name is that of a test, and what is wrong with it. Names are
// folder/TestName, folder/TestName/a part of it, or, of the chart, file/what it does.
func missingTest(t *testing.T, name string) (fault string, isTest bool) {
	t.Helper()
	if file, does, ok := strings.Cut(name, "_test.yaml/"); ok {
		text, err := os.ReadFile(file + "_test.yaml")
		if err != nil || !strings.Contains(string(text), "- it: "+does+"\n") {
			return "the chart has no such test", true
		}
		return "", true
	}
	parts := regexp.MustCompile(`^([\w./-]+)/((?:Test|Fuzz)\w+)(?:/(.+))?$`).FindStringSubmatch(name)
	if parts == nil {
		return "", false
	}
	files, err := filepath.Glob(parts[1] + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	switch {
	case !strings.Contains(all.String(), "\nfunc "+parts[2]+"("):
		return "there is no such test in " + parts[1], true
	case parts[3] != "" && !strings.Contains(all.String(), `"`+parts[3]+`"`):
		return parts[2] + " has no such part", true
	default:
		return "", true
	}
}
