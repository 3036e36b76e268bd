package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file read, in bytes. What is written by hand is far
// smaller, and a Kubernetes ConfigMap holds no more.
const MaxSize = 1 << 20

// TooLarge is the fault of a file above MaxSize.
const TooLarge = "is larger than 1 MiB, which is the most that is read"

// maxNodes bounds what aliases can make of a file of MaxSize.
const maxNodes = 1 << 17

// File is a file that was read, with all that is wrong with it.
type File struct {
	Name   string
	places map[string]place // path → where its key is
	faults Faults           // in the order they were found
	spoilt map[string]bool  // paths with a fault at or below them
	broken map[string]bool  // paths below which nothing could be read
	nodes  int
	empty  bool
}

// place is where a key or an item stands, counted from 1.
type place struct{ line, column int }

func placeOf(n *yaml.Node) place { return place{n.Line, n.Column} }

// Decode reads one YAML document into the struct that into points to. Key names
// come from the json tags of its fields. A struct with a method SetDefaults gets
// it called before its keys are read. What is at fault stays at its default.
func Decode(name string, data []byte, into any) *File {
	f := &File{Name: name, places: map[string]place{}, spoilt: map[string]bool{}, broken: map[string]bool{}}
	setDefaults(reflect.ValueOf(into))
	if root := f.document(data); root != nil {
		f.value("", root, reflect.ValueOf(into).Elem())
	}
	if f.nodes > maxNodes { // what was cut off there is no fault of its own
		f.faults = nil
		f.unreadable("", "it holds too many values, those of aliases counted; split it")
	}
	return f
}

// document returns the content of the only document, nil if there is none.
func (f *File) document(data []byte) *yaml.Node {
	if len(data) > MaxSize {
		f.Faultf("", TooLarge)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		f.empty = true
		return nil
	case err != nil:
		f.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		f.add(Fault{Line: second.Line, Text: "a second YAML document starts here; keep one document to a file"})
	} else if !errors.Is(err, io.EOF) {
		f.syntax(err)
	}
	root := doc.Content[0]
	if root.ShortTag() == "!!null" {
		f.empty = true
		return nil
	}
	return root
}

// syntax reports what the YAML library could not read. It names the line in its
// text only.
func (f *File) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	fault := Fault{Text: "is not YAML: " + text}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			fault = Fault{Line: line, Text: "is not YAML: " + what}
		}
	}
	f.add(fault)
	f.broken[""] = true
}

// Empty reports whether the file holds nothing but blanks and comments.
func (f *File) Empty() bool { return f.empty }

// Has reports whether the file has a key of this path.
func (f *File) Has(path string) bool { return f.places[path].line > 0 }

// Faults returns all faults in file order, nil if there are none.
func (f *File) Faults() Faults { return f.faults.inFileOrder() }

// Faultf adds a fault about a path, at its line or at that of the nearest key
// around it. It is dropped where there is one already at that path, below it, or
// around it where nothing could be read: one mistake is worth one sentence.
func (f *File) Faultf(path, format string, args ...any) {
	if path != "" && (f.spoilt[path] || f.isBroken(path)) {
		return
	}
	at := f.place(path)
	f.add(Fault{Line: at.line, column: at.column, Path: path, Text: fmt.Sprintf(format, args...)})
}

// unreadable adds a fault about a path and takes it as said for all below it.
func (f *File) unreadable(path, format string, args ...any) {
	f.Faultf(path, format, args...)
	f.broken[path] = true
}

// OneOf adds a fault unless the value is one of the words.
func (f *File) OneOf(path, value string, words ...string) {
	for _, w := range words {
		if value == w {
			return
		}
	}
	text := Quote(value) + " is none of " + strings.Join(words, ", ")
	if near := Nearest(value, words); near != "" && value != "" {
		text += "; did you mean " + near + "?"
	}
	f.Faultf(path, "%s", text)
}

func (f *File) add(fault Fault) {
	fault.File = f.Name
	f.faults = append(f.faults, fault)
	f.spoil(fault.Path)
}

// spoil marks a path and all around it.
func (f *File) spoil(path string) {
	for ; path != "" && !f.spoilt[path]; path = parent(path) {
		f.spoilt[path] = true
	}
}

func (f *File) isBroken(path string) bool {
	for ; path != ""; path = parent(path) {
		if f.broken[path] {
			return true
		}
	}
	return f.broken[""]
}

// place returns that of the path, or of the nearest key around it.
func (f *File) place(path string) place {
	for ; path != ""; path = parent(path) {
		if at, ok := f.places[path]; ok {
			return at
		}
	}
	return place{}
}
