package ecr

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/package-url/packageurl-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// FuzzParseHost: what is taken for ECR is a host of letters, digits, hyphens and
// dots that has one spelling, and that spelling is the registry of its account and
// Region.
func FuzzParseHost(f *testing.F) {
	f.Add("111122223333.dkr.ecr.eu-west-1.amazonaws.com")
	f.Add("111122223333.dkr-ecr-fips.us-east-1.on.aws")
	f.Add("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn")
	f.Add("111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov")
	f.Add("111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.example")
	f.Fuzz(func(t *testing.T, name string) {
		canonical := CanonicalHost(name)
		if CanonicalHost(canonical) != canonical {
			t.Errorf("%q has two spellings: %q, %q", name, canonical, CanonicalHost(canonical))
		}
		h, ok := parseHost(name)
		if !ok {
			if canonical != name {
				t.Errorf("%q is not ECR's, and became %q", name, canonical)
			}
			return
		}
		if again, ok := RegistryHost(h.account, h.region); !ok || again != canonical {
			t.Errorf("%q gave account and Region that make another registry: %s", name, again)
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || len(h.account) != 12 || strings.Contains(h.region, ".") {
			t.Errorf("%q is no host: %+v", name, h)
		}
	})
}

// FuzzManifest: of an index each platform is judged that a container runtime could
// choose from it, whichever way it reads the JSON; what is no index is judged itself.
func FuzzManifest(f *testing.F) {
	const a, b = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	const attestation = `{"digest":"` + b + `","annotations":{"vnd.docker.reference.type":"attestation-manifest"},"platform":{"os":"unknown","architecture":"unknown"}}`
	for _, text := range []string{
		`{"config":{},"layers":[]}`, `{"manifests":[]}`, `null`, `[]`, `{"mediaType":"` + ociIndex + `"}`,
		`{"manifests":[{"digest":"` + a + `","platform":{"os":"linux","architecture":"arm","variant":"v7"}},` + attestation + `]}`,
		`{"manifests":[` + attestation + `],"manifests":[{"digest":"` + a + `"}]}`,
		`{"manifests":[` + attestation + `,` + attestation + `],"manifests":[{"digest":"` + a + `"},{"digest":"` + b + `","platform":{"os":"linux","architecture":"amd64"}}]}`,
		`{"manifests":[` + attestation + `],"Manifests":[{"Digest":"` + a + `"}]}`,
		`{"manifests":[{"digest":"` + a + `"},` + strings.Replace(attestation, `"os":"unknown"`, `"os":"unknown","OS":"linux"`, 1) + `]}`,
		`{"manifests":[{"digest":"` + a + `","digest":"` + b + `"}]}`,
		`{"manifests":[{"mediaType":"` + ociIndex + `","digest":"` + a + `"}],"config":{}}`,
	} {
		f.Add([]byte(text), "")
		f.Add([]byte(text), ociIndex)
	}
	f.Fuzz(func(t *testing.T, raw []byte, mediaType string) {
		const self = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		judged, err := platforms(self, mediaType, raw)
		if err != nil {
			var trouble *gate.Trouble
			if !errors.As(err, &trouble) || trouble.Cause != gate.BadImage || trouble.Passing || gate.Clean(trouble.Text) != trouble.Text {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		if len(judged) == 0 || len(judged) > maxManifests {
			t.Fatalf("%d manifests are judged", len(judged))
		}
		digests := map[string]bool{}
		for _, m := range judged {
			if !digestForm.MatchString(m.Digest) || digests[m.Digest] {
				t.Errorf("%q is no digest, or twice", m.Digest)
			}
			digests[m.Digest] = true
		}
		for _, digest := range runnable(raw) {
			if digests[self] || !digests[digest] {
				t.Errorf("%s may run, and of %s are judged %v", digest, raw, judged)
			}
		}
	})
}

// runnable are the digests that a reader which minds the case of keys, and takes the
// last of two, would choose from.
func runnable(raw []byte) []string {
	var index map[string]any
	if json.Unmarshal(raw, &index) != nil {
		return nil
	}
	entries, _ := index["manifests"].([]any)
	var digests []string
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		platform, _ := entry["platform"].(map[string]any)
		digest, _ := entry["digest"].(string)
		if os, _ := platform["os"].(string); os != "unknown" && digest != "" {
			digests = append(digests, digest)
		}
	}
	return digests
}

// FuzzPURL: a package URL that is made is read as the package it was made of, so
// that an exception for it fits that package and no other.
func FuzzPURL(f *testing.F) {
	f.Add("OS", "DEBIAN_12", "openssl", "1:3.0.7-1+b2")
	f.Add("NPM", "", "@scope/name", "1.0.0")
	f.Add("JAR", "", "org.apache:log4j", "2.14")
	f.Add("GOBINARY", "", "github.com/a/b/v2", "v1.2.3+incompatible")
	f.Add("PIP", "", "A_b.c", "1!2")
	f.Add("OS", "ALPINE_LINUX_3_18", "a@b#c?d=e&f", "%20/..")
	f.Fuzz(func(t *testing.T, manager, platform, name, version string) {
		var system distro
		for _, d := range distros {
			if strings.HasPrefix(platform, d.prefix) {
				system = d.distro
			}
		}
		text := purl(manager, gate.Package{Name: name, Version: version}, system)
		if text == "" {
			return
		}
		got, err := packageurl.FromString(text)
		if err != nil {
			return // then no exception with a package URL fits it
		}
		if got.Version != version && packageurl.NewPackageURL(got.Type, "", "a", version, nil, "").Normalize() == nil && strings.TrimSpace(version) == version {
			t.Errorf("%s of version %q is read as version %q", text, version, got.Version)
		}
		if len(got.Qualifiers) > 0 || got.Subpath != "" {
			t.Errorf("%q has qualifiers that nobody wrote: %s", name, text)
		}
	})
}
