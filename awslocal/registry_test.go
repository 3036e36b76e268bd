package awslocal_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func TestIndexHasNoScanItself(t *testing.T) {
	s := start(t, awslocal.Options{})
	complete := []awslocal.Scan{{Status: "COMPLETE", CompletedAt: noon}}
	index := s.PutImage(awslocal.Image{
		Repository: "shop/api", Tags: []string{"v1"}, Scans: complete,
		Children: []awslocal.Image{
			{Platform: "linux/amd64", Scans: complete},
			{Platform: "linux/arm64/v8", Scans: complete},
			{Attestation: true}, {Attestation: true},
		},
	})
	client := ecrClient(s)
	_, err := client.DescribeImageScanFindings(t.Context(), describe("shop/api", index))
	wantError[*ecrtypes.ScanNotFoundException](t, err)

	out, err := client.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
		RepositoryName: aws.String("shop/api"), ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v1")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Manifests []struct {
			Digest      string
			Platform    struct{ OS, Architecture, Variant string }
			Annotations map[string]string
		}
	}
	if err := json.Unmarshal([]byte(*out.Images[0].ImageManifest), &got); err != nil {
		t.Fatal(err)
	}
	children := s.ChildDigests("shop/api", index)
	if len(got.Manifests) != 4 || len(children) != 4 {
		t.Fatalf("%d manifests, %d children, want 4", len(got.Manifests), len(children))
	}
	arm, attestation := got.Manifests[1], got.Manifests[3]
	if arm.Platform.Architecture != "arm64" || arm.Platform.Variant != "v8" {
		t.Errorf("second platform is %+v", arm.Platform)
	}
	want := map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": arm.Digest}
	if diff := cmp.Diff(want, attestation.Annotations); diff != "" || attestation.Platform.OS != "unknown" {
		t.Errorf("attestation %+v: %s", attestation, diff)
	}
	for _, child := range children[:2] {
		if _, err := client.DescribeImageScanFindings(t.Context(), describe("shop/api", child)); err != nil {
			t.Errorf("scan of a child: %v", err)
		}
	}
}

func TestBatchGetImage(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"v1"}})
	other := s.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"v2"}, Seed: "2"})
	out, err := ecrClient(s).BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
		RepositoryName: aws.String("shop/api"),
		ImageIds: []ecrtypes.ImageIdentifier{
			{ImageTag: aws.String("v1")},
			{ImageDigest: &digest},
			{ImageTag: aws.String("gone")},
			{ImageTag: aws.String("v1"), ImageDigest: &other},
			{ImageDigest: aws.String("nonsense")},
			{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range out.Images {
		if sum := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(*img.ImageManifest))); sum != digest || *img.ImageId.ImageDigest != digest {
			t.Errorf("manifest has digest %s and is called %s, want %s", sum, *img.ImageId.ImageDigest, digest)
		}
	}
	var failures []string
	for _, f := range out.Failures {
		failures = append(failures, string(f.FailureCode))
	}
	want := []string{"ImageNotFound", "ImageTagDoesNotMatchDigest", "InvalidImageDigest", "MissingDigestAndTag"}
	if diff := cmp.Diff(want, failures); diff != "" || len(out.Images) != 2 {
		t.Errorf("%d images, failures:\n%s", len(out.Images), diff)
	}
}

func TestAcceptedMediaTypes(t *testing.T) {
	const oci, docker = "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"v1"}, MediaType: docker})
	tests := map[string]struct {
		id       ecrtypes.ImageIdentifier
		accepted []string
		want     string
	}{
		"anything":             {ecrtypes.ImageIdentifier{ImageDigest: &digest}, nil, docker},
		"as stored":            {ecrtypes.ImageIdentifier{ImageDigest: &digest}, []string{oci, docker}, docker},
		"translated by tag":    {ecrtypes.ImageIdentifier{ImageTag: aws.String("v1")}, []string{oci}, oci},
		"but not by digest":    {ecrtypes.ImageIdentifier{ImageDigest: &digest}, []string{oci}, ""},
		"nor into other types": {ecrtypes.ImageIdentifier{ImageTag: aws.String("v1")}, []string{"text/plain"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := ecrClient(s).BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
				RepositoryName: aws.String("shop/api"), ImageIds: []ecrtypes.ImageIdentifier{test.id}, AcceptedMediaTypes: test.accepted,
			})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(out.Images) > 0 {
				got = *out.Images[0].ImageManifestMediaType
			}
			if got != test.want {
				t.Errorf("media type %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"v1"}})
	client := ecrClient(s)

	_, err := client.DescribeImageScanFindings(t.Context(), describe("shop/web", digest))
	if e := wantError[*ecrtypes.RepositoryNotFoundException](t, err); !strings.Contains(e.ErrorMessage(), "registry with id '111122223333'") {
		t.Errorf("message is %q", e.ErrorMessage())
	}
	_, err = client.DescribeImageScanFindings(t.Context(), describe("shop/api", "sha256:00"))
	wantError[*ecrtypes.ImageNotFoundException](t, err)
	_, err = client.DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	wantError[*ecrtypes.ScanNotFoundException](t, err)

	s.DeleteImage(s.RegistryHost()+"/shop/api", digest)
	_, err = client.DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	wantError[*ecrtypes.ImageNotFoundException](t, err)
}

func TestRequestsAreValidated(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api"})
	tests := map[string]func(*ecr.DescribeImageScanFindingsInput){
		"repository in upper case": func(in *ecr.DescribeImageScanFindingsInput) { in.RepositoryName = aws.String("Shop/API") },
		"repository too short":     func(in *ecr.DescribeImageScanFindingsInput) { in.RepositoryName = aws.String("a") },
		"repository too long":      func(in *ecr.DescribeImageScanFindingsInput) { in.RepositoryName = aws.String(strings.Repeat("a", 257)) },
		"no digest at all":         func(in *ecr.DescribeImageScanFindingsInput) { in.ImageId.ImageDigest = nil },
		"malformed digest":         func(in *ecr.DescribeImageScanFindingsInput) { in.ImageId.ImageDigest = aws.String("v1") },
		"tag too long": func(in *ecr.DescribeImageScanFindingsInput) {
			in.ImageId.ImageTag = aws.String(strings.Repeat("a", 301))
		},
		"account of 11 digits": func(in *ecr.DescribeImageScanFindingsInput) { in.RegistryId = aws.String("11112222333") },
		"no results":           func(in *ecr.DescribeImageScanFindingsInput) { in.MaxResults = aws.Int32(0) },
		"too many results":     func(in *ecr.DescribeImageScanFindingsInput) { in.MaxResults = aws.Int32(1001) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			in := describe("shop/api", digest)
			spoil(in)
			_, err := ecrClient(s).DescribeImageScanFindings(t.Context(), in)
			wantError[*ecrtypes.InvalidParameterException](t, err)
		})
	}
}

func TestTagMoves(t *testing.T) {
	s := start(t, awslocal.Options{})
	old := s.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"v1"}, Seed: "old"})
	renewed := s.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"v1"}, Seed: "new"})
	tagged := func() string {
		out, err := ecrClient(s).DescribeImages(t.Context(), &ecr.DescribeImagesInput{
			RepositoryName: aws.String("shop/api"), ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v1")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ImageDetails[0].ImageDigest
	}
	if got := tagged(); got != renewed {
		t.Errorf("v1 is %s, want %s", got, renewed)
	}
	s.MoveTag("shop/api", "v1", old)
	if got := tagged(); got != old {
		t.Errorf("after MoveTag v1 is %s, want %s", got, old)
	}
}

func TestDescribeImagesListsActiveOnes(t *testing.T) {
	s := start(t, awslocal.Options{})
	for _, seed := range []string{"1", "2", "3"} {
		s.PutImage(awslocal.Image{Repository: "shop/api", Seed: seed})
	}
	s.PutImage(awslocal.Image{Repository: "shop/api", Seed: "archived", Archived: true})
	listed := 0
	paginator := ecr.NewDescribeImagesPaginator(ecrClient(s), &ecr.DescribeImagesInput{
		RepositoryName: aws.String("shop/api"), MaxResults: aws.Int32(2),
	})
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listed += len(page.ImageDetails)
	}
	if listed != 3 {
		t.Errorf("%d images listed, want 3", listed)
	}
}

func TestStartImageScan(t *testing.T) {
	now := noon
	s := start(t, awslocal.Options{Now: func() time.Time { return now }})
	old := []awslocal.Scan{{Status: "COMPLETE", CompletedAt: noon.Add(-48 * time.Hour)}}
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: old, RescanTo: []awslocal.Scan{
		{Status: "IN_PROGRESS"}, {Status: "COMPLETE", CompletedAt: noon},
	}})
	client := ecrClient(s)
	in := &ecr.StartImageScanInput{RepositoryName: aws.String("shop/api"), ImageId: &ecrtypes.ImageIdentifier{ImageDigest: &digest}}
	out, err := client.StartImageScan(t.Context(), in)
	if err != nil || out.ImageScanStatus.Status != ecrtypes.ScanStatusInProgress {
		t.Fatalf("got %+v, %v; want IN_PROGRESS", out, err)
	}
	for _, want := range []ecrtypes.ScanStatus{"IN_PROGRESS", "COMPLETE", "COMPLETE"} {
		scan, err := client.DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
		if err != nil || scan.ImageScanStatus.Status != want {
			t.Fatalf("got %+v, %v; want %s", scan, err, want)
		}
	}
	now = noon.Add(23 * time.Hour)
	_, err = client.StartImageScan(t.Context(), in)
	if e := wantError[*ecrtypes.LimitExceededException](t, err); e.ErrorMessage() != "The scan quota per image has been exceeded. Wait and try again." {
		t.Errorf("message is %q", e.ErrorMessage())
	}
	now = noon.Add(24 * time.Hour)
	if _, err = client.StartImageScan(t.Context(), in); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func TestStartImageScanRefused(t *testing.T) {
	s := start(t, awslocal.Options{Now: func() time.Time { return noon }})
	tests := map[string]struct {
		img  awslocal.Image
		code string
	}{
		"never scanned":   {awslocal.Image{}, ""},
		"just pushed":     {awslocal.Image{Scans: []awslocal.Scan{{Status: "FAILED"}}}, "LimitExceededException"},
		"an index":        {awslocal.Image{Children: []awslocal.Image{{}}}, "UnsupportedImageTypeException"},
		"archived":        {awslocal.Image{Archived: true}, "ImageArchivedException"},
		"enhanced":        {awslocal.Image{Account: "444455556666"}, "ValidationException"},
		"scan long since": {awslocal.Image{Scans: []awslocal.Scan{{Status: "COMPLETE", CompletedAt: noon.Add(-25 * time.Hour)}}}, ""},
	}
	s.SetScanType("444455556666", "ENHANCED")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.img.Repository, test.img.Seed = "shop/api", name
			digest := s.PutImage(test.img)
			in := &ecr.StartImageScanInput{RepositoryName: aws.String("shop/api"), ImageId: &ecrtypes.ImageIdentifier{ImageDigest: &digest}}
			if test.img.Account != "" {
				in.RegistryId = &test.img.Account
			}
			_, err := ecrClient(s).StartImageScan(t.Context(), in)
			if test.code != "" {
				wantCode(t, err, test.code)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScanningConfiguration(t *testing.T) {
	s := start(t, awslocal.Options{})
	s.CreateRepository("shop/api")
	s.SetScanType("", "ENHANCED")
	out, err := ecrClient(s).GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{})
	if err != nil || out.ScanningConfiguration.ScanType != ecrtypes.ScanTypeEnhanced {
		t.Errorf("got %+v, %v; want ENHANCED", out, err)
	}
	repositories, err := ecrClient(s).BatchGetRepositoryScanningConfiguration(t.Context(),
		&ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"shop/api", "shop/web"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(repositories.ScanningConfigurations) != 1 || len(repositories.Failures) != 1 {
		t.Errorf("%d found, %d missing, want one each", len(repositories.ScanningConfigurations), len(repositories.Failures))
	}
}

func TestArchivedImage(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Archived: true})
	out, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	if err != nil || out.ImageScanStatus.Status != "IMAGE_ARCHIVED" {
		t.Errorf("got %+v, %v; want IMAGE_ARCHIVED", out, err)
	}
}

func TestRegionsAreApart(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Region: "us-east-1", Repository: "shop/api"})
	_, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	wantError[*ecrtypes.RepositoryNotFoundException](t, err)
	there := ecr.NewFromConfig(impatient(s), func(o *ecr.Options) { o.Region = "us-east-1" })
	_, err = there.DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	wantError[*ecrtypes.ScanNotFoundException](t, err)
}
