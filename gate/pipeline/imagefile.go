package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// imagesIn reads either file by its shape: imageDetail.json is an object,
// imagedefinitions.json an array.
func imagesIn(raw []byte, where string) ([]string, error) {
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	if len(raw) > 0 && raw[0] == '[' {
		return definitions(raw, where)
	}
	m, err := members(raw, "ImageURI", "ImageDigest")
	if err != nil {
		return nil, mistakef("%s is not the JSON expected (%s); it is an object with ImageURI, or an array of name and imageUri", where, short(err.Error()))
	}
	return detailImages(m["ImageURI"], m["ImageDigest"], where)
}

// detailImages are the images an imageDetail.json stands for. What the ECR source
// action writes names the digest twice; made by hand it may hold ImageURI only.
// Where ImageURI is a tag beside a digest, a deploy action may go by either.
func detailImages(uri, digest, where string) ([]string, error) {
	switch {
	case uri == "":
		return nil, mistakef("%s has no ImageURI", where)
	case digest == "" || strings.HasSuffix(uri, "@"+digest):
		return []string{uri}, nil
	case strings.Contains(uri, "@"):
		return nil, mistakef("%s names two digests: ImageURI and ImageDigest differ", where)
	default:
		return []string{uri, uri + "@" + digest}, nil
	}
}

func definitions(raw []byte, where string) ([]string, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, mistakef("%s is not the JSON expected (%s); it is an array of name and imageUri", where, short(err.Error()))
	}
	if len(list) == 0 {
		return nil, mistakef("%s lists no image", where)
	}
	images := make([]string, len(list))
	for i, entry := range list {
		m, err := members(entry, "imageUri")
		switch {
		case err != nil:
			return nil, mistakef("entry %d of %s is not the JSON expected (%s); it has name and imageUri", i+1, where, short(err.Error()))
		case m["imageUri"] == "":
			return nil, mistakef("entry %d of %s has no imageUri", i+1, where)
		}
		images[i] = m["imageUri"]
	}
	return images, nil
}

// members reads the named text members of one JSON object and passes over the
// rest. Parsers differ in which of two equal keys counts, and whether case does:
// an object that leaves that open could show us one image and a deploy action
// another, so it is refused.
func members(raw []byte, names ...string) (map[string]string, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	if err := unambiguous(raw, names); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, name := range names {
		var text string
		if value, ok := all[name]; ok {
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, fmt.Errorf("%s is no text", name)
			}
		}
		found[name] = text
	}
	return found, nil
}

// unambiguous reads the object's keys one by one, which a map does not show.
func unambiguous(raw []byte, names []string) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil { // the brace
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		for _, name := range names {
			if text, _ := key.(string); strings.EqualFold(text, name) && (text != name || seen[name]) {
				return fmt.Errorf("%s is given twice, or in other letters", name)
			}
		}
		seen[fmt.Sprint(key)] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
	}
	return nil
}
