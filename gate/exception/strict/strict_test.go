package strict

import (
	"slices"
	"strings"
	"testing"
	"time"
)

type inner struct {
	Name  string            `json:"name"`
	Count int               `json:"count"`
	Flag  bool              `json:"flag"`
	Wait  time.Duration     `json:"wait"`
	Until time.Time         `json:"until"`
	Words []string          `json:"words"`
	Sizes map[string]int    `json:"sizes"`
	Other Ignored           `json:"other"`
	Inner map[string]string `json:"-"`
}

func (i *inner) SetDefaults() { i.Count = 7 }

type outer struct {
	One  *inner  `json:"one"`
	Many []inner `json:"many"`
}

func TestDecode(t *testing.T) {
	var o outer
	f := Decode("f.yaml", []byte(`
one: {name: a, flag: true, wait: 90s, until: 2026-01-02, words: [b, "1"], sizes: {x: 0x10}, other: [{any: thing}]}
many: [{name: b}, {count: 1}]
`), &o)
	if len(f.Faults()) > 0 || f.Faults().Err() != nil {
		t.Fatal(f.Faults())
	}
	one := o.One
	if one.Name != "a" || one.Count != 7 || !one.Flag || one.Wait != 90*time.Second || one.Until.Day() != 2 ||
		!slices.Equal(one.Words, []string{"b", "1"}) || one.Sizes["x"] != 16 {
		t.Errorf("got %+v", one)
	}
	if len(o.Many) != 2 || o.Many[0].Count != 7 || o.Many[1].Count != 1 {
		t.Errorf("got %+v, want defaults where nothing is written", o.Many)
	}
	if !f.Has("one.sizes.x") || f.Has("one.count") {
		t.Error("Has must know what was written, and nothing else")
	}
}

func TestFaultsOnOneMistake(t *testing.T) {
	var o outer
	f := Decode("f.yaml", []byte("one:\n  naem: a\nmany: text\n"), &o)
	f.Faultf("one.name", "is missing")     // the misspelt one
	f.Faultf("many[0].name", "is missing") // below what could not be read
	f.Faultf("one.count", "is odd")
	f.Faultf("", "is the file's")
	want := `f.yaml: is the file's
f.yaml:1: one.count: is odd
f.yaml:2: one.naem: unknown key; did you mean name?
f.yaml:3: many: want a list, got text`
	if got := f.Faults().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnusualKeys(t *testing.T) {
	var o outer
	f := Decode("f.yaml", []byte("one: {sizes: {\"a.b[0]\\n\": x, 1: 2, ~: 3, [a]: 4, !!binary eA==: 5}}\n\"\": 1\n"+strings.Repeat("k", 200)+": 1\n"), &o)
	for _, fault := range f.Faults() {
		if strings.ContainsAny(fault.Error(), "\n\x00") || len(fault.Error()) > 300 {
			t.Errorf("not one short line: %q", fault.Error())
		}
	}
	if n := len(f.Faults()); n != 4 {
		t.Errorf("got %d faults, want 4:\n%v", n, f.Faults())
	}
}

func TestNearest(t *testing.T) {
	known := []string{"expired_at", "until_fixed", "id", "maxFindings"}
	for written, want := range map[string]string{
		"expires_at": "expired_at", "maxfindings": "maxFindings", "ID": "id", "until": "until_fixed",
		"": "id", "nothing_like_it": "", strings.Repeat("x", 1e6): "",
	} {
		if got := Nearest(written, known); got != want && written != "" {
			t.Errorf("%.20s: got %q, want %q", written, got, want)
		}
	}
}

func TestFaultIsOneCleanLine(t *testing.T) {
	fault := Fault{File: "a\n\x7f.yaml", Line: 2, Path: "b.\u202e", Text: "c\x1b[2J is\u0085 d"}
	if got, want := fault.Error(), "a .yaml:2: b.: c[2J is d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
