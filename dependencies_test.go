package ecrgate_test

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every module that go.mod requires by itself has a row in docs/dependencies.md
// that says why, and where it ends up.
func TestDependenciesHaveAReason(t *testing.T) {
	required, rows := directRequirements(t), dependencyRows(t)
	linked := linkedPackages(t)
	for _, module := range required {
		row, ok := rows[module]
		if !ok {
			t.Errorf("docs/dependencies.md has no row for %s: say why it is worth having, or do without", module)
			continue
		}
		in := "tests"
		if slices.ContainsFunc(linked, func(imported string) bool { return module == longest(required, imported) }) {
			in = "program"
		}
		if row.in != in {
			t.Errorf("docs/dependencies.md says that %s is in %q, and it is in %q", module, row.in, in)
		}
		if len(row.why) < 5 {
			t.Errorf("docs/dependencies.md does not say why %s is there", module)
		}
	}
	for module := range rows {
		if !slices.Contains(required, module) {
			t.Errorf("docs/dependencies.md has a row for %s, which go.mod does not require by itself: take it out", module)
		}
	}
}

// directRequirements are the modules of go.mod without "// indirect".
func directRequirements(t *testing.T) []string {
	t.Helper()
	file, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var modules []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(strings.TrimPrefix(lines.Text(), "require "))
		if len(words) == 2 && strings.HasPrefix(words[1], "v") {
			modules = append(modules, words[0])
		}
	}
	if len(modules) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	return modules
}

type dependencyRow struct{ in, why string }

// dependencyRows are those of the table, by module.
func dependencyRows(t *testing.T) map[string]dependencyRow {
	t.Helper()
	file, err := os.Open("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := map[string]dependencyRow{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		module := strings.Trim(cells[1], " `")
		if _, twice := rows[module]; twice {
			t.Errorf("docs/dependencies.md has two rows for %s", module)
		}
		rows[module] = dependencyRow{in: strings.TrimSpace(cells[2]), why: strings.TrimSpace(cells[3])}
	}
	return rows
}

// linkedPackages are what the program imports: not the tests, not the benchmarks.
func linkedPackages(t *testing.T) []string {
	t.Helper()
	imported := map[string]bool{}
	for dir, imports := range importsByFolder(t) {
		if within(dir, "test") {
			continue
		}
		for path := range imports {
			imported[path] = true
		}
	}
	return slices.Collect(maps.Keys(imported))
}

// longest is the module a package is in: of two that fit, the inner one.
func longest(modules []string, imported string) string {
	found := ""
	for _, module := range modules {
		if within(imported, module) && len(module) > len(found) {
			found = module
		}
	}
	return found
}
