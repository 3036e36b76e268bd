package announce_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/announce"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// answer gives one verdict, whatever is asked.
type answer gate.Verdict

func (a answer) Check(context.Context, gate.Request) gate.Verdict { return gate.Verdict(a) }

// What is over policy is told at once, also where waiting might change the verdict:
// a baseline that cannot be read, say. What is merely not known yet is not.
func TestDeniedIsToldAtOnce(t *testing.T) {
	for outcome, told := range map[gate.Outcome]int{gate.Denied: 1, gate.Pending: 0, gate.Unavailable: 0} {
		aws := awslocal.New(awslocal.Options{})
		if _, err := aws.Start(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // too short to look again
		a := announce.Announcer{
			Config: aws.AWSConfig(), RegistryHost: ecr.RegistryHost, TopicARN: aws.AddTopic("verdicts"),
			Gate: func(context.Context) (announce.Checker, error) {
				return answer{Outcome: outcome, Passing: true, Reason: "image not allowed: because"}, nil
			},
		}
		err := a.Handle(ctx, fmt.Appendf(nil, `{"source":"aws.ecr","detail-type":"ECR Image Scan","account":"111122223333","region":"eu-west-1",
			"detail":{"repository-name":"shop/web","image-digest":"sha256:%s"}}`, strings.Repeat("a", 64)))
		if got := len(aws.Publications()); got != told || (err == nil) != (told == 1) {
			t.Errorf("%s: %d told, %v", outcome, got, err)
		}
		cancel()
		aws.Close()
	}
}
