package image

import (
	"archive/tar"
	"bytes"
	"os"
	"path"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// OfProgram is an image from scratch with nothing but the program. Images alike in
// all but their label have digests of their own.
func OfProgram(program, label string) (v1.Image, error) {
	layer, err := fileLayer(program, "/program")
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	img, err = mutate.Config(img, v1.Config{
		Entrypoint: []string{"/program"},
		Labels:     map[string]string{"org.opencontainers.image.title": label},
		User:       "65532:65532",
	})
	if err != nil {
		return nil, err
	}
	return withPlatform(img)
}

// withPlatform makes it an OCI image for this machine.
func withPlatform(img v1.Image) (v1.Image, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = runtime.GOOS, runtime.GOARCH
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return nil, err
	}
	img = mutate.MediaType(img, types.OCIManifestSchema1)
	return mutate.ConfigMediaType(img, types.OCIConfigJSON), nil
}

// fileLayer is a layer with one file and the folders it is in, all root's and of no
// date, as if built from scratch.
func fileLayer(source, target string) (v1.Layer, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(source) //nolint:gosec // what the caller names
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(path.Clean(target), "/")
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	var folder string
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		if part == "." {
			break
		}
		folder += part + "/"
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	header := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size()}
	if err := w.WriteHeader(&header); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return static.NewLayer(archive.Bytes(), types.OCIUncompressedLayer), nil // it does not go far
}
