package strict

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Ignored is the type of a section that is somebody else's: whatever is in it is
// passed over.
type Ignored struct{}

// value reads a node into a Go value. The depth is that of the Go type, which is
// not recursive; the breadth is bounded by maxNodes.
func (f *File) value(path string, n *yaml.Node, into reflect.Value) {
	if f.nodes++; f.nodes > maxNodes || into.Type() == reflect.TypeFor[Ignored]() {
		return
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!null" {
		f.nothing(path, into)
		return
	}
	if read := leaf(into); read != nil {
		f.scalar(path, n, read)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(into.Type().Elem())
		setDefaults(fresh)
		f.value(path, n, fresh.Elem())
		into.Set(fresh)
	case reflect.Struct:
		f.structure(path, n, into)
	case reflect.Map:
		f.mapping(path, n, into)
	case reflect.Slice:
		f.list(path, n, into)
	default:
		panic("strict: no way to read a " + into.Type().String())
	}
}

// nothing is a key without a value. A list of entries may have lost its last one
// to a comment; anywhere else nobody can tell what was meant.
func (f *File) nothing(path string, into reflect.Value) {
	if into.Kind() == reflect.Slice && into.Type().Elem().Kind() == reflect.Struct {
		return
	}
	f.unreadable(path, "has no value; give it one or leave it out")
}

func (f *File) structure(path string, n *yaml.Node, into reflect.Value) {
	fields, known := keysOf(into.Type())
	f.pairs(path, n, func(key, at string, value *yaml.Node) {
		if i, ok := fields[key]; ok {
			f.value(at, value, into.Field(i))
			return
		}
		f.Faultf(at, "unknown key; %s", hint(key, known))
		if near := Nearest(key, known); near != "" {
			f.spoil(Key(path, near)) // not missing as well
		}
	})
}

func (f *File) mapping(path string, n *yaml.Node, into reflect.Value) {
	t := into.Type()
	into.Set(reflect.MakeMap(t))
	f.pairs(path, n, func(key, at string, value *yaml.Node) {
		k, v := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := leaf(k)(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}); err != nil {
			f.Faultf(at, "%v", err)
			return
		}
		f.value(at, value, v)
		into.SetMapIndex(k, v)
	})
}

// pairs calls each for every key of a mapping, once.
func (f *File) pairs(path string, n *yaml.Node, each func(key, at string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		f.unreadable(path, "want keys with values, got %s", kind(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		at := Key(path, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			f.add(Fault{Line: n.Content[i].Line, column: n.Content[i].Column, Path: path, Text: "a key must be plain text, got " + kind(key)})
		case key.ShortTag() == "!!merge":
			f.add(Fault{Line: n.Content[i].Line, column: n.Content[i].Column, Path: path, Text: "merge keys (<<) are not read; write the keys out"})
		case seen[key.Value]:
			f.add(Fault{Line: n.Content[i].Line, column: n.Content[i].Column, Path: at, Text: "is given twice; keep one"})
		default:
			seen[key.Value] = true
			f.places[at] = placeOf(n.Content[i])
			each(key.Value, at, n.Content[i+1])
		}
	}
}

func (f *File) list(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		f.unreadable(path, "want a list, got %s", kind(n))
		return
	}
	items := reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		at := Item(path, i)
		f.places[at] = placeOf(item)
		setDefaults(items.Index(i).Addr())
		f.value(at, item, items.Index(i))
		if got := items.Index(i); got.Kind() == reflect.String && strings.TrimSpace(got.String()) == "" {
			f.Faultf(at, "is empty; fill it in or take it out")
		}
	}
	into.Set(items)
}

// keysOf returns a struct's keys, by name and in order of declaration.
func keysOf(t reflect.Type) (fields map[string]int, known []string) {
	fields = make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		fields[name] = i
		known = append(known, name)
	}
	return fields, known
}

func setDefaults(pointer reflect.Value) {
	if d, ok := pointer.Interface().(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
}
