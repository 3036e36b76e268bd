package doctor_test

import (
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// The messages are those of the IAM user guide: the policy they name is where the
// mend belongs.
func TestReadRefusal(t *testing.T) {
	const (
		who  = "User: arn:aws:iam::777788889999:user/JohnDoe is not authorized to perform: "
		bare = who + "codecommit:ListRepositories"
	)
	for name, c := range map[string]struct{ message, found, mend string }{
		"no more said": {bare, "AWS refuses codecommit:ListRepositories to arn:aws:iam::777788889999:user/JohnDoe", "add to the permissions of ROLE:\nSTATEMENT"},
		"identity-based": {bare + " because no identity-based policy allows the codecommit:ListRepositories action",
			"JohnDoe: no identity-based policy allows it", "add to the permissions of ROLE:\nSTATEMENT"},
		"resource-based": {bare + " on resource: arn:aws:codecommit:us-east-1:1:x because no resource-based policy allows the codecommit:ListRepositories action",
			"JohnDoe: no resource-based policy allows it", "allow it in that resource-based policy too; and add to the permissions of ROLE"},
		"service control": {bare + " because no service control policy allows the codecommit:ListRepositories action",
			"no service control policy allows it", "allow it in that service control policy too"},
		"boundary": {bare + " because no permissions boundary allows the codecommit:ListRepositories action",
			"no permissions boundary allows it", "allow it in that permissions boundary too"},
		"endpoint": {bare + " because no VPC endpoint policy allows the codecommit:ListRepositories action",
			"no VPC endpoint policy allows it", "allow it in that VPC endpoint policy too"},
		"session": {bare + " because no session policy allows the codecommit:ListRepositories action",
			"no session policy allows it", "allow it in that session policy too"},
		"denied by identity": {bare + " with an explicit deny in an identity-based policy", "an explicit deny in an identity-based policy", "take the explicit deny out of that identity-based policy"},
		"denied by SCP": {bare + " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
			"an explicit deny in a service control policy", "take the explicit deny out of that service control policy, for no Allow helps against it; then add"},
		"another text": {"Account is suspended", "AWS refuses access: Account is suspended", "add to the permissions of ROLE"},
	} {
		r := doctor.ReadRefusal(c.message)
		if got := r.Found(); !strings.HasSuffix(got, c.found) {
			t.Errorf("%s: found %q", name, got)
		}
		if got := r.Mend("ROLE", "STATEMENT"); !strings.HasPrefix(got, c.mend) || !strings.HasSuffix(got, "STATEMENT") {
			t.Errorf("%s: mend %q", name, got)
		}
	}
}

func TestStatements(t *testing.T) {
	for got, want := range map[string]string{
		doctor.Allow("*", "a:B"):                               `{"Effect":"Allow","Action":"a:B","Resource":"*"}`,
		doctor.Allow("arn:aws:ecr:x:1:repository/y", "a", "b"): `{"Effect":"Allow","Action":["a","b"],"Resource":"arn:aws:ecr:x:1:repository/y"}`,
		doctor.Trust("arn:aws:iam::1:role/x"):                  `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:role/x"},"Action":"sts:AssumeRole"}`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A policy names roles, not their sessions; and of every partition.
func TestCaller(t *testing.T) {
	for arn, want := range map[string]struct{ principal, partition string }{
		"arn:aws:sts::111122223333:assumed-role/ecr-gate/i-0": {"arn:aws:iam::111122223333:role/ecr-gate", "aws"},
		"arn:aws-cn:sts::111122223333:assumed-role/x/y/z":     {"arn:aws-cn:iam::111122223333:role/x", "aws-cn"},
		"arn:aws-us-gov:iam::111122223333:user/jane":          {"arn:aws-us-gov:iam::111122223333:user/jane", "aws-us-gov"},
		"arn:aws:sts::111122223333:federated-user/jane":       {"arn:aws:sts::111122223333:federated-user/jane", "aws"},
		"": {"<the role that ecr-gate runs with>", "aws"},
	} {
		c := doctor.Caller{ARN: arn}
		if c.Principal() != want.principal || c.Partition() != want.partition {
			t.Errorf("%s: %s, %s", arn, c.Principal(), c.Partition())
		}
	}
}
