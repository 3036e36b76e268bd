package awslocal

// Image is one image, or one image index, to be put into a repository.
type Image struct {
	Account    string // default: the server's
	Region     string // default: the server's
	Repository string
	Tags       []string

	Platform  string // "os/arch" or "os/arch/variant"; default linux/amd64
	MediaType string // default: what the manifest says, else an OCI manifest or index
	Manifest  []byte // default: made from repository, platform and seed. The digest is its SHA-256
	Seed      string // two images alike in all else differ by it

	// Children makes this an image index. They are put as well, into the same
	// repository. With Manifest set too, that is the index, byte for byte.
	Children []Image
	// Attestation makes a child a BuildKit attestation manifest: platform
	// unknown/unknown, and the annotations that say which sibling it is about.
	Attestation bool

	Archived bool // in archive storage: neither pulled nor scanned

	// Scans is what DescribeImageScanFindings answers, see Scan. Empty:
	// ScanNotFoundException.
	Scans []Scan
	// RescanTo takes the place of Scans once StartImageScan succeeded. Empty:
	// the image stays IN_PROGRESS.
	RescanTo []Scan
}
