package e2e_test

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/e2e/image"
)

const registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"

// ware is an image of the shop, and what ECR says of it.
type ware struct {
	repository, tag string
	scans           []awslocal.Scan
}

func (w ware) name() string { return registry + "/" + w.repository + ":" + w.tag }

var (
	clean     = ware{"shop/api", "1.4", scanned()}
	tools     = ware{"shop/tools", "3", scanned()}
	bad       = ware{"shop/web", "1.4", scanned(openssl)}
	worse     = ware{"shop/legacy", "0.9", scanned(openssl, libssl)}
	unscanned = ware{"shop/new", "1", nil}

	wares = []ware{clean, tools, bad, worse, unscanned}
)

var (
	openssl = awslocal.EnhancedFinding{ID: "CVE-2026-1234", Severity: "CRITICAL", Fix: "YES",
		Packages: []awslocal.Package{{Name: "openssl", Version: "3.0.7", Release: "1", Manager: "OS", FixedIn: "3.0.15-1"}}}
	libssl = awslocal.EnhancedFinding{ID: "CVE-2026-1235", Severity: "CRITICAL", Fix: "YES",
		Packages: []awslocal.Package{{Name: "libssl3", Version: "3.0.7", Release: "1", Manager: "OS", FixedIn: "3.0.15-1"}}}
)

func scanned(findings ...awslocal.EnhancedFinding) []awslocal.Scan {
	done := time.Now().Add(-time.Hour)
	if findings == nil {
		findings = []awslocal.EnhancedFinding{} // a list, and nothing in it
	}
	return []awslocal.Scan{{Status: "ACTIVE", CompletedAt: done, SourceUpdatedAt: done, EnhancedFindings: findings}}
}

// shopImages are the wares as images, by the names they have in ECR. All of them run.
func shopImages(program string) (map[string]v1.Image, error) {
	images := map[string]v1.Image{}
	for _, w := range wares {
		img, err := image.OfProgram(program, w.repository)
		if err != nil {
			return nil, err
		}
		images[w.name()] = img
	}
	return images, nil
}

// stock puts the wares into ECR, byte for byte as the node has them.
func stock(aws *awslocal.Server, images map[string]v1.Image) error {
	for _, w := range wares {
		manifest, err := images[w.name()].RawManifest()
		if err != nil {
			return err
		}
		want, err := images[w.name()].Digest()
		if err != nil {
			return err
		}
		got := aws.PutImage(awslocal.Image{Repository: w.repository, Tags: []string{w.tag}, Manifest: manifest, Scans: w.scans})
		if got != want.String() {
			return fmt.Errorf("%s has digest %s in ECR and %s on the node", w.name(), got, want)
		}
	}
	return nil
}
