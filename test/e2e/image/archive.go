package image

import (
	"archive/tar"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// nameAnnotation is where containerd finds the name an image is to be known by.
const nameAnnotation = "io.containerd.image.name"

// Archive writes images under their names into one file, in the OCI layout, which
// keeps their digests.
func Archive(file string, images map[string]v1.Image) error {
	folder, err := os.MkdirTemp("", "ecr-gate-e2e-layout-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	index, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(images)) {
		annotation := layout.WithAnnotations(map[string]string{nameAnnotation: name})
		if err := index.AppendImage(images[name], annotation); err != nil {
			return err
		}
	}
	return pack(folder, file)
}

func pack(folder, file string) (err error) {
	out, err := os.Create(file) //nolint:gosec // where the caller says
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	w := tar.NewWriter(out)
	tree := os.DirFS(folder)
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		header := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size()}
		if err := w.WriteHeader(&header); err != nil {
			return err
		}
		content, err := tree.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }()
		_, err = io.Copy(w, content)
		return err
	})
	if err != nil {
		return err
	}
	return w.Close()
}
