package crash_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the crash matrix into docs/resilience.md")

const (
	matrixFile  = "../../docs/resilience.md"
	matrixBegin = "<!-- crash matrix: written by go test ./test/crash -run TestMatrix -update -->\n"
	matrixEnd   = "<!-- end of the crash matrix -->\n"
)

// matrix is what becomes of jobs, by the call at which the worker was killed.
type matrix struct {
	mu   sync.Mutex
	rows map[string]map[bool]end
}

// add reports false if a kill at the same place of another life ended differently:
// the matrix would not be true of both.
func (m *matrix) add(row string, after bool, e end) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[row] == nil {
		m.rows[row] = map[bool]end{}
	}
	if known, ok := m.rows[row][after]; ok && known != e {
		return false
	}
	m.rows[row][after] = e
	return true
}

func (m *matrix) markdown(order []string) string {
	var b strings.Builder
	b.WriteString("| killed at | before the call takes effect | after that, before its answer |\n|---|---|---|\n")
	for _, row := range order {
		b.WriteString("| " + row + " | " + string(m.rows[row][false]) + " | " + string(m.rows[row][true]) + " |\n")
	}
	return b.String()
}

// row is how the matrix names a call of a life. A success that hands back is
// another report than one that ends the job.
func (l life) row(call string) string {
	_, name, _ := strings.Cut(call, ".")
	switch {
	case call == succeed && l.image == slowImage:
		name += "` with a continuation token"
	case call == succeed:
		name += "`, the last"
	default:
		name += "`"
	}
	return "`" + name
}

// Wherever a worker is killed, no job passes without a verdict and none is reported
// twice. Which are recovered is in docs/resilience.md, and true.
func TestMatrix(t *testing.T) {
	m := &matrix{rows: map[string]map[bool]end{}}
	var order []string
	t.Run("kill", func(t *testing.T) {
		for _, l := range lives {
			for _, call := range l.calls {
				row := l.row(call)
				if !slices.Contains(order, row) {
					order = append(order, row)
				}
				if !everything() && l.image != deniedImage && slices.Contains(overPolicy.calls, call) {
					continue // once is enough, where it would matter most
				}
				for _, after := range []bool{false, true} {
					name := map[bool]string{false: " before ", true: " after "}[after]
					t.Run(l.name+name+call, func(t *testing.T) {
						t.Parallel()
						if e := recovered(t, l, around{call, after}); !m.add(row, after, e) {
							t.Errorf("%s, unlike in another life", e)
						}
					})
				}
			}
		}
	})
	if !t.Failed() {
		checkDocument(t, m.markdown(order))
	}
}

// recovered is the cell of the matrix. What CodePipeline does with a job that was
// handed out and not acknowledged is documented nowhere, so both are tried; one that
// was acknowledged it never hands out again.
func recovered(t *testing.T, l life, where around) end {
	t.Helper()
	e, took := crash(t, l, where, 1)
	if e != hangs || where.call != poll && where.call != acknowledge {
		note("job recovered, from the kill to its report", took)
		return e
	}
	if e, took = crash(t, l, where, 2); e == again {
		note("job recovered, from the kill to its report", took)
		return "up to CodePipeline: " + again + ", or " + hangs
	}
	return hangs
}

func checkDocument(t *testing.T, table string) {
	t.Helper()
	raw, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), matrixBegin)
	old, after, closed := strings.Cut(rest, matrixEnd)
	if !found || !closed {
		t.Fatalf("%s has no place for the matrix: %s%s", matrixFile, matrixBegin, matrixEnd)
	}
	if old == table {
		return
	}
	if !*update {
		t.Errorf("%s is not true any more (-update writes it); the matrix is\n%s", matrixFile, table)
		return
	}
	if err := os.WriteFile(matrixFile, []byte(before+matrixBegin+table+matrixEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
