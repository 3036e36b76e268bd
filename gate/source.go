package gate

import "context"

// Source is where scans come from. Its errors are *[Trouble] where it knows what
// went wrong; any other error counts as trouble of our own.
type Source interface {
	// Resolve turns the reference into one digest, once, and lists the platform
	// manifests behind it.
	Resolve(ctx context.Context, img Image) (Resolution, error)
	// Scan reads the whole scan of one platform manifest.
	Scan(ctx context.Context, img Image, manifest Manifest) (Scan, error)
	// StartScan asks for a new scan of a platform manifest. A scan already under
	// way is no error.
	StartScan(ctx context.Context, img Image, manifest Manifest) error
}

// Resolution is what a reference stands for at one moment.
type Resolution struct {
	Digest    string     // what the reference named: an image or an index
	Manifests []Manifest // one, or one per platform of an index
	// Stale: it was so a while ago, and the source gave no answer now.
	Stale bool
}

// Manifest is one platform's image.
type Manifest struct {
	Platform string // os/arch[/variant]; empty for an image that is no index
	Digest   string
}
