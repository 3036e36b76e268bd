package awslocal

import (
	"net/http"
	"strings"
)

// signer is who signed a request, for what: the SigV4 credential scope
// (key/date/region/service/aws4_request) and the session token. The signature
// itself is not verified.
type signer struct {
	accessKey string
	region    string
	service   string
	token     string
}

func readSigner(r *http.Request) signer {
	scope, token := signedBy(r)
	parts := strings.Split(scope, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return signer{}
	}
	return signer{accessKey: parts[0], region: parts[2], service: parts[3], token: token}
}

// signedBy reads the header, or the query of a presigned URL.
func signedBy(r *http.Request) (scope, token string) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		query := r.URL.Query()
		return query.Get("X-Amz-Credential"), query.Get("X-Amz-Security-Token")
	}
	for part := range strings.SplitSeq(rest, ",") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(part), "Credential="); ok {
			scope = s
		}
	}
	return scope, r.Header.Get("X-Amz-Security-Token")
}
