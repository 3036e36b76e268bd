package e2e_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// scannable tells whether an image says of itself what a scanner of operating systems
// looks for: which system, and which of its packages are installed.
func scannable(img v1.Image) error {
	wanted := map[string]string{"etc/os-release": "\nID=", "var/lib/dpkg/status": "Package: ca-certificates\nStatus: install ok installed\n"}
	files := mutate.Extract(img)
	defer func() { _ = files.Close() }()
	for entries := tar.NewReader(files); ; {
		header, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		text, ok := wanted[header.Name]
		if !ok {
			continue
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			return err
		}
		if !bytes.Contains(append([]byte("\n"), content...), []byte(text)) {
			return fmt.Errorf("%s in the image does not say %q: %s", header.Name, text, content)
		}
		delete(wanted, header.Name)
	}
	for name := range wanted {
		return fmt.Errorf("the image has no %s: ECR's basic scan cannot look into it, and the gate's own policy refuses it", name)
	}
	return nil
}
