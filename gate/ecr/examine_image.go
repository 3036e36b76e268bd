package ecr

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// imageExamination looks at one image and its repository.
type imageExamination struct {
	*Examination
	sheet    *doctor.Sheet
	img      gate.Image
	key      clientKey
	client   *ecr.Client
	policy   gate.Policy // by which it would be judged
	scanning *scanning   // of its registry
	covered  rule
	hidden   bool // a scan that may well be there is not shown to us
	silent   bool // there is nothing more to be asked
}

func (e *Examination) image(ctx context.Context, img gate.Image) []doctor.Result {
	x := &imageExamination{Examination: e, sheet: doctor.On(img.Written), img: img, policy: e.policyFor(img), scanning: &scanning{}}
	if x.reach() {
		x.look(ctx)
	}
	return x.sheet.Results()
}

// reach finds the image's registry, if it is one that may be asked.
func (x *imageExamination) reach() bool {
	client, key, err := x.find(x.img)
	var t *gate.Trouble
	if errors.As(err, &t) {
		mend := t.Mend
		if h, ok := parseHost(x.img.Registry); ok && t.Cause == gate.NotListed {
			mend = "add it to the configuration, or use an image from a registry that is listed:\n" +
				"aws: {registries: [..., {account: \"" + h.account + "\", regions: [" + h.region + "]}]}"
		}
		x.sheet.Fault("registry", t.Text, mend)
		return false
	}
	if x.locked[key.role] {
		x.sheet.Unknown("registry", "it was not asked, for its role cannot be taken on", "see role "+key.role+", above")
		return false
	}
	x.client, x.key = client, key
	if known := x.Examination.scanning[key]; known != nil {
		x.scanning = known
	}
	return true
}

func (x *imageExamination) look(ctx context.Context) {
	resolved, resolves := x.resolve(ctx)
	if x.silent {
		return
	}
	x.rule(ctx)
	if x.findings(ctx, resolved.Manifests) && x.starts() {
		x.start(ctx)
	}
	if x.foreign(x.key) {
		x.account(resolves)
	}
}

// resolve asks for the manifest, as every verdict does first.
func (x *imageExamination) resolve(ctx context.Context) (gate.Resolution, bool) {
	resolved, err := x.source.Resolve(ctx, x.img)
	a := asked{"ecr:BatchGetImage", x.repositoryARN(x.key, x.img.Repository), x.key, ""}
	t := troubleOf(err)
	if !x.permission(x.sheet, a, err) {
		x.silent = t.Cause != gate.NoAccess
		return gate.Resolution{}, false
	}
	if t != nil {
		x.silent = t.Cause == gate.NoRepository
		x.unresolved(t)
		return gate.Resolution{}, false
	}
	x.img.Digest = resolved.Digest
	x.sheet.OK("image", x.described(resolved))
	return resolved, true
}

// unresolved notes an answer without a manifest.
func (x *imageExamination) unresolved(t *gate.Trouble) {
	const check = "image"
	switch {
	case strings.Contains(t.Text, string(types.ImageFailureCodeImageInaccessible)): // so it is with archived ones
		id := "imageTag=" + x.img.Tag
		if x.img.Digest != "" {
			id = "imageDigest=" + x.img.Digest
		}
		x.sheet.Fault(check, t.Text+", as it is with images in archive storage", "restore it, which has it scanned again:\n"+x.restoreCommand(id))
	case t.Passing && t.Cause == gate.NotReadable:
		x.sheet.Unknown(check, t.Text, t.Mend)
	default:
		x.sheet.Fault(check, t.Text, t.Mend)
	}
}

// described says what the reference stands for. Of an index nobody may look for a
// scan under its tag.
func (x *imageExamination) described(r gate.Resolution) string {
	if len(r.Manifests) == 1 && r.Manifests[0].Digest == r.Digest {
		return gate.ShortDigest(r.Digest)
	}
	platforms := make([]string, len(r.Manifests))
	for i, m := range r.Manifests {
		platforms[i] = nameOf(m)
	}
	text := gate.ShortDigest(r.Digest) + ", an index of " + strings.Join(platforms, ", ") +
		"; each is judged by its own scan, and attestation manifests are passed over"
	if x.scanning.scanType == gate.Basic {
		text += ". Basic scanning has no scan of the index itself: asked by tag, ECR says ScanNotFoundException, which is no fault"
	}
	return text
}

// nameOf is what people call one manifest of an index.
func nameOf(m gate.Manifest) string {
	if m.Platform == "" {
		return gate.ShortDigest(m.Digest)
	}
	return m.Platform
}

// findings reads the scans; where the manifests are not known, it asks for that of an
// image that is not there, which tells whether it may. False: ECR gave no answer, so
// it need not be asked more.
func (x *imageExamination) findings(ctx context.Context, manifests []gate.Manifest) bool {
	a := asked{"ecr:DescribeImageScanFindings", x.repositoryARN(x.key, x.img.Repository), x.key, ""}
	if len(manifests) == 0 {
		_, err := x.source.Scan(ctx, x.img, gate.Manifest{Digest: digestOfNothing})
		x.hidden = !x.permission(x.sheet, a, err)
		return true
	}
	for i, m := range manifests {
		scan, err := x.source.Scan(ctx, x.img, m)
		if i == 0 && !x.permission(x.sheet, a, err) {
			x.hidden = true
			return troubleOf(err).Cause == gate.NoAccess
		}
		if err != nil {
			scan = gate.Scan{Trouble: troubleOf(err)}
		}
		scan.Platform, scan.Digest = m.Platform, m.Digest
		x.scan(ctx, m, scan)
	}
	return true
}

// start asks for a scan of what is not there. The image's own policy may not be the
// one that starts scans: doors and namespaces name others.
func (x *imageExamination) start(ctx context.Context) {
	a := asked{"ecr:StartImageScan", x.repositoryARN(x.key, x.img.Repository), x.key, ""}
	if !x.policy.StartScan {
		a.optional = "policy " + x.policy.Name + ", which is for this image, starts no scan, but another one does"
	}
	if x.scanning.scanType == gate.Enhanced {
		x.sheet.OK(a.action, "not needed here: enhanced scanning starts its scans by itself")
		return
	}
	x.permission(x.sheet, a, x.source.StartScan(ctx, x.img, gate.Manifest{Digest: digestOfNothing}))
}

// account notes an image of another account that is asked for without a role there.
func (x *imageExamination) account(resolves bool) {
	found := fmt.Sprintf("it is in account %s, and we ask as %s", x.key.account, x.asks(x.key))
	if !resolves || x.hidden {
		x.sheet.Fault("account", found+": enhanced scans are shown to the registry's own account only (to others ECR says that there is none), and all else only where the repository's policy allows it", x.crossAccount(x.key))
		return
	}
	x.sheet.Warning("account", found+", which works for as long as the registry uses basic scanning", x.crossAccount(x.key))
}
