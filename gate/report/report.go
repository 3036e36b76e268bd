// Package report writes verdicts for people and programs. It decides nothing and
// words no verdict: sentences come from the gate.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Format writes all verdicts of one run.
type Format func(w io.Writer, verdicts []gate.Verdict) error

// Options are what formats need to know of their surroundings. The zero value
// suits a pipe.
type Options struct {
	Colour bool // a terminal that shows colours
	Width  int  // of the terminal in columns; 0: 80
	// Now is the clock of those formats that have to carry a date; nil: time.Now.
	Now     func() time.Time
	Version string // of ecr-gate; may be empty
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// formats are all there are, by name, in the order in which people are told.
var formats = []struct {
	name string
	make func(Options) Format
}{
	{"table", inColumns},
	{"json", func(Options) Format { return JSON }},
	{"sarif", SARIF},
	{"junit", func(Options) Format { return JUnit }},
	{"markdown", func(Options) Format { return Markdown }},
	{"openvex", OpenVEX},
	{"html", HTML},
}

// Formats lists the names of all formats.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Named returns the format of that name; ok is false where there is none.
func Named(name string, o Options) (format Format, ok bool) {
	i := slices.Index(Formats(), name)
	if i < 0 {
		return nil, false
	}
	return formats[i].make(o), true
}

// JSON writes one VerdictList document; [Schema] describes it.
func JSON(w io.Writer, verdicts []gate.Verdict) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(gate.List(verdicts)); err != nil {
		return err
	}
	_, err := w.Write(escapeInvisible(b.Bytes()))
	return err
}

// escapeInvisible writes what JSON leaves as it is and a terminal may obey, marks
// that turn the text around among it, as \u202e. The document means the same: such
// characters stand in its strings only.
func escapeInvisible(document []byte) []byte {
	strange := func(c rune) bool { return c >= 0x7f && !unicode.IsPrint(c) }
	if bytes.IndexFunc(document, strange) < 0 {
		return document
	}
	escaped := make([]byte, 0, len(document)+len(document)/8)
	for _, c := range string(document) {
		if !strange(c) {
			escaped = utf8.AppendRune(escaped, c)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, c) {
			escaped = fmt.Appendf(escaped, `\u%04x`, unit)
		}
	}
	return escaped
}
