package pipeline

import (
	"regexp"

	"github.com/ecr-gate/ecr-gate/gate"
)

// executionURL is where the console's details link leads: to the image in ECR's own
// console, where its findings are. The console asks for no Region in the host's name.
// How CodePipeline encodes what it puts in is documented nowhere; at worst the link
// leads to the list of repositories.
const executionURL = "https://console.aws.amazon.com/ecr/repositories/{ExternalExecutionId}"

// registryForm is an ECR registry in the usual spelling.
var registryForm = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$`)

// consolePath is the image's place in that console, and the job's external execution
// id; empty: there is none to be named.
func consolePath(v gate.Verdict) string {
	img, err := gate.ParseImage(v.Image)
	if err != nil || v.Digest == "" {
		return ""
	}
	host := registryForm.FindStringSubmatch(img.Registry)
	if host == nil {
		return ""
	}
	return "private/" + host[1] + "/" + img.Repository + "/_/image/" + v.Digest + "/details?region=" + host[2]
}
