package ecr

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
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
		"unknown OS of a known architecture":   {index(entry(1, `,"platform":{"os":"unknown","architecture":"amd64"}`+attestation)), []gate.Manifest{{Platform: "unknown/amd64", Digest: digest(1)}}},
		"unknown architecture of a known OS":   {index(entry(1, `,"platform":{"os":"linux","architecture":"unknown"}`+attestation)), []gate.Manifest{{Platform: "linux/unknown", Digest: digest(1)}}},
		"another annotation is judged":         {index(entry(1, unknown+`,"annotations":{"vnd.docker.reference.type":"x"}`)), []gate.Manifest{{Platform: "unknown/unknown", Digest: digest(1)}}},
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
		"an OCI index within":      {"", index(`{"mediaType":"` + ociIndex + `","digest":"` + digest(1) + `"}`), "another index"},
		"too many":                 {"", index(many...), "more than 128 manifests"},
		"too many attestations":    {"", index(append(many[:1:1], slices.Repeat([]string{entry(1, unknown+attestation)}, maxIndexEntries)...)...), "more than 128 manifests"},
		"too many platforms":       {"", index(many[:maxManifests+1]...), "more than 64 platforms"},
		"a config in an index":     {"", `{"manifests":[` + entry(1, amd64) + `],"config":{}}`, "both"},
		"layers in an index":       {"", `{"manifests":[` + entry(1, amd64) + `],"layers":[{}]}`, "both"},
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

// An index may be as large as the bounds say.
func TestLargestIndex(t *testing.T) {
	entries := make([]string, maxIndexEntries)
	for i := range entries {
		entries[i] = entry(i, amd64)
		if i >= maxManifests {
			entries[i] = entry(i, unknown+attestation)
		}
	}
	if got, err := platforms(digest(999), "", []byte(index(entries...))); err != nil || len(got) != maxManifests {
		t.Errorf("%d platforms, %v", len(got), err)
	}
}

// The digest that counts is computed here; ECR's word and the one asked for have to
// agree with it, and a manifest has an end.
func TestResolutionIsOfTheDigest(t *testing.T) {
	const plain = `{"config":{},"layers":[]}`
	sum := func(manifest string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest))) }
	got := func(manifest, named string) types.Image {
		return types.Image{ImageManifest: aws.String(manifest), ImageId: &types.ImageIdentifier{ImageDigest: aws.String(named)}}
	}
	padded := func(n int) string { return plain + strings.Repeat(" ", n-len(plain)) }
	largest := padded(maxManifestBytes)
	for what, test := range map[string]struct {
		asked string
		got   types.Image
		says  string // empty: it is resolved
	}{
		"by tag":                       {"", got(plain, sum(plain)), ""},
		"by digest":                    {sum(plain), got(plain, sum(plain)), ""},
		"ECR names another":            {"", got(plain, digest(1)), "does not have the digest"},
		"ECR names another, as asked":  {digest(1), got(plain, digest(1)), "does not have the digest"},
		"ECR names another than asked": {digest(1), got(plain, sum(plain)), "does not have the digest"},
		"ECR names none":               {"", types.Image{ImageManifest: aws.String(plain)}, "does not have the digest"},
		"ECR names an empty one":       {"", got(plain, ""), "does not have the digest"},
		"no manifest":                  {"", types.Image{}, "does not have the digest"},
		"the largest":                  {"", got(largest, sum(largest)), ""},
		"one byte too large":           {"", got(largest+" ", sum(largest+" ")), "larger than 4 MiB"},
		"no JSON":                      {"", got("x", sum("x")), "not JSON"},
	} {
		r, err := resolution(gate.Image{Digest: test.asked}, test.got)
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: got %v, %v; want an error that says %q", what, r, err, test.says)
			}
			continue
		}
		want := sum(*test.got.ImageManifest)
		if err != nil || r.Digest != want || len(r.Manifests) != 1 || r.Manifests[0].Digest != want {
			t.Errorf("%s: got %v, %v", what, r, err)
		}
	}
}

// What ECR says of an image that it does not hand out, each with its own cause.
func TestMissingImages(t *testing.T) {
	type row struct {
		cause   gate.Cause
		passing bool
	}
	for code, want := range map[types.ImageFailureCode]row{
		types.ImageFailureCodeImageNotFound:                 {gate.NotFound, true},
		types.ImageFailureCodeImageTagDoesNotMatchDigest:    {gate.BadReference, false},
		types.ImageFailureCodeInvalidImageDigest:            {gate.BadReference, false},
		types.ImageFailureCodeInvalidImageTag:               {gate.BadReference, false},
		types.ImageFailureCodeMissingDigestAndTag:           {gate.BadReference, false},
		types.ImageFailureCodeKmsError:                      {gate.NoAccess, false},
		types.ImageFailureCodeUpstreamAccessDenied:          {gate.NoAccess, false},
		types.ImageFailureCodeUpstreamTooManyRequests:       {gate.NotReadable, true},
		types.ImageFailureCodeUpstreamUnavailable:           {gate.NotReadable, true},
		types.ImageFailureCodeImageReferencedByManifestList: {gate.NotReadable, false},
		"A_NEW_ONE": {gate.NotReadable, false},
	} {
		got := missing(&ecr.BatchGetImageOutput{Failures: []types.ImageFailure{{FailureCode: code}}})
		if got.Cause != want.cause || got.Passing != want.passing || got.Text == "" || got.Mend == "" {
			t.Errorf("%s: %+v", code, got)
		}
	}
	got := missing(&ecr.BatchGetImageOutput{})
	if got.Cause != gate.NotReadable || !got.Passing {
		t.Errorf("neither image nor failure: %+v", got)
	}
	if got == missing(&ecr.BatchGetImageOutput{}) {
		t.Error("two callers have the same trouble")
	}
}
