package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

// A file that cannot be written costs only itself.
func TestArchiveOfWhatCanBeWritten(t *testing.T) {
	files := Files{
		"a": func(io.Writer, []gate.Verdict) error { return errors.New("no room") },
		"b": func(io.Writer, []gate.Verdict) error { panic("boom") },
		"c": func(w io.Writer, _ []gate.Verdict) error { _, err := io.WriteString(w, "written"); return err },
	}
	body, err := files.archive(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 || archive.File[0].Name != "c" {
		t.Errorf("%v", archive.File)
	}
	f, err := archive.Open("c")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); string(text) != "written" || err != nil {
		t.Errorf("%q %v", text, err)
	}
}

// One job's files are written at a time, and who cannot wait any longer goes without.
func TestArchivesAreWrittenInTurn(t *testing.T) {
	writes := 0
	d := (&desk{files: Files{"a": func(io.Writer, []gate.Verdict) error { writes++; return nil }}}).ready()
	log := slog.New(slog.DiscardHandler)
	d.writing <- struct{}{} // another job's
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.archive(ended, nil, log); !errors.Is(err, context.Canceled) || writes != 0 {
		t.Errorf("beside another one: %d files, %v", writes, err)
	}
	<-d.writing
	for range 2 { // the second finds the turn given back
		if _, err := d.archive(t.Context(), nil, log); err != nil {
			t.Error(err)
		}
	}
	if writes != 2 {
		t.Errorf("%d files", writes)
	}
}
