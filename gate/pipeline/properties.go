package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
)

// properties are the action's configuration keys: ten, CodePipeline's limit.
// A description may have 160 characters.
var properties = []struct{ name, description string }{
	{"Image", "Full image URI, by tag or digest; may be a pipeline variable"},
	{"Repository", "ECR repository name; needs ImageDigest or ImageTag"},
	{"ImageDigest", "Digest of the image in Repository, sha256:..."},
	{"ImageTag", "Tag of the image in Repository, if there is no ImageDigest"},
	{"RegistryId", "Account of the registry; default: the pipeline's account"},
	{"Region", "Region of the registry; default: the pipeline's Region"},
	{"File", "File of the input artifact to read; default: imageDetail.json and imagedefinitions.json"},
	{"Policy", "Name of the ecr-gate policy; default: the first that matches"},
	{"Mode", "enforce (default) or warn: report, but do not fail"},
	{"MaxWait", "Minutes to wait for the scan; default: as ecr-gate is configured"},
}

// longestWait leaves room below CodePipeline's own limit: a custom action ends
// after 24 hours.
const longestWait = 23 * time.Hour

// order is what a job asks for.
type order struct {
	images  []string // from the properties; artifacts may add more
	file    string   // empty: the usual names
	policy  string
	warn    bool
	maxWait time.Duration
}

// mistake is a fault in the job's own configuration: a ConfigurationError.
type mistake string

func (m mistake) Error() string { return string(m) }

func mistakef(format string, args ...any) error { return mistake(fmt.Sprintf(format, args...)) }

// place is where a job runs; images of a bare repository are looked for there.
type place struct{ account, region string }

// readOrder reads the properties. Empty ones count as not set.
func readOrder(given map[string]string, here place, maxWait time.Duration, registryHost func(account, region string) (string, bool)) (order, error) {
	p := props{}
	for name, value := range given {
		if strings.TrimSpace(value) == "" {
			continue
		}
		if !known(name) {
			return order{}, mistakef("property %q is not one of ecr-gate's; did you mean %s?", short(name), nearest(name))
		}
		if strings.Contains(value, "#{") {
			return order{}, mistakef("property %s still holds a variable (%s): the action that sets it must run earlier and have that namespace", name, short(value))
		}
		p[name] = strings.TrimSpace(value)
	}
	o := order{file: p["File"], policy: p["Policy"], maxWait: maxWait}
	var err error
	if o.warn, err = p.warn(); err != nil {
		return order{}, err
	}
	if o.maxWait, err = p.maxWait(maxWait); err != nil {
		return order{}, err
	}
	if image := p["Image"]; image != "" {
		o.images = append(o.images, image)
	}
	image, err := p.repositoryImage(here, registryHost)
	if err != nil {
		return order{}, err
	}
	if image != "" {
		o.images = append(o.images, image)
	}
	return o, nil
}

type props map[string]string

func known(name string) bool {
	for _, p := range properties {
		if p.name == name {
			return true
		}
	}
	return false
}

func nearest(name string) string {
	best := slices.MaxFunc(properties, func(a, b struct{ name, description string }) int {
		return int(1000 * (levenshtein.Similarity(name, a.name, nil) - levenshtein.Similarity(name, b.name, nil)))
	})
	return best.name
}

func (p props) warn() (bool, error) {
	switch mode := p["Mode"]; strings.ToLower(mode) {
	case "", "enforce":
		return false, nil
	case "warn":
		return true, nil
	default:
		return false, mistakef("property Mode is %q; write enforce or warn", short(mode))
	}
}

func (p props) maxWait(otherwise time.Duration) (time.Duration, error) {
	text := p["MaxWait"]
	if text == "" {
		return otherwise, nil
	}
	minutes, err := strconv.Atoi(text)
	if err != nil || minutes < 0 || minutes > int(longestWait.Minutes()) {
		return 0, mistakef("property MaxWait is %q; write whole minutes from 0 to %d", short(text), int(longestWait.Minutes()))
	}
	return time.Duration(minutes) * time.Minute, nil
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	digestForm  = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagForm     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// repositoryImage puts a reference together from Repository and its companions.
// Without tag and digest it is a mistake: latest is never assumed.
func (p props) repositoryImage(here place, registryHost func(account, region string) (string, bool)) (string, error) {
	repository := p["Repository"]
	if repository == "" {
		return "", p.orphan()
	}
	account, region := here.account, here.region
	if id := p["RegistryId"]; id != "" {
		account = id
	}
	if r := p["Region"]; r != "" {
		region = r
	}
	if !accountForm.MatchString(account) {
		return "", mistakef("property RegistryId is %q; write the registry's 12-digit account", short(account))
	}
	registry, ok := registryHost(account, region)
	if !ok {
		return "", mistakef("property Region is %q, which is no AWS Region; write one such as eu-west-1", short(region))
	}
	suffix, err := p.version()
	return registry + "/" + repository + suffix, err
}

// orphan is a mistake where a property says something of a repository that none
// names.
func (p props) orphan() error {
	for _, name := range []string{"ImageDigest", "ImageTag", "RegistryId", "Region"} {
		if p[name] != "" {
			return mistakef("property %s is set without Repository; set Repository, or use Image", name)
		}
	}
	return nil
}

func (p props) version() (string, error) {
	digest, tag := p["ImageDigest"], p["ImageTag"]
	switch {
	case digest == "" && tag == "":
		return "", mistakef("property Repository is set without ImageDigest or ImageTag; set one, best ImageDigest")
	case digest != "" && !digestForm.MatchString(digest):
		return "", mistakef("property ImageDigest is %q; write sha256: and 64 hexadecimal digits", short(digest))
	case strings.Contains(tag, ","):
		return "", mistakef("property ImageTag names several tags (%s); name one, or better set ImageDigest", short(tag))
	case tag != "" && !tagForm.MatchString(tag):
		return "", mistakef("property ImageTag is %q, which is no image tag", short(tag))
	}
	suffix := ""
	if tag != "" {
		suffix = ":" + tag
	}
	if digest != "" {
		suffix += "@" + digest
	}
	return suffix, nil
}

// short keeps what somebody wrote from filling the whole message.
func short(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return text
}
