package gate

import (
	_ "crypto/sha512" // the grammar takes a sha512 digest only where the algorithm is linked in
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Image is an image reference taken apart. Once resolved, Digest says which
// image is judged; a tag never does.
type Image struct {
	Written    string // as it was given
	Registry   string // lower case, without :443
	Repository string
	Tag        string // empty: none given
	Digest     string // "sha256:…"; empty: not resolved
}

// maxReference is more than any reference has: a host of 255 characters, a path of
// 255, a tag of 128 and a digest. The grammar itself has no end for a host.
const maxReference = 1024

// ParseImage reads a reference with the kubelet's own grammar
// (distribution/reference), so that the image judged is the image run. A
// reference without tag and digest means :latest, as it does to the kubelet.
// The error is a *[Trouble].
func ParseImage(written string) (Image, error) {
	if len(written) > maxReference {
		return Image{}, &Trouble{
			Cause: BadReference,
			Text:  fmt.Sprintf("it is not an image reference: it has more than %d characters", maxReference),
			Mend:  "write registry/repository:tag or registry/repository@sha256:digest",
		}
	}
	if isImageID(written) {
		return Image{}, &Trouble{
			Cause: BadReference,
			Text:  "it is the ID of an image on a node, and says nothing of where that came from",
			Mend:  "write registry/repository@sha256:digest",
		}
	}
	named, err := reference.ParseNormalizedNamed(written)
	if err != nil {
		return Image{}, &Trouble{
			Cause: BadReference,
			Text:  fmt.Sprintf("it is not an image reference (%v)", err),
			Mend:  "write registry/repository:tag or registry/repository@sha256:digest",
		}
	}
	img := Image{
		Written:    written,
		Registry:   normalHost(reference.Domain(named)),
		Repository: reference.Path(named),
	}
	if t, ok := named.(reference.Tagged); ok {
		img.Tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		img.Digest = d.Digest().String()
	}
	if img.Tag == "" && img.Digest == "" {
		img.Tag = "latest"
	}
	return img, nil
}

// isImageID says that a node takes what is written for the ID of an image that it
// has, from whichever registry: containerd looks for such a digest, whole or the
// beginning of one, where the grammar reads a tag of docker.io/library/sha256.
func isImageID(written string) bool {
	algorithm, rest, found := strings.Cut(written, ":")
	return found && imageIDs[algorithm] && !strings.Contains(rest, "/") // with one it is a host and its port
}

// imageIDs are the algorithms of digests that containerd knows.
var imageIDs = map[string]bool{"sha256": true, "sha384": true, "sha512": true}

// at is the image at the digest it was resolved to earlier, if it was. A
// reference that names a digest means that one and no other.
func (i Image) at(digest string) (Image, error) {
	if digest == "" {
		return i, nil
	}
	if i.Digest != "" && i.Digest != digest {
		return i, &Trouble{
			Cause: BadReference,
			Text:  "it names another digest than the one to judge (" + ShortDigest(digest) + ")",
			Mend:  "name one digest",
		}
	}
	i.Digest = digest
	return i, nil
}

// normalHost makes spellings of the same registry equal: a port is a number, so
// :0443 is :443, and that goes without saying.
func normalHost(host string) string {
	host = strings.ToLower(host)
	name, port, found := strings.Cut(host, ":")
	if !found || strings.HasPrefix(host, "[") && !strings.Contains(host, "]:") {
		return host
	}
	if strings.HasPrefix(host, "[") { // an IPv6 address
		i := strings.LastIndex(host, ":")
		name, port = host[:i], host[i+1:]
	}
	switch port = strings.TrimLeft(port, "0"); port {
	case "443":
		return name
	case "":
		port = "0"
	}
	return name + ":" + port
}

// Pinned returns the reference that names exactly the digest judged, and the
// tagless reference where there is none.
func (i Image) Pinned() string {
	if i.Digest == "" {
		return i.Registry + "/" + i.Repository
	}
	return i.Registry + "/" + i.Repository + "@" + i.Digest
}

// String is the reference in normal form, without the digest if it has a tag.
func (i Image) String() string {
	if i.Tag == "" {
		return i.Pinned()
	}
	return i.Registry + "/" + i.Repository + ":" + i.Tag
}

// ShortDigest is the digest as people compare it: "sha256:" and 12 digits.
func ShortDigest(digest string) string {
	const short = len("sha256:") + 12
	if len(digest) <= short {
		return digest
	}
	return digest[:short]
}
