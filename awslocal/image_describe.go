package awslocal

import (
	"maps"
	"slices"
)

type describeImagesRequest struct {
	imageRequest
	ImageIDs   []imageID `json:"imageIds"`
	MaxResults *int      `json:"maxResults"`
	NextToken  *string   `json:"nextToken"`
	Filter     struct {
		TagStatus   string `json:"tagStatus"`
		ImageStatus string `json:"imageStatus"`
	} `json:"filter"`
}

// imageDetail has no scan summary: neither basic nor enhanced scanning fills
// it any more (aws/containers-roadmap#1662).
type imageDetail struct {
	RegistryID string   `json:"registryId"`
	Repository string   `json:"repositoryName"`
	Digest     string   `json:"imageDigest"`
	Tags       []string `json:"imageTags,omitempty"`
	Size       int      `json:"imageSizeInBytes"`
	PushedAt   epoch    `json:"imagePushedAt"`
	MediaType  string   `json:"imageManifestMediaType"`
	Status     string   `json:"imageStatus"`
}

type describeImagesAnswer struct {
	Details   []imageDetail `json:"imageDetails"`
	NextToken *string       `json:"nextToken,omitempty"`
}

func (r describeImagesRequest) check() error {
	var v violations
	r.imageRequest.check(&v)
	v.number("maxResults", r.MaxResults, 1, 1000)
	if r.ImageIDs != nil {
		v.size("imageIds", len(r.ImageIDs), 1, 100)
		if r.MaxResults != nil {
			v.add("maxResults", *r.MaxResults, "Member must not be combined with imageIds")
		}
	}
	return v.failure("InvalidParameterException")
}

func (e *ecrService) describeImages(c call, in describeImagesRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p, err := e.find(c, in.imageRequest)
	if err != nil {
		return nil, err
	}
	if in.ImageIDs != nil {
		return p.describe(in.ImageIDs)
	}
	return p.list(in)
}

func (p place) describe(ids []imageID) (any, error) {
	answer := describeImagesAnswer{Details: []imageDetail{}}
	for _, id := range ids {
		img, err := p.image(&id)
		if err != nil {
			return nil, err
		}
		answer.Details = append(answer.Details, p.detail(img))
	}
	return answer, nil
}

func (p place) list(in describeImagesRequest) (any, error) {
	all := []imageDetail{}
	for _, digest := range slices.Sorted(maps.Keys(p.images)) {
		if detail := p.detail(p.images[digest]); in.wants(detail) {
			all = append(all, detail)
		}
	}
	at := position{Image: p.name}
	if in.NextToken != nil {
		var ok bool
		if at, ok = parsePosition(*in.NextToken); !ok || at.Image != p.name {
			return nil, refuse("InvalidParameterException", "Invalid NextToken")
		}
	}
	size := pageSize(Scan{}, in.MaxResults)
	answer := describeImagesAnswer{Details: window(all, at.Offset, size)}
	if at.Offset += size; at.Offset < len(all) {
		answer.NextToken = at.token()
	}
	return answer, nil
}

// wants: without a filter only ACTIVE images are listed.
func (r describeImagesRequest) wants(d imageDetail) bool {
	status := r.Filter.ImageStatus
	if status == "" {
		status = "ACTIVE"
	}
	if status != "ANY" && status != d.Status {
		return false
	}
	switch r.Filter.TagStatus {
	case "TAGGED":
		return len(d.Tags) > 0
	case "UNTAGGED":
		return len(d.Tags) == 0
	}
	return true
}

func (p place) detail(img *storedImage) imageDetail {
	d := imageDetail{
		RegistryID: p.account, Repository: p.name, Digest: img.digest,
		Size: len(img.Manifest), PushedAt: epoch{img.put},
		MediaType: img.MediaType, Status: "ACTIVE",
	}
	if img.Archived {
		d.Status = "ARCHIVED"
	}
	for _, tag := range slices.Sorted(maps.Keys(p.tags)) {
		if p.tags[tag] == img.digest {
			d.Tags = append(d.Tags, tag)
		}
	}
	return d
}
