package awslocal

import "time"

// Scan is one step of an image's scripted scan.
//
// Every read from the start (a request without nextToken, an SDK retry
// included) moves one step on, and the last step stays. If any step says
// After, the clock moves them instead of the reads.
type Scan struct {
	// After makes the step current this long after the image was put, or after
	// StartImageScan for a step of RescanTo, by Options.Now.
	After time.Duration

	Error        string // an AWS error code to answer with, such as ScanNotFoundException
	ErrorMessage string
	HTTPStatus   int // of the error; default 400

	Status      string
	Description string

	CompletedAt     time.Time // zero: left out
	SourceUpdatedAt time.Time // zero: left out

	// Of both lists nil leaves the key out; empty but not nil is an empty list.
	Findings         []Finding
	EnhancedFindings []EnhancedFinding

	// Counts by severity. nil: counted from the findings if there is a list or
	// a time of completion.
	Counts   map[string]int
	NoCounts bool // leaves findingSeverityCounts out

	// NoImageScanFindings leaves imageScanFindings out, as a FAILED scan does.
	// It is left out too when it would hold nothing.
	NoImageScanFindings bool

	Raw      []byte // answered as it is, with status 200
	PageSize int    // pages smaller than AWS's; 0: AWS's
}

// Finding is a finding of a basic scan: one package of one vulnerability.
type Finding struct {
	Name        string
	Severity    string
	URI         string
	Description string
	Package     string // attribute package_name
	Version     string // attribute package_version
	Attributes  map[string]string
}

// EnhancedFinding is a finding of an enhanced scan (Amazon Inspector); it may
// name several packages.
type EnhancedFinding struct {
	ID            string
	Severity      string
	Status        string // default ACTIVE
	Fix           string // YES, NO or PARTIAL; default: told from the packages
	Exploit       string // YES or NO; default NO
	Title         string // default "ID - package"
	Description   string
	SourceURL     string
	Platform      string // of the image, such as DEBIAN_12
	Related       []string
	FirstObserved time.Time // zero: left out
	Packages      []Package
}

// Package is a vulnerable package of an enhanced finding.
type Package struct {
	Name     string
	Version  string
	Release  string
	Epoch    int
	Arch     string
	Manager  string
	FilePath string
	FixedIn  string // default NotAvailable, Inspector's own word for none
}
