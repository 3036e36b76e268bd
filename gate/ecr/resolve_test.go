package ecr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

func digest(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func entry(n int, rest string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q%s}`, ociManifest, digest(n), rest)
}

const (
	amd64       = `,"platform":{"os":"linux","architecture":"amd64"}`
	armv7       = `,"platform":{"os":"linux","architecture":"arm","variant":"v7"}`
	unknown     = `,"platform":{"os":"unknown","architecture":"unknown"}`
	attestation = `,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}`
)

func index(entries ...string) string {
	return fmt.Sprintf(`{"mediaType":%q,"manifests":[%s]}`, ociIndex, strings.Join(entries, ","))
}

func TestPlatforms(t *testing.T) {
	own := digest(99)
	for name, tc := range map[string]struct {
		raw  string
		want []gate.Manifest
	}{
		"an image":                             {`{"config":{},"layers":[]}`, []gate.Manifest{{Digest: own}}},
		"an image of unknown members":          {`{"mediaType":"` + dockerManifest + `","config":{},"x":1}`, []gate.Manifest{{Digest: own}}},
		"an index":                             {index(entry(1, amd64), entry(2, armv7)), []gate.Manifest{{Platform: "linux/amd64", Digest: digest(1)}, {Platform: "linux/arm/v7", Digest: digest(2)}}},
		"an attestation is skipped":            {index(entry(1, amd64), entry(2, unknown+attestation)), []gate.Manifest{{Platform: "linux/amd64", Digest: digest(1)}}},
		"unknown/unknown alone is judged":      {index(entry(1, unknown)), []gate.Manifest{{Platform: "unknown/unknown", Digest: digest(1)}}},
		"the annotation alone is judged":       {index(entry(1, amd64+attestation)), []gate.Manifest{{Platform: "linux/amd64", Digest: digest(1)}}},
		"annotation and no platform is judged": {index(entry(1, attestation)), []gate.Manifest{{Digest: digest(1)}}},
		"the same manifest twice":              {index(entry(1, amd64), entry(1, armv7)), []gate.Manifest{{Platform: "linux/amd64", Digest: digest(1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := platforms(own, "", []byte(tc.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlatformsRefused(t *testing.T) {
	many := make([]string, maxIndexEntries+1)
	for i := range many {
		many[i] = entry(i, amd64)
	}
	for name, tc := range map[string]struct{ mediaType, raw, want string }{
		"not JSON":                 {"", "x", "not JSON"},
		"both image and index":     {"", `{"manifests":[],"layers":[]}`, "both"},
		"index by name only":       {"", `{"mediaType":"` + ociIndex + `","config":{}}`, "both"},
		"image by ECR's name only": {ociManifest, index(entry(1, amd64)), "both"},
		"no platform":              {"", index(), "no platform"},
		"attestations only":        {"", index(entry(1, unknown+attestation)), "no platform"},
		"an index within":          {"", index(`{"mediaType":"` + dockerList + `","digest":"` + digest(1) + `"}`), "another index"},
		"too many":                 {"", index(many...), "more than"},
		"too many platforms":       {"", index(many[:maxManifests+1]...), "more than"},
		"a bad digest":             {"", index(`{"mediaType":"` + ociManifest + `","digest":"sha256:1"}`), "without a sha256 digest"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := platforms(digest(99), tc.mediaType, []byte(tc.raw))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v; want an error that says %q", got, err, tc.want)
			}
		})
	}
}
