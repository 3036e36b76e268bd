package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

// output is one form of the verdicts, and where it goes.
type output struct {
	name   string // of the format
	file   string // empty: standard output
	format report.Format
}

// outputs are those of one run, and what is wrong with others: a mistake in one does
// not cost the rest.
type outputs struct {
	list   []output
	faults []error
}

// unwrapped is the width of a line that nobody folds: what is piped may be searched
// for a sentence.
const unwrapped = 1 << 20

// outputsOf reads what -o was given: FORMAT or FORMAT=FILE.
func outputsOf(specs []string, io streams) outputs {
	var all outputs
	printed := ""
	for _, spec := range specs {
		name, file, toFile := strings.Cut(spec, "=")
		options := report.Options{Version: versionText(), Width: unwrapped}
		if !toFile && isTerminal(io.out) {
			options.Colour, options.Width = colourful(io.out), terminalWidth(io.out)
		}
		format, ok := report.Named(name, options)
		switch {
		case !ok:
			all.fault(fmt.Errorf("--output %s: there is no such format; write one of %s, and =FILE after it for a file", spec, strings.Join(report.Formats(), ", ")))
		case toFile && file == "":
			all.fault(fmt.Errorf("--output %s: name a file after the =", spec))
		case !toFile && printed != "":
			all.fault(fmt.Errorf("--output %s: %s goes to standard output already; write %s=FILE", spec, printed, name))
		default:
			if !toFile {
				printed = name
			}
			err := writable(file)
			if toFile && slices.ContainsFunc(all.list, func(o output) bool { return o.file != "" && filepath.Clean(o.file) == filepath.Clean(file) }) {
				err = errors.New("another report goes there; name another file")
			}
			if err != nil {
				all.fault(fmt.Errorf("--output %s: %w", spec, err))
				continue
			}
			all.list = append(all.list, output{name: name, file: file, format: format})
		}
	}
	return all
}

func (o *outputs) fault(err error) { o.faults = append(o.faults, err) }

// writable finds out before AWS is asked what would be found after.
func writable(file string) error {
	if file == "" {
		return nil
	}
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return errors.New("that is a folder; name a file in it")
	case err == nil && !info.Mode().IsRegular():
		return nil // a pipe or a device
	}
	probe, err := os.CreateTemp(filepath.Dir(file), ".ecr-gate-")
	if err != nil {
		return fmt.Errorf("no file can be written there (%w); name another place", cause(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// cause is what lies beneath an error about a path: the path was named already.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// write writes every output, whatever becomes of the others.
func (o *outputs) write(standard io.Writer, verdicts []gate.Verdict) {
	for _, out := range o.list {
		var text bytes.Buffer
		err := out.format(&text, verdicts)
		switch {
		case err != nil:
		case out.file == "":
			_, err = standard.Write(text.Bytes())
		default:
			err = put(out.file, text.Bytes())
		}
		if err != nil {
			o.fault(fmt.Errorf("the report %s is not written: %w", strings.TrimSuffix(out.name+" to "+out.file, " to "), err))
		}
	}
}

// put writes into a pipe or a device, and replaces a file as a whole.
func put(file string, text []byte) error {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(file, text, 0o600)
	}
	return replaceFile(file, text)
}

// How many findings of a job report.html and report.sarif may have, for a worker and for
// a function: verdict.json has them all. Writing takes a multiple of the file's size in
// memory, and a browser is slow with more.
const (
	maxReported         = 10_000
	maxFunctionReported = 2_000
)

// artifactFiles are what the pipeline's output artifact holds, of at most so many
// findings but for verdict.json.
func artifactFiles(most int) pipeline.Files {
	files := pipeline.Files{}
	for file, format := range map[string]string{"verdict.json": "json", "report.html": "html", "report.sarif": "sarif"} {
		f, ok := report.Named(format, report.Options{Now: time.Now, Version: versionText()})
		switch {
		case !ok:
		case format == "json":
			files[file] = f
		default:
			files[file] = limited(f, most)
		}
	}
	return files
}

// limited is an error instead of a file of more findings.
func limited(whole report.Format, most int) report.Format {
	return func(w io.Writer, verdicts []gate.Verdict) error {
		findings := 0
		for _, v := range verdicts {
			findings += len(v.Findings) + len(v.Excepted)
		}
		if findings > most {
			return fmt.Errorf("left out: %d findings, and it is written for %d at the most; verdict.json has them all", findings, most)
		}
		return whole(w, verdicts)
	}
}
