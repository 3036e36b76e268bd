package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// A short soak, so that the long one does not rot. What is wrong in so short a time
// is told; how fast it is and how it grows, the long one says.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and runs it")
	}
	var out strings.Builder
	err := run(t.Context(), &out, nil, settings{
		length: 4 * time.Second, seed: 1, clients: 4, pace: 20 * time.Millisecond, quiet: 500 * time.Millisecond,
	})
	if err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"0 violations in ", " images judged: no answer was wrong\n", " 5xx", "goroutines", "succeeded"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, out.String())
		}
	}
}

// What was never tried was not found to be right.
func TestNothingIsNotEnough(t *testing.T) {
	s := &soak{tally: newTally()}
	s.tally.reported(handedBack)
	s.enough()
	got := strings.Join(s.tally.violations, "; ")
	if want := "no fault was injected; no review was asked in the main phase; no job was reported"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-for -5s":              "-for -5s: write a positive time, such as 5m",
		"-for 2s":               "-for 2s: too short to warm up and to soak; write 10s or more",
		"-for soon":             `invalid value "soon" for flag -for: parse error; -h lists the flags`,
		"-clients 0":            "-clients 0: write 1 or more",
		"-pace 0s":              "-pace 0s: write a positive time, such as 40ms",
		"extra":                 `unexpected argument "extra"`,
		"-broken nosuch":        "-broken nosuch: no way to break the gate has this in its name; there are: a tag's move is overlooked; ",
		"-broken all -binary x": "-broken builds its own binaries: leave out -binary",
		"-binary /nonexistent":  "-binary /nonexistent: there is no such file; without the flag one is built",
		"-binary .":             "-binary .: this is no program; without the flag one is built",
		"-nosuch":               "flag provided but not defined: -nosuch; -h lists the flags",
	} {
		var out strings.Builder
		if _, _, err := parse(strings.Fields(args), &out); err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%s: %v, %q", args, err, out.String())
		}
	}
	if s, broken, err := parse([]string{"-broken", "all"}, nil); err != nil || broken != "all" || s.length == 0 || len(ways(broken)) != len(faults) {
		t.Errorf("the right flags: %+v, %v", s, err)
	}
}

// Each way to break the gate is one that is there to be broken.
func TestFaultsAreThere(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if _, err := f.broken(root); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

// What AWS said of a platform's scan it said of the image.
func TestLieOfAPlatform(t *testing.T) {
	c := &clock{}
	w, err := newWorld(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.aws.Close)
	_, ref, _ := w.push("index", admit, awslocal.Image{Children: []awslocal.Image{{Platform: "linux/amd64"}, {Platform: "linux/arm64"}}})
	w.lied(awslocal.Request{Raw: []byte(`{"repositoryName": "` + ref.repository + `", "imageId": {"imageDigest": "sha256:of-a-platform"}}`)})
	if now := c.now(); ref.possible(c, now, now, false)&fail == 0 {
		t.Error("the image may not be refused for it")
	}
}
