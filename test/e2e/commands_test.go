package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// said is what a command told the person who typed it.
type said struct {
	line     string
	out, err string
	code     int // -1: it could not be run to its end
}

// ok fails the test unless the command succeeded.
func (s said) ok(t *testing.T) said {
	t.Helper()
	if s.code != 0 {
		t.Fatalf("%s\nexit %d\n%s%s", s.line, s.code, s.out, s.err)
	}
	return s
}

// refused fails the test unless the command failed, with all these words in its
// error.
func (s said) refused(t *testing.T, words ...string) said {
	t.Helper()
	if s.code <= 0 {
		t.Fatalf("%s\nexit %d, and should have been refused\n%s%s", s.line, s.code, s.out, s.err)
	}
	return s.told(t, words...)
}

// told fails the test unless the person read all these words.
func (s said) told(t *testing.T, words ...string) said {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(s.err+s.out, word) {
			t.Errorf("%s\ndoes not say %q, but\n%s%s", s.line, word, s.out, s.err)
		}
	}
	return s
}

// kubectl types a command as the cluster's administrator.
func (l *lab) kubectl(t *testing.T, args ...string) said {
	t.Helper()
	return l.command(t, "", filepath.Join(l.bed.Kubernetes, "kubectl"), args...)
}

// apply types `kubectl apply -f -`.
func (l *lab) apply(t *testing.T, manifest string) said {
	t.Helper()
	return l.command(t, manifest, filepath.Join(l.bed.Kubernetes, "kubectl"), "apply", "-f", "-")
}

func (l *lab) helm(t *testing.T, args ...string) said {
	t.Helper()
	return l.command(t, "", filepath.Join(l.bed.Helm, "helm"), args...)
}

func (l *lab) command(t *testing.T, input, program string, args ...string) said {
	t.Helper()
	return l.typed(t.Context(), input, program, args...)
}

// typed runs a command with the administrator's configuration and AWS access.
func (l *lab) typed(ctx context.Context, input, program string, args ...string) said {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig, "HOME="+l.bed.Home, "HELM_CACHE_HOME="+l.bed.Home, "HELM_CONFIG_HOME="+l.bed.Home, "HELM_DATA_HOME="+l.bed.Home)
	command.Env = append(command.Env, l.aws.Environment()...)
	command.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	s := said{line: filepath.Base(program) + " " + strings.Join(args, " "), out: out.String(), err: errs.String(), code: -1}
	var exit *exec.ExitError
	switch {
	case err == nil:
		s.code = 0
	case errors.As(err, &exit):
		s.code = exit.ExitCode()
	}
	if s.code < 0 {
		s.err += fmt.Sprintf("(%v)\n", err)
	}
	return s
}

func notFound(err error) bool { return apierrors.IsNotFound(err) }
