package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// loadFrom reads a configuration from a file, ssm:NAME or s3://BUCKET/KEY. The
// exception files it names are beside it: in the same folder, or below the same
// path.
func loadFrom(ctx context.Context, env aws.Config, where string) (*config.Config, error) {
	from, name, err := shelfOf(env, where)
	if err != nil {
		return nil, err
	}
	if from == nil {
		return config.Load(where, time.Now())
	}
	dir, err := os.MkdirTemp("", "ecr-gate-config-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it holds copies only
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // nothing is kept in it
	text, err := fetchInto(ctx, from, root, name)
	if err != nil {
		return nil, err
	}
	c, err := config.Parse(name, text)
	if err != nil {
		return nil, err
	}
	for _, file := range c.Exceptions.Files {
		if !filepath.IsLocal(file) {
			return nil, fmt.Errorf("exceptions.files: %s is not beside %s; name it relative to that", file, where)
		}
		if _, err := fetchInto(ctx, from, root, file); err != nil {
			return nil, err
		}
	}
	return config.Load(filepath.Join(dir, name), time.Now())
}

// shelf is where files are fetched from, by name.
type shelf func(ctx context.Context, name string) (text []byte, err error)

// shelfOf tells the kinds of places apart. A nil shelf is the file system.
func shelfOf(env aws.Config, where string) (from shelf, name string, err error) {
	switch {
	case strings.HasPrefix(where, "s3://"):
		bucket, key, _ := strings.Cut(strings.TrimPrefix(where, "s3://"), "/")
		if bucket == "" || key == "" || strings.HasSuffix(key, "/") {
			return nil, "", fmt.Errorf("%s is %q; write s3://BUCKET/KEY", envConfig, where)
		}
		return bucketShelf(env, bucket, path.Dir(key)), path.Base(key), nil
	case strings.HasPrefix(where, "ssm:"):
		parameter := strings.TrimPrefix(where, "ssm:")
		if parameter == "" || strings.HasSuffix(parameter, "/") {
			return nil, "", fmt.Errorf("%s is %q; write ssm:NAME", envConfig, where)
		}
		folder, name := path.Split(parameter)
		return parameterShelf(env, folder), name, nil
	default:
		return nil, "", nil
	}
}

func bucketShelf(env aws.Config, bucket, folder string) shelf {
	client := s3.NewFromConfig(env, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil // elsewhere than AWS there is no host per bucket
	})
	return func(ctx context.Context, name string) ([]byte, error) {
		key := path.Join(folder, name)
		out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
		if err != nil {
			return nil, notFetched("s3://"+bucket+"/"+key, "s3:GetObject on arn:aws:s3:::"+bucket+"/"+key, err)
		}
		defer out.Body.Close()                                              //nolint:errcheck // read only
		text, err := io.ReadAll(io.LimitReader(out.Body, strict.MaxSize+1)) // one that is larger is refused where it is read
		if err != nil {
			return nil, notFetched("s3://"+bucket+"/"+key, "", err)
		}
		return text, nil
	}
}

func parameterShelf(env aws.Config, folder string) shelf {
	client := ssm.NewFromConfig(env)
	return func(ctx context.Context, name string) ([]byte, error) {
		out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(folder + name), WithDecryption: aws.Bool(true)})
		if err != nil {
			return nil, notFetched("SSM parameter "+folder+name, "ssm:GetParameter on it", err)
		}
		if out.Parameter == nil {
			return nil, fmt.Errorf("SSM parameter %s%s has no value", folder, name)
		}
		return []byte(aws.ToString(out.Parameter.Value)), nil
	}
}

// notFetched tells what will not pass, and is for people to mend, from what may.
func notFetched(what, permission string, err error) error {
	code := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch code {
	case "NoSuchKey", "NoSuchBucket", "ParameterNotFound":
		return fmt.Errorf("there is no %s; see %s", what, envConfig)
	case "AccessDenied", "AccessDeniedException":
		return &gate.Trouble{
			Cause: gate.NoAccess, Text: "the configuration cannot be read: no access to " + what,
			Mend: "allow " + permission + " to the function's role, and see that it is there", Err: err,
		}
	default:
		return &gate.Trouble{
			Cause: gate.NotReadable, Text: "the configuration cannot be read right now: " + what,
			Mend: "retry the stage", Passing: true, Err: err,
		}
	}
}

func fetchInto(ctx context.Context, from shelf, root *os.Root, name string) ([]byte, error) {
	text, err := from(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	return text, root.WriteFile(name, text, 0o600)
}
