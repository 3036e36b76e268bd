package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

var (
	providerForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,25}$`)
	versionForm  = regexp.MustCompile(`^[0-9A-Za-z_-]{1,9}$`)
)

// The bounds of the pipeline block. CodePipeline ends a custom action after
// 24 h; a job must be reported before.
const (
	longestWait    = 23 * time.Hour
	shortestPoll   = time.Second
	longestPoll    = 5 * time.Minute
	mostConcurrent = 100
)

func (k check) webhook(w Webhook) {
	k.mode("webhook.enforce", w.Enforce)
	k.mode("webhook.warn", w.Warn)
	k.mode("webhook.audit", w.Audit)
	k.OneOf("webhook.nonECRImages", w.NonECRImages, Allow, Warn, Deny)
	k.OneOf("webhook.onUnavailable", w.OnUnavailable, Deny, Warn)
}

// mode wants a policy that exists: a misspelt one would leave the door to
// nobody knows which.
func (k check) mode(path, value string) {
	words := []string{Auto, None}
	for _, p := range k.c.Policies {
		words = append(words, p.Name)
	}
	for _, w := range words {
		if value != "" && w == value {
			return
		}
	}
	text := strict.Quote(value) + " is no policy of this file; write auto, none or a policy's name"
	if near := strict.Nearest(value, words); near != "" && strings.TrimSpace(value) != "" {
		text += "; did you mean " + near + "?"
	}
	k.Faultf(path, "%s", text)
}

func (k check) pipeline(p Pipeline) {
	k.OneOf("pipeline.actionType.category", p.ActionType.Category, "Build", "Deploy", "Test", "Invoke")
	if !providerForm.MatchString(p.ActionType.Provider) {
		k.Faultf("pipeline.actionType.provider", "%s is no provider; write at most 25 of 0-9 A-Z a-z _ and -", strict.Quote(p.ActionType.Provider))
	}
	if !versionForm.MatchString(p.ActionType.Version) {
		k.Faultf("pipeline.actionType.version", "%s is no version; write at most 9 of 0-9 A-Z a-z _ and -", strict.Quote(p.ActionType.Version))
	}
	if p.MaxWait <= 0 || p.MaxWait > longestWait {
		k.Faultf("pipeline.maxWait", "%s is out of range; write more than 0 and at most 23h, for CodePipeline ends the action after 24 h", p.MaxWait)
	}
	if p.PollInterval < shortestPoll || p.PollInterval > longestPoll {
		k.Faultf("pipeline.pollInterval", "%s is out of range; write 1s to 5m", p.PollInterval)
	}
	if p.Concurrency < 1 || p.Concurrency > mostConcurrent {
		k.Faultf("pipeline.concurrency", "%d is out of range; write 1 to %d", p.Concurrency, mostConcurrent)
	}
}
