package e2e_test

import (
	"testing"
	"time"
)

// story is something a person lives through. They are told in order: each finds the
// cluster as the one before left it.
type story struct {
	name string
	tell func(*testing.T, *lab)
	// vital: without it the others make no sense.
	vital bool
}

var stories = []story{
	{"the cluster itself works", clusterWorks, true},
	{"helm install with an image and a role", install, true},
	{"helm test sends a review through the Service", helmTest, false},
	{"a Deployment with a vulnerable image, then with a clean one", deploy, false},
	{"every place in a pod that names an image", refusedEverywhere, false},
	{"kubectl debug", debug, false},
	{"doctor", consulted, false},
	{"a namespace that is not covered", notCovered, false},
	{"a team labels its namespace", labelled, false},
	{"a team only wants to be warned", warned, false},
	{"server-side dry run", dryRun, false},
	{"metrics", metrics, false},
	{"no API-server request for a review", hotPath, false},
	{"rolling restart under load", rollingRestart, false},
	{"a new serving certificate under load", renewedCertificate, false},
	{"a new CA under load", renewedAuthority, false},
	{"helm upgrade keeps the certificate", upgradeKeepsCertificate, false},
	{"a changed configuration, without a restart", changedConfig, false},
	{"a broken configuration", brokenConfig, false},
	{"the gate is down", outage, false},
	{"the gate is back", recovered, false},
	{"labels that only named groups may change", guarded, false},
	{"a certificate of the team's own", ownCertificate, false},
	{"helm uninstall", uninstall, false},
	{"the pipeline's door alone", pipelineAlone, false},
}

func TestStories(t *testing.T) {
	for _, s := range stories {
		start, told := time.Now(), false
		passed := t.Run(s.name, func(t *testing.T) {
			told = true
			defer func() {
				if t.Failed() {
					shared.keepEvidence(t, s.name)
				}
			}()
			s.tell(t, shared)
		})
		if !told {
			continue // -run leaves it out
		}
		failure := ""
		if !passed {
			failure = "FAILED"
		}
		shared.log.Note("story: "+s.name, time.Since(start), failure)
		if dead := shared.Alive(); !passed && (s.vital || dead != nil) {
			t.Fatalf("the other stories were not told after %q failed", s.name)
		}
	}
}
