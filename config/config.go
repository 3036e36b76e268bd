package config

import (
	"slices"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// What every file says of itself.
const (
	APIVersion = "ecr-gate.dev/v1alpha1"
	Kind       = "Config"
)

// The words that several keys take.
const (
	Auto  = "auto" // the first policy whose match fits
	None  = "none" // no policy: do not judge
	Allow = "allow"
	Warn  = "warn"
	Deny  = "deny"
)

// Faults is everything wrong, in file order, one sentence each.
type Faults = strict.Faults

// Config is the configuration file of ecr-gate. A block that is left out leaves
// that door shut.
type Config struct {
	// The version of this format: ecr-gate.dev/v1alpha1.
	APIVersion string `json:"apiVersion" jsonschema:"enum=ecr-gate.dev/v1alpha1"`
	// What the file is: Config.
	Kind string `json:"kind" jsonschema:"enum=Config"`
	// How AWS is asked.
	AWS AWS `json:"aws,omitzero"`
	// What is tolerated. The first policy whose match fits an image is used,
	// unless a door names one. An image that none matches is judged by the
	// built-in one: no CRITICAL, no HIGH, untriaged as HIGH.
	Policies []Policy `json:"policies,omitempty"`
	// Findings that somebody has looked at and lets pass.
	Exceptions Exceptions `json:"exceptions,omitzero"`
	// The admission webhook in the cluster. Left out: no webhook.
	Webhook *Webhook `json:"webhook,omitempty"`
	// The CodePipeline job worker. Left out: no job is polled.
	Pipeline *Pipeline `json:"pipeline,omitempty"`

	// Warnings are what is allowed and yet probably not meant, one sentence each,
	// with file and path. Not part of the file.
	Warnings []string `json:"-"`

	exceptions []gate.Exception
}

// AWS says how AWS is asked. Endpoints and credentials come from the SDK's own
// environment and files.
type AWS struct {
	// The AWS Region in which jobs are polled, as eu-west-1. Default: what the AWS
	// SDK finds.
	Region string `json:"region,omitempty" jsonschema:"pattern=^[a-z]{2\\,}(-[a-z]+)+-[0-9]+$"`
	// Which registries may be asked, and as whom. Empty: any private ECR registry,
	// as ourselves.
	Registries []Registry `json:"registries,omitempty"`
}

// Registry is an ECR registry that may be asked.
type Registry struct {
	// The AWS account of the registry: 12 digits, in quotes, for a YAML number
	// loses its leading zeros.
	Account string `json:"account" jsonschema:"pattern=^[0-9]{12}$"`
	// The AWS Regions of the registry. Empty: any.
	Regions []string `json:"regions,omitempty"`
	// The IAM role to assume for asking. Empty: ask as ourselves.
	AssumeRoleARN string `json:"assumeRoleARN,omitempty" jsonschema:"pattern=^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"`
}

// Exceptions says where exceptions are and what each must have.
type Exceptions struct {
	// The exception files, relative to this file: YAML like .trivyignore.yaml,
	// plain .trivyignore, OpenVEX.
	Files []string `json:"files,omitempty"`
	// What every entry must have: any of statement, expired_at, owner, ticket.
	// Default: nothing.
	Require []string `json:"require,omitempty" jsonschema:"enum=statement,enum=expired_at,enum=owner,enum=ticket"`
	// The most that an entry's end may be away; an entry without an end is then a
	// fault, and an OpenVEX statement lapses so long after its timestamp. 0 or
	// left out: any time.
	MaxLifetime time.Duration `json:"maxLifetime,omitempty"`
}

// Webhook is the admission webhook. enforce, warn and audit hold for namespaces
// without a label of that mode, each naming a policy, auto (the first whose
// match fits) or none.
type Webhook struct {
	// Rejects pods whose images are not clean: auto, none or a policy's name.
	// Default: auto.
	Enforce string `json:"enforce,omitempty" jsonschema:"default=auto"`
	// Lets pods in with a warning: auto, none or a policy's name. Default: none.
	Warn string `json:"warn,omitempty" jsonschema:"default=none"`
	// Lets pods in with an audit annotation: auto, none or a policy's name.
	// Default: none.
	Audit string `json:"audit,omitempty" jsonschema:"default=none"`
	// What becomes of images that are not in a private ECR registry: allow, warn
	// or deny. Default: allow.
	NonECRImages string `json:"nonECRImages,omitempty" jsonschema:"enum=allow,enum=warn,enum=deny,default=allow"`
	// What becomes of images that could not be checked: deny or warn. Default:
	// deny.
	OnUnavailable string `json:"onUnavailable,omitempty" jsonschema:"enum=deny,enum=warn,default=deny"`
	// Whether namespaces are watched for their labels. false: enforce, warn and
	// audit above hold everywhere. Default: true.
	NamespaceLabels bool `json:"namespaceLabels,omitempty" jsonschema:"default=true"`
}

// SetDefaults sets what holds for keys that are left out.
func (w *Webhook) SetDefaults() {
	*w = Webhook{Enforce: Auto, Warn: None, Audit: None, NonECRImages: Allow, OnUnavailable: Deny, NamespaceLabels: true}
}

// Pipeline is the CodePipeline job worker.
type Pipeline struct {
	// The custom action type whose jobs are taken.
	ActionType ActionType `json:"actionType,omitzero"`
	// The most that a job waits for a finished scan: more than 0, at most 23h, for
	// CodePipeline ends a custom action after 24 h. Default: 20m.
	MaxWait time.Duration `json:"maxWait,omitempty" jsonschema:"default=20m"`
	// How often jobs are polled, with jitter: 1s to 5m. Default: 5s.
	PollInterval time.Duration `json:"pollInterval,omitempty" jsonschema:"default=5s"`
	// How many jobs are worked on at once: 1 to 100. Default: 10.
	Concurrency int `json:"concurrency,omitempty" jsonschema:"minimum=1,maximum=100,default=10"`
}

// SetDefaults sets what holds for keys that are left out.
func (p *Pipeline) SetDefaults() {
	*p = Pipeline{
		ActionType:   ActionType{Category: "Test", Provider: "EcrGate", Version: "1"},
		MaxWait:      20 * time.Minute,
		PollInterval: 5 * time.Second,
		Concurrency:  10,
	}
}

// ActionType is a custom action type of CodePipeline.
type ActionType struct {
	// Build, Deploy, Test or Invoke. Default: Test.
	Category string `json:"category,omitempty" jsonschema:"enum=Build,enum=Deploy,enum=Test,enum=Invoke,default=Test"`
	// At most 25 of 0-9 A-Z a-z _ and -. Default: EcrGate.
	Provider string `json:"provider,omitempty" jsonschema:"pattern=^[0-9A-Za-z_-]{1\\,25}$,default=EcrGate"`
	// At most 9 of 0-9 A-Z a-z _ and -, in quotes. Default: "1".
	Version string `json:"version,omitempty" jsonschema:"pattern=^[0-9A-Za-z_-]{1\\,9}$,default=1"`
}

// Default is what holds without a file: no door, and for every image the
// built-in policy ([gate.Default]), which is not listed among the policies.
func Default() *Config { return &Config{APIVersion: APIVersion, Kind: Kind} }

// GatePolicies returns the policies in order, the built-in one not among them.
func (c *Config) GatePolicies() []gate.Policy {
	policies := make([]gate.Policy, len(c.Policies))
	for i, p := range c.Policies {
		policies[i] = p.gate()
	}
	return policies
}

// GateExceptions returns the exceptions of all files in order. A Config from
// [Parse] or [Default] has none.
func (c *Config) GateExceptions() []gate.Exception { return slices.Clone(c.exceptions) }
