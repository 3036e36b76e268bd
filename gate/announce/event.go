package announce

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The events that name an image whose scan has ended, by source (ECR user guide,
// ecr-eventbridge).
var detailTypes = map[string]string{
	"aws.ecr":        "ECR Image Scan",
	"aws.inspector2": "Inspector2 Scan",
}

// Wanted is what the function may be wired to, for messages.
const Wanted = `"ECR Image Scan" of aws.ecr and "Inspector2 Scan" of aws.inspector2`

// event is what both say, in EventBridge's envelope.
type event struct {
	Source     string `json:"source"`
	DetailType string `json:"detail-type"`
	Account    string `json:"account"`
	Region     string `json:"region"`
	Detail     struct {
		Repository string   `json:"repository-name"` // Inspector's is an ARN
		Digest     string   `json:"image-digest"`
		Tags       []string `json:"image-tags"`
	} `json:"detail"`
}

// IsScan reports whether an event says that a scan has ended.
func IsScan(raw []byte) bool {
	var e event
	return json.Unmarshal(raw, &e) == nil && e.Source != "" && detailTypes[e.Source] == e.DetailType
}

var (
	accountForm    = regexp.MustCompile(`^[0-9]{12}$`)
	digestForm     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	repositoryForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._/-]{1,255}$`)
	tagForm        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// subject is the image that an event is about.
type subject struct {
	account, region, repository, digest, tag string
}

func read(raw []byte) (subject, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return subject{}, fmt.Errorf("the event cannot be read: %w", err)
	}
	s := subject{account: e.Account, region: e.Region, repository: e.Detail.Repository, digest: e.Detail.Digest}
	if arn := strings.SplitN(s.repository, ":", 6); len(arn) == 6 && arn[2] == "ecr" {
		s.region, s.account = arn[3], arn[4]
		s.repository = strings.TrimPrefix(arn[5], "repository/")
	}
	for _, tag := range e.Detail.Tags {
		if tagForm.MatchString(tag) {
			s.tag = tag
			break
		}
	}
	switch {
	case s.repository == "":
		return s, errors.New("the event names no repository")
	case !repositoryForm.MatchString(s.repository):
		return s, fmt.Errorf("the event's repository-name is %+q, which is no ECR repository", s.repository)
	case !accountForm.MatchString(s.account):
		return s, fmt.Errorf("the event's account is %+q, which is no AWS account", s.account)
	case !digestForm.MatchString(s.digest):
		return s, fmt.Errorf("the event's image-digest is %+q, which is no digest", s.digest)
	}
	return s, nil
}

// image names it by tag, which people know, and by digest, which is judged.
func (s subject) image(registryHost func(account, region string) (string, bool)) (string, error) {
	registry, ok := registryHost(s.account, s.region)
	if !ok {
		return "", fmt.Errorf("the event's region is %+q, which is no AWS Region", s.region)
	}
	image := registry + "/" + s.repository
	if s.tag != "" {
		image += ":" + s.tag
	}
	return image + "@" + s.digest, nil
}
