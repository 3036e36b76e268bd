package ecr

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// Examination asks AWS whether a gate can read scans, and says what is in the way.
// It asks as the gate itself does, by the same calls, and changes nothing.
type Examination struct {
	Config     aws.Config
	Registries []Registry
	Policies   []gate.Policy
	// Polls says that jobs are polled too, for which a Region has to be set.
	Polls   bool
	Timeout time.Duration    // of one AWS call; 0: DefaultCallTimeout
	Now     func() time.Time // nil: time.Now

	source   *Source
	caller   doctor.Caller
	locked   map[string]bool // roles that cannot be taken on
	scanning map[clientKey]*scanning
}

// Access is whether AWS can be asked at all.
type Access uint8

// The zero value is none.
const (
	NoCredentials  Access = iota // there are none: nothing could be asked
	BadCredentials               // AWS does not accept them, or they cannot be fetched
	Usable
)

// atATime is how many images are looked at side by side.
const atATime = 4

// Run looks at credentials, registries and images. The results are in that order,
// however long each took; done is told of each image. Without images it looks at
// what can be asked without one, and says so.
func (e *Examination) Run(ctx context.Context, images []gate.Image, done func()) ([]doctor.Result, Access) {
	e.begin()
	sheet := doctor.On("AWS")
	access := e.identify(ctx, sheet, images)
	if access == Usable {
		e.roles(ctx, sheet, images)
	}
	if len(images) == 0 {
		sheet.Warning("images", "none was named, so access to repositories, scan rules and scans were not looked at", "name one image of each repository: ecr-gate doctor IMAGE...")
	}
	results := sheet.Results()
	if access != Usable {
		return results, access
	}
	places := e.places(images)
	results = append(results, inOrder(len(places), func(i int) []doctor.Result { return e.registry(ctx, places[i]) })...)
	return append(results, inOrder(len(images), func(i int) []doctor.Result {
		defer done()
		return e.image(ctx, images[i])
	})...), access
}

// Caller is who asked, as far as AWS said so.
func (e *Examination) Caller() doctor.Caller { return e.caller }

func (e *Examination) begin() {
	if e.Timeout == 0 {
		e.Timeout = DefaultCallTimeout
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	e.source = NewSource(e.Config, e.Registries, CallTimeout(e.Timeout))
	e.locked = map[string]bool{}
	e.scanning = map[clientKey]*scanning{}
}

// inOrder runs n examinations side by side and returns their results one after the
// other.
func inOrder(n int, examine func(i int) []doctor.Result) []doctor.Result {
	parts := make([][]doctor.Result, n)
	var group errgroup.Group
	group.SetLimit(atATime)
	for i := range n {
		group.Go(func() error {
			parts[i] = examine(i)
			return nil
		})
	}
	_ = group.Wait() // the goroutines return no errors
	return slices.Concat(parts...)
}

// places are the registries to look at: those of the images, then those of the
// configuration, and where there are none, our own. Of other accounts' registries
// nothing can be asked without a role.
func (e *Examination) places(images []gate.Image) []clientKey {
	var list []clientKey
	add := func(key clientKey) {
		if key.account != "" && key.region != "" && !e.foreign(key) && !e.locked[key.role] && e.scanning[key] == nil {
			e.scanning[key] = &scanning{}
			list = append(list, key)
		}
	}
	for _, img := range images {
		if _, key, err := e.find(img); err == nil {
			add(key)
		}
	}
	for _, r := range e.Registries {
		for _, region := range e.regionsOf(r) {
			add(clientKey{r.Account, region, r.AssumeRoleARN})
		}
	}
	if len(list) == 0 && len(e.Registries) == 0 && len(images) == 0 {
		add(clientKey{account: e.caller.Account, region: e.Config.Region})
	}
	return list
}

// regionsOf are a registry's Regions, or ours where any will do.
func (e *Examination) regionsOf(r Registry) []string {
	if len(r.Regions) == 0 {
		return []string{e.Config.Region}
	}
	return r.Regions
}

// find is the client for an image, and what tells it from others.
func (e *Examination) find(img gate.Image) (*ecr.Client, clientKey, error) {
	client, h, err := e.source.client(img)
	if err != nil {
		return nil, clientKey{}, err
	}
	registry, _ := e.source.listed(h)
	return client, clientKey{h.account, h.region, registry.AssumeRoleARN}, nil
}

// foreign reports whether a registry is another account's than that we ask as.
func (e *Examination) foreign(key clientKey) bool {
	asked := e.caller.Account
	if key.role != "" {
		asked = accountOf(key.role)
	}
	return asked != "" && asked != key.account
}

// accountOf is the account in an ARN.
func accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// asks is the principal whose permissions count for a registry: its role, or our
// own.
func (e *Examination) asks(key clientKey) string {
	if key.role != "" {
		return key.role
	}
	return e.caller.Principal()
}

// starts reports whether some policy may start scans. Any may come to judge any
// image: doors and namespaces name policies.
func (e *Examination) starts() bool {
	return slices.ContainsFunc(e.Policies, func(p gate.Policy) bool { return p.StartScan })
}

// policyFor is the policy that judges an image where nobody names another.
func (e *Examination) policyFor(img gate.Image) gate.Policy {
	for _, p := range e.Policies {
		if p.Matches(img) {
			return p
		}
	}
	return gate.Default()
}
