package ecr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// The manifest media types ECR stores.
const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Resolve turns tag into digest once, by one BatchGetImage, and checks that what
// came back is what its digest says. All media types are accepted, so ECR has no
// reason to translate the manifest, which would change its digest
// (ECR user guide, image-manifest-formats).
func (s *Source) Resolve(ctx context.Context, img gate.Image) (gate.Resolution, error) {
	client, h, err := s.client(img)
	if err != nil {
		return gate.Resolution{}, err
	}
	ctx, cancel := s.call(ctx)
	defer cancel()
	out, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RegistryId:         aws.String(h.account),
		RepositoryName:     aws.String(img.Repository),
		ImageIds:           []types.ImageIdentifier{identifier(img)},
		AcceptedMediaTypes: []string{ociIndex, dockerList, ociManifest, dockerManifest},
	})
	if err != nil {
		return gate.Resolution{}, trouble(err)
	}
	if len(out.Images) != 1 {
		return gate.Resolution{}, missing(out)
	}
	return resolution(img, out.Images[0])
}

// identifier asks by digest where there is one: it decides, whatever the tag.
func identifier(img gate.Image) types.ImageIdentifier {
	if img.Digest != "" {
		return types.ImageIdentifier{ImageDigest: aws.String(img.Digest)}
	}
	return types.ImageIdentifier{ImageTag: aws.String(img.Tag)}
}

func missing(out *ecr.BatchGetImageOutput) *gate.Trouble {
	if len(out.Failures) > 0 {
		return byFailure(out.Failures[0])
	}
	t := unreadable
	return &t
}

// resolution checks the digest and reads the manifest. The digest that counts is
// the one computed here; ECR's word has to agree, and so has the one asked for.
func resolution(img gate.Image, got types.Image) (gate.Resolution, error) {
	manifest := aws.ToString(got.ImageManifest)
	if len(manifest) > maxManifestBytes {
		return gate.Resolution{}, badImage("its manifest is larger than 4 MiB")
	}
	sum := sha256.Sum256([]byte(manifest))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if got.ImageId == nil || aws.ToString(got.ImageId.ImageDigest) != digest || img.Digest != "" && img.Digest != digest {
		return gate.Resolution{}, badImage("ECR answered with a manifest that does not have the digest it names")
	}
	manifests, err := platforms(digest, aws.ToString(got.ImageManifestMediaType), []byte(manifest))
	if err != nil {
		return gate.Resolution{}, err
	}
	return gate.Resolution{Digest: digest, Manifests: manifests}, nil
}

func badImage(text string) *gate.Trouble {
	return &gate.Trouble{Cause: gate.BadImage, Text: text, Mend: "build and push it again"}
}

// manifest is what is read of an image manifest or index; other members are
// passed over.
type manifest struct {
	MediaType string            `json:"mediaType"`
	Manifests []descriptor      `json:"manifests"`
	Config    *json.RawMessage  `json:"config"`
	Layers    []json.RawMessage `json:"layers"`
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
		Variant      string `json:"variant"`
	} `json:"platform"`
}

// platforms lists the manifests to judge: the image itself, or each platform of
// an index.
func platforms(digest, mediaType string, raw []byte) ([]gate.Manifest, error) {
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, badImage("its manifest is not JSON")
	}
	if ambiguous(raw) {
		return nil, badImage("its manifest has a key twice, or in other letters")
	}
	isIndex := m.Manifests != nil
	if isIndex && (m.Config != nil || m.Layers != nil) || says(m.MediaType, isIndex) || says(mediaType, isIndex) {
		return nil, badImage("its manifest claims to be both an image and an index")
	}
	if !isIndex {
		return []gate.Manifest{{Digest: digest}}, nil
	}
	return children(m.Manifests)
}

// says reports whether a media type contradicts what the manifest looks like.
func says(mediaType string, isIndex bool) bool {
	switch mediaType {
	case ociIndex, dockerList:
		return !isIndex
	case ociManifest, dockerManifest:
		return isIndex
	default:
		return false
	}
}

func children(entries []descriptor) ([]gate.Manifest, error) {
	if len(entries) > maxIndexEntries {
		return nil, badImage(fmt.Sprintf("its index lists more than %d manifests", maxIndexEntries))
	}
	seen := map[string]bool{}
	var platforms []gate.Manifest
	for _, d := range entries {
		if d.isAttestation() || seen[d.Digest] {
			continue
		}
		if d.MediaType == ociIndex || d.MediaType == dockerList {
			return nil, badImage("its index holds another index")
		}
		if !digestForm.MatchString(d.Digest) {
			return nil, badImage("its index names a manifest without a sha256 digest")
		}
		seen[d.Digest] = true
		platforms = append(platforms, gate.Manifest{Platform: d.platform(), Digest: d.Digest})
	}
	if len(platforms) == 0 {
		return nil, badImage("its index lists no platform")
	}
	if len(platforms) > maxManifests {
		return nil, badImage(fmt.Sprintf("its index lists more than %d platforms", maxManifests))
	}
	return platforms, nil
}

// isAttestation takes the annotation and unknown/unknown together, as BuildKit
// writes them (moby/buildkit, attestation-storage): either alone is a way around
// the gate.
func (d descriptor) isAttestation() bool {
	return d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" &&
		d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

func (d descriptor) platform() string {
	if d.Platform == nil {
		return ""
	}
	p := d.Platform.OS + "/" + d.Platform.Architecture
	if d.Platform.Variant != "" {
		p += "/" + d.Platform.Variant
	}
	return p
}
