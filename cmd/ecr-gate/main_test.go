package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ecr-gate/ecr-gate/awslocal"
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
		"probe     stopped at Scan",
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
