package awslocal

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
)

const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// manifest is an image manifest or, with Manifests, an image index.
type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

func isIndex(mediaType string) bool {
	return mediaType == ociIndex || mediaType == dockerList
}

// mediaTypeOf is what ECR says of the image, which need not be what the
// manifest says of itself.
func mediaTypeOf(img Image) string {
	if img.MediaType != "" {
		return img.MediaType
	}
	var m manifest
	if json.Unmarshal(img.Manifest, &m) == nil && m.MediaType != "" {
		return m.MediaType
	}
	if len(img.Children) > 0 {
		return ociIndex
	}
	return ociManifest
}

// manifestOf puts the children of an index and returns the image's manifest.
func (e *ecrService) manifestOf(img Image) []byte {
	entries := e.putChildren(img)
	switch {
	case img.Manifest != nil:
		return img.Manifest
	case len(entries) > 0:
		return indexManifest(img, entries)
	case img.Attestation:
		return attestationManifest(img)
	}
	return imageManifest(img)
}

func (e *ecrService) putChildren(img Image) []descriptor {
	var entries []descriptor
	var images []string // digests of the children that are no attestations
	attestations := 0
	for _, child := range img.Children {
		child.Account, child.Region, child.Repository = img.Account, img.Region, img.Repository
		child.Seed = img.Seed + "/" + child.Seed
		if child.Attestation && attestations < len(images) {
			// So that attestations of twins do not share a digest either.
			child.Seed += images[attestations]
		}
		digest := e.put(child)
		entry := e.entry(e.repositoryOf(child).images[digest])
		if child.Attestation {
			describeAttestation(&entry, images, attestations)
			attestations++
		} else {
			images = append(images, digest)
		}
		entries = append(entries, entry)
	}
	return entries
}

func (e *ecrService) entry(child *storedImage) descriptor {
	return descriptor{
		MediaType: child.MediaType,
		Digest:    child.digest,
		Size:      len(child.Manifest),
		Platform:  parsePlatform(child.Platform),
	}
}

// describeAttestation writes what BuildKit writes: the nth attestation is
// about the nth image (moby/buildkit docs/attestations/attestation-storage.md).
func describeAttestation(entry *descriptor, images []string, n int) {
	entry.Platform = &platform{Architecture: "unknown", OS: "unknown"}
	entry.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	if n < len(images) {
		entry.Annotations["vnd.docker.reference.digest"] = images[n]
	}
}

func childDigests(index []byte) []string {
	var m manifest
	_ = json.Unmarshal(index, &m) // a manifest may be any bytes
	var found []string
	for _, entry := range m.Manifests {
		found = append(found, entry.Digest)
	}
	return found
}

func parsePlatform(s string) *platform {
	parts := append(strings.SplitN(s, "/", 3), "", "")
	return &platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

func imageManifest(img Image) []byte {
	kind := img.MediaType
	if kind == "" {
		kind = ociManifest
	}
	config, layer := "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"
	if kind == dockerManifest {
		config, layer = "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"
	}
	return encodeManifest(manifest{
		MediaType: kind,
		Config:    blob(config, "config", img),
		Layers:    []descriptor{*blob(layer, "layer", img)},
	})
}

func attestationManifest(img Image) []byte {
	return encodeManifest(manifest{
		MediaType: ociManifest,
		Config:    blob("application/vnd.oci.image.config.v1+json", "config", img),
		Layers:    []descriptor{*blob("application/vnd.in-toto+json", "attestation", img)},
	})
}

func indexManifest(img Image, entries []descriptor) []byte {
	kind := img.MediaType
	if kind == "" {
		kind = ociIndex
	}
	return encodeManifest(manifest{MediaType: kind, Manifests: entries})
}

// blob describes content that is nowhere stored: nobody pulls from here.
func blob(mediaType, kind string, img Image) *descriptor {
	content := strings.Join([]string{kind, img.Repository, img.Platform, img.Seed}, "\n")
	return &descriptor{
		MediaType: mediaType,
		Digest:    fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))),
		Size:      len(content),
	}
}

func encodeManifest(m manifest) []byte {
	m.SchemaVersion = 2
	encoded, _ := json.MarshalIndent(m, "", "  ")
	return encoded
}
