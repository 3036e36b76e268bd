package gate

import (
	"strings"
	"sync"
)

// maxReferences is how many references are remembered; then all are forgotten.
const maxReferences = 4096

// references remembers how references were read: the grammar is a large regular
// expression, and pods name the same few images over and over. What cannot be
// read is not remembered. The zero value is ready.
type references struct {
	mu    sync.RWMutex
	known map[string]Image
}

// parse is [ParseImage], with the registry's one spelling; a nil canonical leaves
// it as it is. It has to be the same at each call.
func (r *references) parse(written string, canonical func(registry string) string) (Image, error) {
	r.mu.RLock()
	img, ok := r.known[written]
	r.mu.RUnlock()
	if ok {
		return img, nil
	}
	// A string of its own: the one given may be a slice of a whole review.
	img, err := ParseImage(strings.Clone(written))
	if err != nil {
		return img, err
	}
	if canonical != nil {
		img.Registry = canonical(img.Registry)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= maxReferences {
		r.known = make(map[string]Image)
	}
	r.known[img.Written] = img
	return img, nil
}
