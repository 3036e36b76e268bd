package ecr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Bounds that hold whatever a registry answers.
const (
	// maxManifests is how many platforms an index may have; the largest official
	// images have about twenty, attestations included.
	maxManifests = 64
	// maxIndexEntries bounds the index itself, attestations and all.
	maxIndexEntries = 2 * maxManifests
	// maxManifestBytes is ECR's own limit for a manifest (service quotas: 4 MiB).
	maxManifestBytes = 4 << 20
	// maxPages is how many pages of findings are read: 100,000 enhanced findings.
	maxPages = 1000
	// DefaultCallTimeout is the time one call may take, retries included.
	DefaultCallTimeout = 5 * time.Second
)

// Registry is one that may be asked, and as whom.
type Registry struct {
	Account       string   // 12 digits
	Regions       []string // empty: any
	AssumeRoleARN string   // empty: as ourselves
}

func (r Registry) includes(h host) bool {
	return r.Account == h.account && (len(r.Regions) == 0 || slices.Contains(r.Regions, h.region))
}

// Source reads ECR. It implements [gate.Source], is safe for concurrent use and
// keeps one client per registry account, Region and role.
type Source struct {
	config     aws.Config
	registries []Registry
	timeout    time.Duration

	answers answers
	mu      sync.Mutex
	clients map[clientKey]*ecr.Client
}

type clientKey struct{ account, region, role string }

// Option changes how a Source works.
type Option func(*Source)

// CallTimeout bounds one AWS call, retries included; [DefaultCallTimeout] if not
// given. The caller's own deadline holds besides.
func CallTimeout(d time.Duration) Option { return func(s *Source) { s.timeout = d } }

// NewSource reads the registries listed, and no other; with none listed, every
// private ECR registry, as ourselves.
func NewSource(config aws.Config, registries []Registry, options ...Option) *Source {
	s := &Source{
		config:     config.Copy(),
		registries: registries,
		timeout:    DefaultCallTimeout,
		answers:    answers{make(chan struct{}, maxLargeAnswers)},
		clients:    map[clientKey]*ecr.Client{},
	}
	s.config.Retryer = newRetryer
	for _, o := range options {
		o(s)
	}
	return s
}

// newRetryer is the SDK's standard one, with two exceptions. A used-up quota is
// final: the SDK takes LimitExceededException for throttling (aws/retry/standard.go),
// ECR says it for "one scan per image in 24 hours". And an answer that cannot be read
// is asked for again: it broke off, which is a connection lost, or something between
// us and ECR gave it.
func newRetryer() aws.Retryer {
	ours := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		switch {
		case code(err) == "LimitExceededException":
			return aws.FalseTernary
		case errors.As(err, new(*smithy.DeserializationError)):
			return aws.TrueTernary
		default:
			return aws.UnknownTernary
		}
	})
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = append([]retry.IsErrorRetryable{ours}, o.Retryables...)
	})
}

// maxClients bounds the clients kept: with no registries listed, image names
// choose account and Region.
const maxClients = 256

// client finds the client for an image's registry, and refuses every registry
// that is not ECR or not listed before anything is sent.
func (s *Source) client(img gate.Image) (*ecr.Client, host, error) {
	h, ok := parseHost(img.Registry)
	if name, _, port := strings.Cut(img.Registry, ":"); port {
		// To a client that goes another way (a proxy, a mirror) it may be ECR all the same.
		if _, isECR := parseHost(name); isECR {
			return nil, host{}, &gate.Trouble{
				Cause: gate.BadReference,
				Text:  "it names a port, and an ECR registry has none but 443",
				Mend:  "leave the port out",
			}
		}
	}
	if !ok {
		return nil, host{}, &gate.Trouble{
			Cause: gate.NotECR,
			Text:  "it is not in a private Amazon ECR registry",
			Mend:  "push it to ECR, where it is scanned",
		}
	}
	registry, ok := s.listed(h)
	if !ok {
		return nil, host{}, &gate.Trouble{
			Cause: gate.NotListed,
			Text:  fmt.Sprintf("account %s in %s is not among the configured registries", h.account, h.region),
			Mend:  "add it under aws.registries, or use an image from one that is listed",
		}
	}
	return s.clientFor(clientKey{h.account, h.region, registry.AssumeRoleARN}), h, nil
}

func (s *Source) listed(h host) (Registry, bool) {
	if len(s.registries) == 0 {
		return Registry{Account: h.account}, true
	}
	for _, r := range s.registries {
		if r.includes(h) {
			return r, true
		}
	}
	return Registry{}, false
}

func (s *Source) clientFor(key clientKey) *ecr.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[key]; ok {
		return c
	}
	for other := range s.clients {
		if len(s.clients) < maxClients {
			break
		}
		delete(s.clients, other) // one of them, whichever: it is made anew if need be
	}
	config := s.config.Copy()
	config.Region = key.region
	if key.role != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(config), key.role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "ecr-gate"
		})
		config.Credentials = aws.NewCredentialsCache(role)
	}
	c := ecr.NewFromConfig(config, func(o *ecr.Options) { o.APIOptions = append(o.APIOptions, s.answers.watch) })
	s.clients[key] = c
	return c
}

// call bounds one AWS call by the source's own deadline.
func (s *Source) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}
