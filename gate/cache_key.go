package gate

import "strings"

// factKind is what a fact is about.
type factKind uint8

const (
	tagFact    factKind = iota + 1 // which digest a tag names
	digestFact                     // which manifests a digest names
	scanFact                       // the scan of a manifest
	startFact                      // what came of starting one
)

// factKey names a fact by exactly what is asked of the source for it: the source
// is never shown more, so nothing else can have a say in the answer.
type factKey struct {
	kind                 factKind
	registry, repository string
	name                 string // the tag, or the digest
}

// resolveKey goes by digest where there is one: it decides, whatever the tag.
func resolveKey(img Image) factKey {
	if img.Digest != "" {
		return factKey{digestFact, img.Registry, img.Repository, img.Digest}
	}
	return factKey{tagFact, img.Registry, img.Repository, img.Tag}
}

func manifestKey(kind factKind, img Image, m Manifest) factKey {
	return factKey{kind, img.Registry, img.Repository, m.Digest}
}

// image is the reference to ask for.
func (k factKey) image() Image {
	img := Image{Registry: k.registry, Repository: k.repository}
	switch k.kind {
	case tagFact:
		img.Tag = k.name
	case digestFact:
		img.Digest = k.name
	case scanFact, startFact:
	}
	return img
}

func (k factKey) manifest() Manifest { return Manifest{Digest: k.name} }

// own is the key with strings of its own: those of a request may be slices of
// the whole review it came with.
func (k factKey) own() factKey {
	k.registry, k.repository, k.name = strings.Clone(k.registry), strings.Clone(k.repository), strings.Clone(k.name)
	return k
}
