package awslocal

import (
	"bytes"
	"slices"
)

type batchGetImageRequest struct {
	imageRequest
	ImageIDs           []imageID `json:"imageIds"`
	AcceptedMediaTypes []string  `json:"acceptedMediaTypes"`
}

type batchGetImageAnswer struct {
	Images   []imageBody    `json:"images"`
	Failures []imageFailure `json:"failures"`
}

type imageBody struct {
	RegistryID string  `json:"registryId"`
	Repository string  `json:"repositoryName"`
	ImageID    imageID `json:"imageId"`
	Manifest   string  `json:"imageManifest"`
	MediaType  string  `json:"imageManifestMediaType"`
}

type imageFailure struct {
	ImageID imageID `json:"imageId"`
	Code    string  `json:"failureCode"`
	Reason  string  `json:"failureReason"`
}

func (r batchGetImageRequest) check() error {
	var v violations
	r.imageRequest.check(&v)
	v.size("imageIds", len(r.ImageIDs), 1, 100)
	if r.AcceptedMediaTypes != nil {
		v.size("acceptedMediaTypes", len(r.AcceptedMediaTypes), 1, 100)
	}
	return v.failure("InvalidParameterException")
}

// batchGetImage answers 200 also when every image is missing: what is missing
// is told in failures.
func (e *ecrService) batchGetImage(c call, in batchGetImageRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p, err := e.find(c, in.imageRequest)
	if err != nil {
		return nil, err
	}
	answer := batchGetImageAnswer{Images: []imageBody{}, Failures: []imageFailure{}}
	for _, id := range in.ImageIDs {
		img, missing := p.lookUp(id)
		if missing == nil {
			missing = p.deliver(&answer, img, id, in.AcceptedMediaTypes)
		}
		if missing != nil {
			answer.Failures = append(answer.Failures, *missing)
		}
	}
	return answer, nil
}

// lookUp finds an image, or says in the words of failures why not.
func (p place) lookUp(id imageID) (*storedImage, *imageFailure) {
	var v violations
	switch {
	case id.Digest == nil && id.Tag == nil:
		return nil, &imageFailure{id, "MissingDigestAndTag", "Image digest and tag are both missing"}
	case id.Digest != nil:
		v.text("imageDigest", id.Digest, digests)
		if len(v) > 0 {
			return nil, &imageFailure{id, "InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"}
		}
	}
	if v.text("imageTag", id.Tag, imageTags); len(v) > 0 {
		return nil, &imageFailure{id, "InvalidImageTag", "Invalid image tag"}
	}
	img, err := p.image(&id)
	switch {
	case err == nil:
		return img, nil
	case id.Digest != nil && id.Tag != nil && p.images[*id.Digest] != nil && p.tags[*id.Tag] != "":
		return nil, &imageFailure{id, "ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest"}
	}
	return nil, &imageFailure{id, "ImageNotFound", "Requested image not found"}
}

// deliver adds the manifest, byte for byte. A media type the caller does not
// accept is translated by tag, and never by digest (user guide, "Container
// image manifest format support"); what AWS answers then is documented
// nowhere, here it is ImageNotFound. So is the code for an archived image.
func (p place) deliver(answer *batchGetImageAnswer, img *storedImage, id imageID, accepted []string) *imageFailure {
	if img.Archived {
		return &imageFailure{id, "ImageInaccessible", "The image is archived and cannot be pulled"}
	}
	body, mediaType := img.Manifest, img.MediaType
	if accepted != nil && !slices.Contains(accepted, mediaType) {
		other, ok := translations[mediaType]
		if !ok || id.Digest != nil || !slices.Contains(accepted, other) {
			return &imageFailure{id, "ImageNotFound", "Requested image not found"}
		}
		body, mediaType = translate(body, mediaType), other
	}
	answer.Images = append(answer.Images, imageBody{
		RegistryID: p.account,
		Repository: p.name,
		ImageID:    imageID{Digest: &img.digest, Tag: id.Tag},
		Manifest:   string(body),
		MediaType:  mediaType,
	})
	return nil
}

// translations are the formats ECR turns into each other.
var translations = map[string]string{ociManifest: dockerManifest, dockerManifest: ociManifest}

// translate says the other media type, and so no longer has the digest the
// answer names.
func translate(body []byte, mediaType string) []byte {
	return bytes.ReplaceAll(body, []byte(mediaType), []byte(translations[mediaType]))
}
