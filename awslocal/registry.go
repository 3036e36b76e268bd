package awslocal

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// ecrService is the registries of all accounts and Regions.
type ecrService struct {
	opts Options

	mu         sync.Mutex
	registries map[registryID]map[string]*repository
	scanTypes  map[string]string         // by account
	scanRules  map[string][]ScanningRule // by account; none: one rule for all repositories
}

// registryID names a registry: an account has one in each Region.
type registryID struct{ account, region string }

// repository holds images by digest; tags point at digests.
type repository struct {
	images     map[string]*storedImage
	tags       map[string]string
	scanOnPush bool // the repository's own flag
}

// storedImage is an image as it was put, with the progress of its scan.
type storedImage struct {
	Image
	digest      string
	put         time.Time
	scanStarted time.Time // by StartImageScan
	script      script
	coverage    *Coverage // what Inspector lists of it; nil: nothing
}

func newECRService(opts Options) *ecrService {
	return &ecrService{
		opts:       opts,
		registries: map[registryID]map[string]*repository{},
		scanTypes:  map[string]string{},
		scanRules:  map[string][]ScanningRule{},
	}
}

// PutImage puts an image or an image index and moves its tags to it. An image
// of the same digest is replaced, its scan begins anew.
func (s *Server) PutImage(img Image) (digest string) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	return s.ecr.put(img)
}

func (e *ecrService) put(img Image) string {
	img = e.completed(img)
	img.Manifest = e.manifestOf(img)
	img.MediaType = mediaTypeOf(img)
	sum := sha256.Sum256(img.Manifest)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	now := e.opts.Now()
	repo := e.repositoryOf(img)
	repo.images[digest] = &storedImage{
		Image: img, digest: digest, put: now,
		script: script{steps: slices.Clone(img.Scans), since: now},
	}
	for _, tag := range img.Tags {
		repo.tags[tag] = digest
	}
	return digest
}

func (e *ecrService) completed(img Image) Image {
	if img.Account == "" {
		img.Account = e.opts.Account
	}
	if img.Region == "" {
		img.Region = e.opts.Region
	}
	if img.Platform == "" {
		img.Platform = "linux/amd64"
	}
	return img
}

func (e *ecrService) repositoryOf(img Image) *repository {
	id := registryID{img.Account, img.Region}
	if e.registries[id] == nil {
		e.registries[id] = map[string]*repository{}
	}
	repo := e.registries[id][img.Repository]
	if repo == nil {
		repo = &repository{images: map[string]*storedImage{}, tags: map[string]string{}}
		e.registries[id][img.Repository] = repo
	}
	return repo
}

// named finds an existing repository by "name", of the server's own registry,
// or by "host/name".
func (e *ecrService) named(repository string) (*repository, bool) {
	id := registryID{e.opts.Account, e.opts.Region}
	if host, name, ok := strings.Cut(repository, "/"); ok {
		if parts := strings.Split(host, "."); len(parts) > 3 && parts[1] == "dkr" && parts[2] == "ecr" {
			id, repository = registryID{parts[0], parts[3]}, name
		}
	}
	repo, ok := e.registries[id][repository]
	return repo, ok
}

// CreateRepository makes an empty repository. PutImage makes the ones it needs.
func (s *Server) CreateRepository(name string) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	s.ecr.repositoryOf(s.ecr.completed(Image{Repository: name}))
}

// SetScans gives an image a new scan script, as of now. The repository is one
// of the server's own registry, or carries the host of another:
// 444455556666.dkr.ecr.eu-west-1.amazonaws.com/shop/api. An image that does
// not exist is passed over, here and below.
func (s *Server) SetScans(repository, digest string, scans ...Scan) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	if repo, ok := s.ecr.named(repository); ok && repo.images[digest] != nil {
		repo.images[digest].script = script{steps: slices.Clone(scans), since: s.opts.Now()}
	}
}

// MoveTag points a tag at another image of the repository; see SetScans for
// the repository.
func (s *Server) MoveTag(repository, tag, digest string) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	if repo, ok := s.ecr.named(repository); ok && repo.images[digest] != nil {
		repo.tags[tag] = digest
	}
}

// DeleteImage deletes an image and its tags, as a lifecycle policy does; see
// SetScans for the repository.
func (s *Server) DeleteImage(repository, digest string) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	if repo, ok := s.ecr.named(repository); ok {
		delete(repo.images, digest)
		maps.DeleteFunc(repo.tags, func(_, to string) bool { return to == digest })
	}
}

// ChildDigests are the digests an index lists, in its order; see SetScans for
// the repository.
func (s *Server) ChildDigests(repository, digest string) []string {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	repo, ok := s.ecr.named(repository)
	if !ok || repo.images[digest] == nil {
		return nil
	}
	return childDigests(repo.images[digest].Manifest)
}

// SetScanType sets what an account's registries scan with: BASIC, the
// default, or ENHANCED. An empty account is the server's own.
func (s *Server) SetScanType(account, scanType string) {
	if account == "" {
		account = s.opts.Account
	}
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	s.ecr.scanTypes[account] = scanType
}

func (e *ecrService) enhanced(account string) bool {
	return e.scanTypes[account] == "ENHANCED"
}
