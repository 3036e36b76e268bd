// Command snapshot writes what AWS and the AWS provider of Terraform take for the
// resource types that deploy/ uses, into testdata. The tests read only that, so they
// need no network:
//
//	go run -C tools/deploy ./snapshot
//
// It needs npm. The CloudFormation schema is AWS's own, in @aws-cdk/aws-service-spec
// (Apache-2.0). Terraform's is told from @cdktf/provider-aws (MPL-2.0), which HashiCorp
// generated from the provider's schema: names, types, what is required and what is a
// block; the least and largest number of blocks only as far as one or several.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Both are pinned: a newer one may say other things, and that is to be seen in a diff.
const (
	cloudFormationPackage = "@aws-cdk/aws-service-spec@0.1.216"
	terraformPackage      = "@cdktf/provider-aws@21.22.1" // of provider 6.25.0
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(ctx context.Context) error {
	types, err := used("../../deploy/cloudformation/*.yaml", regexp.MustCompile(`(?m)^ +Type: (AWS::\w+::\w+)$`))
	if err != nil {
		return err
	}
	schema, err := cloudFormation(ctx, types)
	if err != nil {
		return err
	}
	if err := write("testdata/cloudformation.json", schema); err != nil {
		return err
	}
	blocks, err := used("../../deploy/terraform/*/*.tf", regexp.MustCompile(`(?m)^((?:resource|data) "aws_\w+)"`))
	if err != nil {
		return err
	}
	provider, err := terraform(ctx, blocks)
	if err != nil {
		return err
	}
	return write("testdata/terraform.json", provider)
}

// used lists what a pattern finds in files, each once, in order.
func used(files string, pattern *regexp.Regexp) ([]string, error) {
	paths, err := filepath.Glob(files)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // the project's own files
		if err != nil {
			return nil, err
		}
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
	}
	if len(found) == 0 {
		return nil, errors.New("nothing found in " + files)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func write(path string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// download unpacks the files of an npm package that are wanted.
func download(ctx context.Context, name string, wanted func(path string) bool) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "snapshot-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)                                                                     //nolint:errcheck // a temporary folder
	npm := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", dir, name) //nolint:gosec // a constant above
	npm.Stderr = os.Stderr
	out, err := npm.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", name, err)
	}
	archive, err := os.ReadFile(filepath.Join(dir, strings.TrimSpace(string(out)))) //nolint:gosec // what npm has just written
	if err != nil {
		return nil, err
	}
	return unpack(archive, wanted)
}

func unpack(archive []byte, wanted func(path string) bool) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		path := strings.TrimPrefix(header.Name, "package/")
		if !wanted(path) {
			continue
		}
		if files[path], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}
