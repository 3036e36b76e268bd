package webhook

import (
	"reflect"
	"slices"
	"strings"
)

// imageMembers are the paths of all strings in an API type that name an image: those
// called image, or reference below an image.
func imageMembers(object any) []string {
	var found []string
	var walk func(t reflect.Type, path []string, depth int)
	walk = func(t reflect.Type, path []string, depth int) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() == reflect.String && len(path) > 0 && namesImage(path) {
			found = append(found, strings.Join(path, "."))
		}
		if t.Kind() != reflect.Struct || depth > 8 || t.PkgPath() != reflect.TypeOf(object).PkgPath() {
			return
		}
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			next := path
			if name != "" {
				next = append(slices.Clone(path), name)
			}
			walk(f.Type, next, depth+1)
		}
	}
	walk(reflect.TypeOf(object), nil, 0)
	slices.Sort(found)
	return found
}

// namesImage passes over Ceph's RBD volumes, whose image is a disk's and not a
// container's.
func namesImage(path []string) bool {
	last := path[len(path)-1]
	if slices.Contains(path, "rbd") {
		return false
	}
	return last == "image" || slices.Contains(path, "image") && last == "reference"
}
