package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
)

func TestMain(m *testing.M) {
	if startedByLambda() { // this binary again, as a Lambda function
		main()
		return
	}
	testscript.Main(m, map[string]func(){"ecr-gate": main})
}

// TestScripts runs the stories in testdata/script: each has the demo's company as
// its AWS. UPDATE_SCRIPTS=1 rewrites what the scripts compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			aws := awslocal.New(awslocal.Options{})
			if _, err := aws.Start(); err != nil {
				return err
			}
			env.Defer(aws.Close)
			for _, p := range company(time.Now()) {
				p.build(aws, byWorker{}.action())
			}
			env.Setenv("REGISTRY", aws.RegistryHost())
			for _, variable := range aws.Environment() {
				name, value, _ := strings.Cut(variable, "=")
				env.Setenv(name, value)
			}
			return nil
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// What an error quotes does nothing to the terminal it is shown on.
func TestErrorsAreCleanLines(t *testing.T) {
	for _, args := range [][]string{
		{"check", "--config", "a\x1b[2J\nb.yaml", "x"},
		{"check", "--config", "/none/\x7f\u202e.yaml", "x"},
		{"check", "-f", "\u009b2J.yaml"},
		{"exceptions", "lint", "\x1b[31m"},
		{"check", "--\x1b[2J"},
		{"\x1b[2J\r"},
	} {
		var errs strings.Builder
		if code := run(t.Context(), args, streams{in: strings.NewReader(""), out: io.Discard, err: &errs}); code != exitUsage {
			t.Errorf("%q: exit %d, want %d", args, code, exitUsage)
		}
		for line := range strings.Lines(errs.String()) {
			if line = strings.TrimSuffix(line, "\n"); gate.Clean(line) != line {
				t.Errorf("%q: no clean line: %q", args, line)
			}
		}
	}
}

// The demo is the README's first command.
func TestDemo(t *testing.T) {
	var out, errs strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code := run(ctx, []string{"demo"}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{
		"web       ✓ Source  ✓ Build  ✗ Scan  · Deploy",
		"api       ✓ Source  ✓ Build  ✓ Scan  ✓ Deploy",
		"web       stopped at Scan: JobFailed",
		"image not allowed: shop/web:1.4",
		"search    deployed",
		"linux/arm64",
		"agent     stopped at Scan",
		"excepted: HIGH CVE-2026-2201",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("piped output is coloured")
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
