package pipeline

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

const digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var here = place{account: "111122223333", region: "eu-west-1"}

func TestReadOrder(t *testing.T) {
	const host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
	for name, tc := range map[string]struct {
		given map[string]string
		want  order
	}{
		"nothing":               {nil, order{maxWait: time.Minute}},
		"empty is not set":      {map[string]string{"Image": " ", "Mode": ""}, order{maxWait: time.Minute}},
		"image":                 {map[string]string{"Image": "x/y:1"}, order{images: []string{"x/y:1"}, maxWait: time.Minute}},
		"repository and tag":    {map[string]string{"Repository": "shop/web", "ImageTag": "1.4"}, order{images: []string{host + "/shop/web:1.4"}, maxWait: time.Minute}},
		"repository and digest": {map[string]string{"Repository": "shop/web", "ImageDigest": digestA}, order{images: []string{host + "/shop/web@" + digestA}, maxWait: time.Minute}},
		"digest decides":        {map[string]string{"Repository": "web", "ImageTag": "1", "ImageDigest": digestA}, order{images: []string{host + "/web:1@" + digestA}, maxWait: time.Minute}},
		"another registry in China": {
			map[string]string{"Repository": "web", "ImageTag": "1", "RegistryId": "444455556666", "Region": "cn-north-1"},
			order{images: []string{"444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn/web:1"}, maxWait: time.Minute},
		},
		"both images": {
			map[string]string{"Image": "x/y:1", "Repository": "web", "ImageTag": "1"},
			order{images: []string{"x/y:1", host + "/web:1"}, maxWait: time.Minute},
		},
		"the rest": {
			map[string]string{"Policy": "dev", "Mode": "warn", "MaxWait": "5", "File": "out.json"},
			order{policy: "dev", warn: true, maxWait: 5 * time.Minute, file: "out.json"},
		},
		"no waiting": {map[string]string{"MaxWait": "0"}, order{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readOrder(tc.given, here, time.Minute, ecr.RegistryHost)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(order{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadOrderMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		given map[string]string
		want  string
	}{
		"unknown property":  {map[string]string{"Imag": "x"}, "did you mean Image"},
		"no version":        {map[string]string{"Repository": "web"}, "without ImageDigest or ImageTag"},
		"bad digest":        {map[string]string{"Repository": "web", "ImageDigest": "sha256:1"}, "64 hexadecimal digits"},
		"several tags":      {map[string]string{"Repository": "web", "ImageTag": "latest,1"}, "several tags"},
		"bad tag":           {map[string]string{"Repository": "web", "ImageTag": "a/b"}, "no image tag"},
		"bad account":       {map[string]string{"Repository": "web", "ImageTag": "1", "RegistryId": "123"}, "12-digit"},
		"bad region":        {map[string]string{"Repository": "web", "ImageTag": "1", "Region": "eu west"}, "no AWS Region"},
		"orphan tag":        {map[string]string{"ImageTag": "1"}, "without Repository"},
		"orphan region":     {map[string]string{"Region": "eu-west-1", "Image": "x/y:1"}, "without Repository"},
		"mode":              {map[string]string{"Mode": "loud"}, "write enforce or warn"},
		"wait, no number":   {map[string]string{"MaxWait": "5m"}, "whole minutes"},
		"wait, negative":    {map[string]string{"MaxWait": "-1"}, "whole minutes"},
		"wait, over a day":  {map[string]string{"MaxWait": "1381"}, "0 to 1380"},
		"wait, overflowing": {map[string]string{"MaxWait": "999999999999999"}, "whole minutes"},
		"variable":          {map[string]string{"Image": "#{Build.ImageURI}"}, "still holds a variable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readOrder(tc.given, here, time.Minute, ecr.RegistryHost)
			if !errors.As(err, new(mistake)) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want a mistake that says %q", err, tc.want)
			}
		})
	}
}

// The definition that is registered must keep CodePipeline's limits.
func TestDefinitionLimits(t *testing.T) {
	in := ActionType{}.Definition()
	if n := len(in.ConfigurationProperties); n > 10 {
		t.Errorf("%d properties; CodePipeline allows 10", n)
	}
	for _, p := range in.ConfigurationProperties {
		if len(*p.Description) > 160 || len(*p.Name) > 50 {
			t.Errorf("%s: name or description too long", *p.Name)
		}
	}
	if len(*in.Provider) > 25 || len(*in.Version) > 9 {
		t.Error("provider or version too long")
	}
}
