package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/ecr-gate/ecr-gate/gate"
)

// maxManifestBytes bounds what is read from one file or from standard input.
const maxManifestBytes = 64 << 20

// manifestImages lists the images of every pod in Kubernetes manifests: of pods,
// of every workload's template, and of custom resources that hold one.
func manifestImages(stdin io.Reader, file string) ([]string, error) {
	raw, err := readManifests(stdin, file)
	if err != nil {
		return nil, err
	}
	var found []string
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	for document := 1; ; document++ {
		var node any
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: document %d is not YAML: %s", file, document, gate.Clean(err.Error())) // it quotes the file
		}
		found = append(found, podImages(plain(node))...)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: holds no pod and no workload with an image; give rendered manifests, as helm template prints them", file)
	}
	return found, nil
}

// plain makes every key text, as the API server's own reading does: a mapping with
// one key of another kind would hide its images.
func plain(node any) any {
	switch n := node.(type) {
	case []any:
		for i := range n {
			n[i] = plain(n[i])
		}
	case map[string]any:
		for key, value := range n {
			n[key] = plain(value)
		}
	case map[any]any:
		named := make(map[string]any, len(n))
		for key, value := range n {
			named[fmt.Sprint(key)] = plain(value)
		}
		return named
	}
	return node
}

func readManifests(stdin io.Reader, file string) ([]byte, error) {
	source := stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the user names it
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("-f %s: no such file; - is standard input", file)
			}
			return nil, fmt.Errorf("-f %s: %w", file, cause(err))
		}
		defer f.Close() //nolint:errcheck // read only
		source = f
	}
	raw, err := io.ReadAll(io.LimitReader(source, maxManifestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("-f %s: %w", file, cause(err))
	}
	if len(raw) > maxManifestBytes {
		return nil, fmt.Errorf("-f %s: larger than 64 MiB", file)
	}
	return raw, nil
}

// podImages finds pod specs by their shape rather than by kind, so that an Argo
// Rollout or a List is read as well: what has containers is a pod spec.
func podImages(node any) []string {
	switch n := node.(type) {
	case []any:
		var found []string
		for _, item := range n {
			found = append(found, podImages(item)...)
		}
		return found
	case map[string]any:
		return append(specImages(n), childImages(n)...)
	default:
		return nil
	}
}

// containerLists are the pod spec's members that hold containers.
var containerLists = []string{"initContainers", "containers", "ephemeralContainers"}

func specImages(spec map[string]any) []string {
	var found []string
	for _, list := range containerLists {
		items, _ := spec[list].([]any)
		for _, item := range items {
			container, _ := item.(map[string]any)
			found = append(found, text(container["image"])...)
		}
	}
	if _, isPod := spec["containers"].([]any); !isPod {
		return found
	}
	volumes, _ := spec["volumes"].([]any)
	for _, v := range volumes {
		volume, _ := v.(map[string]any)
		source, _ := volume["image"].(map[string]any)
		found = append(found, text(source["reference"])...)
	}
	return found
}

// childImages goes on below, in a fixed order; containers hold no pods.
func childImages(n map[string]any) []string {
	var found []string
	for _, key := range sortedKeys(n) {
		if !isContainerList(key) {
			found = append(found, podImages(n[key])...)
		}
	}
	return found
}

func isContainerList(key string) bool { return slices.Contains(containerLists, key) }

func sortedKeys(n map[string]any) []string { return slices.Sorted(maps.Keys(n)) }

// text is the image that a value names, if it names one. What is no text is
// written out, so that it is refused as a reference rather than passed over.
func text(value any) []string {
	if value == nil || value == "" {
		return nil
	}
	return []string{fmt.Sprint(value)}
}
