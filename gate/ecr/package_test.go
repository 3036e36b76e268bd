package ecr

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// A package URL names the package as exceptions do, and there is none where its
// type or namespace would be a guess.
func TestPURL(t *testing.T) {
	debian := distro{"deb", "debian"}
	for _, test := range []struct {
		manager, name, version string
		distro                 distro
		want                   string
	}{
		{"OS", "openssl", "3.0", debian, "pkg:deb/debian/openssl@3.0"},
		{"os", "openssl", "3.0", debian, "pkg:deb/debian/openssl@3.0"},
		{"OS", "openssl", "3.0", distro{}, ""},
		{"NODEPKG", "lodash", "4", debian, "pkg:npm/lodash@4"},
		{"nodepkg", "@scope/a/b", "4", debian, "pkg:npm/%40scope/a/b@4"},
		{"JAR", "org.apache:log4j", "2", debian, "pkg:maven/org.apache/log4j@2"},
		{"JAR", "org/apache:log4j", "2", debian, "pkg:maven/org/apache/log4j@2"},
		{"JAR", "log4j", "2", debian, "pkg:maven/log4j@2"},
		{"GOBINARY", "golang.org/x/net", "v0.1", debian, "pkg:golang/golang.org/x/net@v0.1"},
		{"NODEPKG", "/lodash", "4", debian, "pkg:npm/%2Flodash@4"},
		{"A_NEW_ONE", "x", "1", debian, ""},
		{"", "x", "1", debian, ""},
		{"NODEPKG", "", "1", debian, ""},
	} {
		if got := purl(test.manager, gate.Package{Name: test.name, Version: test.version}, test.distro); got != test.want {
			t.Errorf("%s %q: got %q, want %q", test.manager, test.name, got, test.want)
		}
	}
}

// The distribution is that of the image, where the finding says one.
func TestDistribution(t *testing.T) {
	of := func(platform string) types.Resource {
		return types.Resource{Details: &types.ResourceDetails{AwsEcrContainerImage: &types.AwsEcrContainerImageDetails{Platform: aws.String(platform)}}}
	}
	debian := distro{"deb", "debian"}
	for what, test := range map[string]struct {
		resources []types.Resource
		want      distro
	}{
		"none":                      {nil, distro{}},
		"a resource of no details":  {[]types.Resource{{}, of("DEBIAN_12")}, debian},
		"details of no image":       {[]types.Resource{{Details: &types.ResourceDetails{}}, of("DEBIAN_12")}, debian},
		"in small letters":          {[]types.Resource{of("debian_12")}, debian},
		"one that is not known":     {[]types.Resource{of("BEOS_5")}, distro{}},
		"the first that is known":   {[]types.Resource{of("BEOS_5"), of("ALPINE_3"), of("DEBIAN_12")}, distro{"apk", "alpine"}},
		"a distribution's namesake": {[]types.Resource{of("NOT_DEBIAN")}, distro{}},
	} {
		if got := distribution(test.resources); got != test.want {
			t.Errorf("%s: got %v, want %v", what, got, test.want)
		}
	}
}
