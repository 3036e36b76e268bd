package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// The licences of what is linked today are allowed, and their texts are kept: also
// that of a package which is not its module's.
func TestLinkedLicences(t *testing.T) {
	out := filepath.Join(t.TempDir(), "licences.txt")
	var report bytes.Buffer
	if err := run(t.Context(), &report, root, out); err != nil {
		t.Fatal(err)
	}
	t.Log(strings.TrimSpace(report.String()))
	texts, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"the Go standard library: LICENSE",
		"github.com/spf13/cobra v",
		"github.com/prometheus/client_golang v",
		": NOTICE",
		"Copyright (c) 2009 The Go Authors", // go-openapi, the AWS SDK: packages taken from Go's library
		"github.com/aws/aws-sdk-go-v2 v",
	} {
		if !strings.Contains(string(texts), want) {
			t.Errorf("no %q in the texts", want)
		}
	}
	if !strings.Contains(string(texts), filepath.Join("internal", "sync", "singleflight", "LICENSE")) {
		t.Error("the licence of a package inside a module is not kept")
	}
}

func TestFaults(t *testing.T) {
	const isc = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is
hereby granted, provided that the above copyright notice and this permission notice appear in all copies.
THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN
AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.`
	const gpl = `This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later
version.`
	terms := strings.Repeat("The software shall be used on Tuesdays by people in hats only. ", 30)
	for name, test := range map[string]struct {
		files map[string]string
		want  string // none: no fault
	}{
		"allowed":              {map[string]string{"LICENSE": isc}, ""},
		"allowed, with notice": {map[string]string{"LICENCE.md": isc, "NOTICE": terms}, ""},
		"not allowed":          {map[string]string{"COPYING": gpl}, "COPYING is GPL-3.0-or-later, which is not among"},
		"one of two":           {map[string]string{"LICENSE": isc, "LICENSE-GPL": gpl}, "LICENSE-GPL is GPL-3.0-or-later"},
		"below":                {map[string]string{"LICENSE": isc, "fast/LICENSE": gpl}, "fast/LICENSE is GPL-3.0-or-later"},
		"unknown":              {map[string]string{"LICENSE": terms}, "LICENSE is no licence that is known"},
		"more than known":      {map[string]string{"LICENSE": isc + terms}, "% ISC; the rest is unknown"},
		"none":                 {map[string]string{"README.md": isc}, "it has no licence file"},
		"a notice only":        {map[string]string{"NOTICE": isc}, "it has no licence file"},
		"below only":           {map[string]string{"fast/LICENSE": isc}, "it has no licence file"},
	} {
		t.Run(name, func(t *testing.T) {
			m := module{path: "example.com/m", version: "v1.0.0", dir: t.TempDir(), files: map[string]licence{}}
			if err := os.Mkdir(filepath.Join(m.dir, "fast"), 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range test.files {
				if err := os.WriteFile(filepath.Join(m.dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.lookUp(filepath.Join(m.dir, "fast")); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(m.faults(), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// An exemption goes when the file goes.
func TestPassedOver(t *testing.T) {
	modules, err := linked(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, m := range modules {
		for key := range passedOver {
			path, file, _ := strings.Cut(key, " ")
			if _, err := os.Stat(filepath.Join(m.dir, file)); path == m.path && err == nil {
				there[key] = true
			}
		}
	}
	for key := range passedOver {
		if !there[key] {
			t.Errorf("passedOver has %q, which is not there any more: take it out", key)
		}
	}
}
