package awslocal

import (
	"fmt"
	"net/http"
	"sync"
)

// identity is whom an access key belongs to.
type identity struct {
	account string
	arn     string
	secret  string
	token   string // session token that has to come along; empty: none
	// artifacts is what the short-lived key of a job may do; nil for any other
	// key. Such a key opens nothing but S3.
	artifacts grants
}

// keyring knows the access keys.
type keyring struct {
	mu     sync.Mutex
	byKey  map[string]identity
	issued int
}

func newKeyring(account string) *keyring {
	root := identity{account: account, arn: "arn:aws:iam::" + account + ":root", secret: rootSecretKey}
	return &keyring{byKey: map[string]identity{rootAccessKey: root}}
}

// issue makes a session key: a new access key, secret and token.
func (k *keyring) issue(id identity) (accessKey string, issued identity) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.issued++
	accessKey = fmt.Sprintf("ASIA%016d", k.issued)
	id.secret = fmt.Sprintf("secret-%d", k.issued)
	id.token = fmt.Sprintf("session-%d", k.issued)
	k.byKey[accessKey] = id
	return accessKey, id
}

// AddKey makes a long-lived access key of another account known. Any secret
// goes with it.
func (s *Server) AddKey(accessKey, account string) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.byKey[accessKey] = identity{account: account, arn: "arn:aws:iam::" + account + ":root"}
}

// authenticate tells who calls. What AWS answers when it does not know
// differs from service to service.
func (k *keyring) authenticate(in *incoming) (identity, error) {
	if in.signer.accessKey == "" {
		return k.anonymous(in)
	}
	k.mu.Lock()
	id, ok := k.byKey[in.signer.accessKey]
	k.mu.Unlock()
	if !ok || (id.token != "" && id.token != in.signer.token) {
		return identity{}, unknownKey(in.service)
	}
	if in.service != "unknown" && in.signer.service != in.service {
		return identity{}, refuse("InvalidSignatureException",
			"Credential should be scoped to correct service: '%s'.", in.service)
	}
	if id.artifacts != nil && in.service != "s3" {
		return identity{}, denied(id, in)
	}
	return id, nil
}

func (k *keyring) anonymous(in *incoming) (identity, error) {
	switch {
	case in.operation == "sts.AssumeRoleWithWebIdentity":
		return identity{}, nil // signed by nobody: the token is the proof
	case in.service == "s3":
		return identity{}, &failure{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}
	}
	return identity{}, refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
}

func unknownKey(service string) error {
	switch service {
	case "s3":
		return &failure{http.StatusForbidden, "InvalidAccessKeyId",
			"The AWS Access Key Id you provided does not exist in our records."}
	case "sts", "sns":
		return &failure{http.StatusForbidden, "InvalidClientTokenId",
			"The security token included in the request is invalid"}
	}
	return refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
}

func denied(id identity, in *incoming) *failure {
	action := in.service + ":" + in.operation[len(in.service)+1:]
	return refuse("AccessDeniedException", "User: %s is not authorized to perform: %s", id.arn, action)
}

// Deny makes an operation, such as "ecr.StartImageScan", answer
// AccessDeniedException. Without a message it is IAM's own.
func (s *Server) Deny(operation, message string) (remove func()) {
	if message == "" {
		message = fmt.Sprintf("User: arn:aws:iam::%s:root is not authorized to perform: %s", s.opts.Account, operation)
	}
	return s.Inject(Fault{Operation: operation, Code: "AccessDeniedException", Message: message})
}
