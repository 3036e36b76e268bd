package ecr

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// StartScan starts a basic scan. That one was started within the last 24 hours
// is no error where there is no result yet: it is on its way.
func (s *Source) StartScan(ctx context.Context, img gate.Image, m gate.Manifest) error {
	client, h, err := s.client(img)
	if err != nil {
		return err
	}
	ctx, cancel := s.call(ctx)
	defer cancel()
	_, err = client.StartImageScan(ctx, &ecr.StartImageScanInput{
		RegistryId:     aws.String(h.account),
		RepositoryName: aws.String(img.Repository),
		ImageId:        &types.ImageIdentifier{ImageDigest: aws.String(m.Digest)},
	})
	if err != nil {
		return startTrouble(err)
	}
	return nil
}

// startTrouble reads why no scan was started.
func startTrouble(err error) *gate.Trouble {
	t := trouble(err)
	if code(err) == "ValidationException" {
		t.Cause, t.Passing = gate.TooOld, false
		t.Text = "the registry uses enhanced scanning, which starts its scans by itself"
		t.Mend = "push it again, or drop startScan"
	}
	return t
}
