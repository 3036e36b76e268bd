package doctor

import "strings"

// Caller is who asks, as STS says. The zero value is nobody known.
type Caller struct {
	ARN     string
	Account string
}

// Principal is what a policy calls the caller by: of an assumed role the role, not
// the session. The role's path is not in the session's ARN.
func (c Caller) Principal() string {
	parts := strings.SplitN(c.ARN, ":", 6)
	if len(parts) != 6 {
		return "<the role that ecr-gate runs with>"
	}
	names := strings.Split(parts[5], "/")
	if parts[2] != "sts" || names[0] != "assumed-role" || len(names) < 2 {
		return c.ARN
	}
	return "arn:" + parts[1] + ":iam::" + parts[4] + ":role/" + names[1]
}

// Partition is the caller's part of AWS: aws, aws-cn, aws-us-gov and others. What
// it may be granted is in the same.
func (c Caller) Partition() string {
	if parts := strings.SplitN(c.ARN, ":", 3); len(parts) == 3 {
		return parts[1]
	}
	return "aws"
}
