package awslocal

import (
	"net/http"
	"strings"
)

// s3Operation names a REST request the way the SDK does, for Calls and Fault.
func s3Operation(r *http.Request) string {
	bucket, key, _ := strings.Cut(objectPath(r), "/")
	switch {
	case bucket == "":
		return "ListBuckets"
	case key == "":
		return bucketOperation(r)
	}
	return objectOperation(r)
}

func bucketOperation(r *http.Request) string {
	switch r.Method {
	case http.MethodPut:
		return "CreateBucket"
	case http.MethodHead:
		return "HeadBucket"
	case http.MethodDelete:
		return "DeleteBucket"
	case http.MethodPost:
		return "DeleteObjects"
	}
	switch query := r.URL.Query(); {
	case query.Has("location"):
		return "GetBucketLocation"
	case query.Get("list-type") == "2":
		return "ListObjectsV2"
	}
	return "ListObjects"
}

func objectOperation(r *http.Request) string {
	query := r.URL.Query()
	switch r.Method {
	case http.MethodHead:
		return "HeadObject"
	case http.MethodDelete:
		return "DeleteObject"
	case http.MethodPost:
		if query.Has("uploads") {
			return "CreateMultipartUpload"
		}
		return "CompleteMultipartUpload"
	case http.MethodPut:
		switch {
		case query.Has("partNumber"):
			return "UploadPart"
		case r.Header.Get("X-Amz-Copy-Source") != "":
			return "CopyObject"
		}
		return "PutObject"
	}
	return "GetObject"
}
