package awslocal

import "regexp"

// imageRequest is what all requests about one repository have in common.
type imageRequest struct {
	RegistryID     *string `json:"registryId"`
	RepositoryName *string `json:"repositoryName"`
}

// imageID names an image by tag, by digest or by both.
type imageID struct {
	Digest *string `json:"imageDigest,omitempty"`
	Tag    *string `json:"imageTag,omitempty"`
}

// The constraints of the ECR service model; the digest's form is not in it,
// but refused by the service (botocore ecr service-2.json).
var (
	registryIDs     = constraint{pattern: whole(`[0-9]{12}`)}
	repositoryNames = constraint{min: 2, max: 256,
		pattern: whole(`[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`)}
	imageTags = constraint{min: 1, max: 300}
	digests   = constraint{pattern: whole(`[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+`)}
)

func whole(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + pattern + `)$`)
}

func (r imageRequest) check(v *violations) {
	v.text("registryId", r.RegistryID, registryIDs)
	v.required("repositoryName", r.RepositoryName, repositoryNames)
}

func (id *imageID) check(v *violations) {
	if id == nil || (id.Digest == nil && id.Tag == nil) {
		v.add("imageId", "null", "Member must hold a digest or a tag")
		return
	}
	v.text("imageId.imageDigest", id.Digest, digests)
	v.text("imageId.imageTag", id.Tag, imageTags)
}

// place is a repository somebody asks about.
type place struct {
	registryID
	name string
	*repository
}

// find returns the repository a request is about, in the caller's own
// registry unless it names another.
func (e *ecrService) find(c call, r imageRequest) (place, error) {
	p := place{registryID: registryID{c.caller.account, c.region}, name: *r.RepositoryName}
	if r.RegistryID != nil {
		p.account = *r.RegistryID
	}
	repo, ok := e.registries[p.registryID][p.name]
	if !ok {
		return p, refuse("RepositoryNotFoundException",
			"The repository with name '%s' does not exist in the registry with id '%s'", p.name, p.account)
	}
	p.repository = repo
	return p, nil
}

// image returns an image of the repository.
func (p place) image(id *imageID) (*storedImage, error) {
	digest := deref(id.Digest)
	if id.Tag != nil {
		tagged, ok := p.tags[*id.Tag]
		switch {
		case !ok:
			return nil, p.noImage(id)
		case digest != "" && digest != tagged:
			return nil, refuse("InvalidParameterException",
				"Invalid parameter at 'imageId' failed to satisfy constraint: 'the image tag does not match the digest'")
		}
		digest = tagged
	}
	img, ok := p.images[digest]
	if !ok {
		return nil, p.noImage(id)
	}
	return img, nil
}

func (p place) noImage(id *imageID) error {
	return refuse("ImageNotFoundException",
		"The image with imageId %s does not exist within the repository with name '%s' in the registry with id '%s'",
		id, p.name, p.account)
}

func (id *imageID) String() string {
	return "{imageDigest:'" + orNull(id.Digest) + "', imageTag:'" + orNull(id.Tag) + "'}"
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
