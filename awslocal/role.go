package awslocal

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// tokenService is STS: it turns roles into keys.
type tokenService struct {
	keys *keyring

	mu    sync.Mutex
	roles []string // that may be assumed; empty: any
}

func newTokenService(keys *keyring) *tokenService {
	return &tokenService{keys: keys}
}

// AllowRole lets a role be assumed. Once one is named, others are refused with
// AccessDenied; before, any role may be assumed.
func (s *Server) AllowRole(arn string) {
	s.sts.mu.Lock()
	defer s.sts.mu.Unlock()
	s.sts.roles = append(s.sts.roles, arn)
}

func (t *tokenService) perform(c call) (any, error) {
	switch c.operation {
	case "sts.AssumeRole", "sts.AssumeRoleWithWebIdentity":
		return t.assume(c)
	case "sts.GetCallerIdentity":
		return callerIdentity(c.caller), nil
	}
	return nil, refuse("InvalidAction", "Could not find operation %s", c.form.Get("Action"))
}

// assumeRoleAnswer serves both ways of assuming a role: the names of the
// elements differ, what is in them does not.
type assumeRoleAnswer struct {
	XMLName xml.Name
	Result  assumeRoleResult
}

type assumeRoleResult struct {
	XMLName     xml.Name
	Credentials sessionCredentials
	User        assumedUser `xml:"AssumedRoleUser"`
}

type sessionCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

type assumedUser struct {
	ARN string `xml:"Arn"`
	ID  string `xml:"AssumedRoleId"`
}

// assume issues keys of the role's account. They do not lapse here; when they
// say they do is by the machine's clock, which the client goes by.
func (t *tokenService) assume(c call) (any, error) {
	arn, session := c.form.Get("RoleArn"), c.form.Get("RoleSessionName")
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "role/") || session == "" {
		return nil, refuse("ValidationError", "%s is invalid", arn)
	}
	if !t.allowed(arn) {
		return nil, &failure{http.StatusForbidden, "AccessDenied",
			"User: " + c.caller.arn + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	role := parts[5][strings.LastIndex(parts[5], "/")+1:]
	user := "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + role + "/" + session
	key, id := t.keys.issue(identity{account: parts[4], arn: user})
	action := c.form.Get("Action")
	return assumeRoleAnswer{
		XMLName: xml.Name{Local: action + "Response"},
		Result: assumeRoleResult{
			XMLName:     xml.Name{Local: action + "Result"},
			Credentials: sessionCredentials{key, id.secret, id.token, time.Now().Add(time.Hour).UTC()},
			User:        assumedUser{user, "AROA:" + session},
		},
	}, nil
}

func (t *tokenService) allowed(arn string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.roles) == 0 || slices.Contains(t.roles, arn)
}

func callerIdentity(id identity) any {
	type result struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	}
	return struct {
		XMLName xml.Name `xml:"GetCallerIdentityResponse"`
		Result  result   `xml:"GetCallerIdentityResult"`
	}{Result: result{id.arn, id.account, id.account}}
}
