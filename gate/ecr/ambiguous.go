package ecr

import (
	"bytes"
	"encoding/json"
	"strings"
)

// manifestKeys are the keys that are read of a manifest, as they are written.
var manifestKeys = []string{"mediaType", "manifests", "config", "layers", "digest", "annotations", "platform", "architecture", "os", "variant"}

// ambiguous reports whether readers may take a manifest, which is JSON, differently.
// Which of two equal keys counts, whether what the first one said stays where the
// second says nothing, and whether case matters: on each of them JSON libraries
// differ. Such an index could show us an attestation where a node finds an image.
func ambiguous(raw []byte) bool { return twoWays(json.NewDecoder(bytes.NewReader(raw)), false) }

// twoWays looks at the next value. Inside of annotations keys are anybody's, and
// matter only if they stand twice.
func twoWays(d *json.Decoder, annotations bool) bool {
	token, err := d.Token()
	if err != nil {
		return true
	}
	seen := map[string]bool{}
	switch token {
	case json.Delim('['):
		for d.More() {
			if twoWays(d, annotations) {
				return true
			}
		}
	case json.Delim('{'):
		for d.More() {
			token, err := d.Token()
			key, isKey := token.(string)
			if err != nil || !isKey || seen[key] || !annotations && inOtherLetters(key) {
				return true
			}
			seen[key] = true
			if twoWays(d, annotations || key == "annotations") {
				return true
			}
		}
	default:
		return false
	}
	_, err = d.Token() // the end of it
	return err != nil
}

func inOtherLetters(key string) bool {
	for _, name := range manifestKeys {
		if key != name && strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}
