package pipeline

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImagesIn(t *testing.T) {
	const uri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web"
	for name, tc := range map[string]struct {
		raw  string
		want []string
	}{
		"hand-made":       {`{"ImageURI":"` + uri + `:1"}`, []string{uri + ":1"}},
		"ECR source":      {`{"ImageSizeInBytes":"1","ImageDigest":"` + digestA + `","ImageTags":["1"],"ImageURI":"` + uri + `@` + digestA + `"}`, []string{uri + "@" + digestA}},
		"tag and digest":  {`{"ImageDigest":"` + digestA + `","ImageURI":"` + uri + `:1"}`, []string{uri + ":1", uri + ":1@" + digestA}},
		"definitions":     {`[{"name":"a","imageUri":"x:1"},{"name":"b","imageUri":"y:2"}]`, []string{"x:1", "y:2"}},
		"byte order mark": {"\xef\xbb\xbf" + `[{"name":"a","imageUri":"x:1"}]`, []string{"x:1"}},
		"space around":    {" \n{\"ImageURI\":\"x:1\"}\n", []string{"x:1"}},
		"unknown members": {`{"ImageURI":"x:1","more":{"a":[1]}}`, []string{"x:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := imagesIn([]byte(tc.raw), "f")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What one artifact may cost has an end.
func TestArtifactWithTooManyFiles(t *testing.T) {
	o := &object{size: 1, fetched: maxFetched + 1}
	if _, err := o.ReadAt(make([]byte, 1), 0); !errors.As(err, new(mistake)) || !strings.Contains(err.Error(), "too many files") {
		t.Errorf("got %v", err)
	}
}

func TestImagesInMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want string }{
		"empty":                  {"", "not the JSON expected"},
		"not JSON":               {"<html>", "not the JSON expected"},
		"null":                   {"null", "no ImageURI"},
		"a string":               {`"x:1"`, "not the JSON expected"},
		"no image":               {`{"Parameters":{}}`, "no ImageURI"},
		"wrong type":             {`{"ImageURI":7}`, "not the JSON expected"},
		"empty list":             {`[]`, "lists no image"},
		"entry without":          {`[{"name":"a","imageUri":"x"},{"name":"b"}]`, "entry 2"},
		"list of strings":        {`["x:1"]`, "not the JSON expected"},
		"trailing":               {`{"ImageURI":"x"} {"ImageURI":"y"}`, "not the JSON expected"},
		"a key twice":            {`{"ImageURI":"x:1","ImageURI":"y:1"}`, "given twice"},
		"a key in other letters": {`{"ImageURI":"x:1","imageuri":"y:1"}`, "given twice"},
		"an entry's key twice":   {`[{"name":"a","imageUri":"x:1","IMAGEURI":"y:1"}]`, "given twice"},
		"two digests":            {`{"ImageURI":"x@sha256:1","ImageDigest":"sha256:2"}`, "two digests"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := imagesIn([]byte(tc.raw), "the file")
			if !errors.As(err, new(mistake)) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "the file") {
				t.Errorf("got %v, %v; want a mistake that says %q", got, err, tc.want)
			}
		})
	}
}
