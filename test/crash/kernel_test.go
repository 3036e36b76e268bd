package crash_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// kernel is where the kernel tells something of a process; not every system does.
func kernel(t *testing.T, pid int, what string) string {
	t.Helper()
	if _, err := os.Stat("/proc/self/" + what); err != nil {
		t.Skipf("this system does not tell: %v", err)
	}
	return fmt.Sprintf("/proc/%d/%s", pid, what)
}

// number is one that follows a word there.
func number(t *testing.T, pid int, what, word string) (n int) {
	t.Helper()
	raw, err := os.ReadFile(kernel(t, pid, what))
	if err != nil {
		t.Fatalf("the process is gone: %v", err)
	}
	if n, err = following(raw, word); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return n
}

func following(text []byte, word string) (n int, err error) {
	_, rest, _ := strings.Cut(string(text), word)
	_, err = fmt.Sscan(rest, &n)
	return n, err
}
