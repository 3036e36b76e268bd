package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// FuzzDecode: a token is remembered as far as it is one of ours, is never good for
// longer than a fresh job, and goes on as one that CodePipeline takes.
func FuzzDecode(f *testing.F) {
	f.Add(memory{deadline: noon}.encode())
	f.Add(memory{
		deadline: noon.Add(time.Hour), digests: map[string]string{imageKey("a"): digestA},
		readings: map[string]gate.Reading{digestA: {Fingerprint: "abcdefghijkl", At: noon}},
	}.encode())
	f.Add(`{"v":1,"t":1,"d":{"a":"b"},"r":{"c":["d","e"]}}`)
	f.Add(`{"v":1,"t":-9223372036854775808,"d":{"` + strings.Repeat("<", 1900) + `":"` + pack(digestA) + `"}}`)
	f.Add(`{"v":1,"t":9e99}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := decode(text, noon, time.Minute)
		if err != nil {
			wantMistake(t, err)
			return
		}
		if m.deadline.After(noon.Add(time.Minute)) {
			t.Errorf("%q waits longer than allowed", text)
		}
		for _, d := range m.digests {
			if !digestForm.MatchString(d) {
				t.Errorf("%q is no digest", d)
			}
		}
		next := m.encode()
		if len(next) > maxToken {
			t.Errorf("goes on as a token of %d characters", len(next))
		}
		again, err := decode(next, noon, time.Minute)
		if err != nil || len(again.digests) != len(m.digests) || m.encode() != next {
			t.Errorf("%s goes on as %s (%v)", text, next, err)
		}
	})
}

func wantMistake(t *testing.T, err error) {
	t.Helper()
	if !errors.As(err, new(mistake)) {
		t.Errorf("%T: %v", err, err)
	}
	wantSummary(t, misconfigured(err).summary)
}

// wantSummary holds what a person reads in the console to its form.
func wantSummary(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if gate.Clean(line) != line || !utf8.ValidString(line) {
			t.Errorf("no clean line: %q", line)
		}
	}
	if text == "" {
		t.Error("nobody is told anything")
	}
}

// FuzzImagesIn: a file that is taken names an image, and whichever image another
// reader would deploy by it is among those that are judged.
func FuzzImagesIn(f *testing.F) {
	f.Add([]byte(`{"ImageURI":"x:1","ImageDigest":"sha256:1"}`))
	f.Add([]byte("\xef\xbb\xbf" + ` {"ImageURI":"x@sha256:1","ImageDigest":"sha256:1","ImageTags":["1"]}`))
	f.Add([]byte(`[{"name":"a","imageUri":"x:1"},{"imageUri":"y"}]`))
	f.Add([]byte(`{"ImageURI":"x","imageURI":"y","ImageUR\u0049":"z"}`))
	f.Add([]byte(`{"ImageURI":"x","imageURI":"y"}`))
	f.Add([]byte(`[{"imageUri":"x","ImageUri":null}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		images, err := imagesIn(raw, "f")
		if err != nil {
			wantMistake(t, err)
			return
		}
		if len(images) == 0 || slices.Contains(images, "") {
			t.Errorf("no image and no mistake: %q", images)
		}
		for _, image := range deployed(raw) {
			if image != "" && !slices.Contains(images, image) {
				t.Errorf("%q would be deployed, and is not among %q", image, images)
			}
		}
	})
}

// deployed are the images of a file as a reader that minds no case reads it.
func deployed(raw []byte) []string {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	var detail struct{ ImageURI string }
	if json.Unmarshal(raw, &detail) == nil {
		return []string{detail.ImageURI}
	}
	var list []struct{ ImageURI string }
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var images []string
	for _, entry := range list {
		images = append(images, entry.ImageURI)
	}
	return images
}

// FuzzParameters: parameters that are taken are one JSON object or a bare image,
// every part of them is known, and what they name is what is judged.
func FuzzParameters(f *testing.F) {
	for _, text := range []string{
		"", "x:1", `{"Image":"x:1","MaxWait":5}`, `{"Image":"x"}]`, `{"Image":"x"}{"Image":"y"}`, `{"Image":"x","image":"y"}`, `["x"]`, `"x"`,
		`{"Repository":"shop/web","ImageTag":"1","Region":"eu-west-1","RegistryId":"111122223333"}`,
		`{"Repository":"a","ImageDigest":"` + digestA + `","Mode":"WARN","Policy":" dev "}`,
		"{\u202e\u009b31m", `{"Image":"#{build.URI}"}`, `{"Image":"x","MaxWait":"-1"}`, "{\"\u202e\u009b31m\":\"\"}", `{"MaxWait":1e3,"File":"../x","Image":null}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		given, err := parameters(text)
		if err != nil {
			wantMistake(t, err)
			return
		}
		trimmed := strings.TrimSpace(text)
		if strings.HasPrefix(trimmed, "{") && !json.Valid([]byte(trimmed)) {
			t.Errorf("%q is no JSON, and was taken for some", text)
		}
		o, err := readOrder(given, place{"111122223333", "eu-west-1"}, time.Minute, someRegistry)
		if err != nil {
			wantMistake(t, err)
			return
		}
		if o.maxWait < 0 || o.maxWait > longestWait || o.warn && !strings.EqualFold(strings.TrimSpace(given["Mode"]), "warn") {
			t.Errorf("%q: %+v", text, o)
		}
		var simple struct{ Image string }
		if json.Unmarshal([]byte(trimmed), &simple) != nil && trimmed != "" && trimmed[0] != '{' {
			simple.Image = trimmed
		}
		if image := strings.TrimSpace(simple.Image); image != "" && !slices.Contains(o.images, image) {
			t.Errorf("%q names %q, and %q are judged", text, image, o.images)
		}
	})
}

func someRegistry(account, region string) (string, bool) {
	return account + ".dkr.ecr." + region + ".amazonaws.com", strings.HasPrefix(region, "eu-")
}

// store answers as S3 and CodePipeline do: with one archive at any key, and it notes
// what is put.
type store struct {
	archive []byte
	mu      sync.Mutex
	put     []string // targets
	reports [][]byte
}

func (s *store) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.put, s.reports = append(s.put, target[strings.LastIndexByte(target, '.')+1:]), append(s.reports, body)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, err = w.WriteString("{}")
		return w.Result(), err
	}
	if r.Method == http.MethodPut {
		return w.Result(), nil
	}
	http.ServeContent(w, r, "a.zip", time.Time{}, bytes.NewReader(s.archive))
	return w.Result(), nil
}

func (s *store) config() aws.Config {
	return aws.Config{
		Region: "eu-west-1", HTTPClient: s, BaseEndpoint: aws.String("http://aws.test"), Credentials: aws.AnonymousCredentials{},
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// zipped is an archive of these files.
func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := archive.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzArtifact: of an archive, of any bytes or sound with any file in it, every
// image is judged that an action after this one could deploy by it; one in which
// none is found holds none.
func FuzzArtifact(f *testing.F) {
	const detail, definitions = `{"ImageURI":"x:1"}`, `[{"name":"a","imageUri":"y:1"}]`
	f.Add(zipped(f, "imageDetail.json", detail), "", "")
	f.Add(zipped(f, "imageDetail.json", detail, "imagedefinitions.json", definitions), "", "")
	f.Add(zipped(f, "imageDetail.json", detail, "imageDetail.json", definitions), "", "")
	f.Add(zipped(f, "a/b/c", "x", "imagedefinitions.json", definitions)[3:], "", "")
	f.Add(zipped(f, "imageDetail.json", strings.Repeat(" ", 2*maxFile)), "", "")
	f.Add([]byte{}, "./imageDetail.json", detail)
	f.Add([]byte{}, `x\..\imageDetail.json`, definitions)
	f.Add([]byte{}, "imagedefinitions.json", `[{"imageUri":"x"},`)
	f.Add([]byte("PK\x05\x06"+strings.Repeat("\xff", 18)), "", "")
	f.Fuzz(func(t *testing.T, raw []byte, name, content string) {
		if strings.HasSuffix(name, "/") {
			return // a folder, which holds no text
		}
		if name != "" {
			raw = zipped(t, "imagedefinitions.json", definitions, name, content)
		}
		s := &store{archive: raw}
		d := (&desk{config: s.config()}).ready()
		artifact := types.Artifact{Name: aws.String("build"), Location: &types.ArtifactLocation{
			S3Location: &types.S3ArtifactLocation{BucketName: aws.String("b"), ObjectKey: aws.String("k")},
		}}
		images, found, err := readArtifact(t.Context(), d.artifactStore(&types.JobData{}), artifact, usualFiles)
		if err != nil {
			wantMistake(t, err)
			return
		}
		if found == (len(images) == 0) {
			t.Errorf("found %t, images %q", found, images)
		}
		for _, image := range unpacked(raw) {
			if !slices.Contains(images, image) {
				t.Errorf("%q would be deployed, and is not among %q", image, images)
			}
		}
	})
}

// unpacked are the images of the usual files once an archive is unpacked into a
// folder.
func unpacked(raw []byte) []string {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil
	}
	var images []string
	for _, file := range archive.File {
		if !slices.Contains(usualFiles, path.Clean(file.Name)) {
			continue
		}
		r, err := file.Open()
		if err != nil {
			continue
		}
		content, err := io.ReadAll(r)
		if err == nil {
			images = append(images, deployed(content)...)
		}
	}
	return images
}

// picky allows these images and no others, and remembers which it was asked about.
type picky struct {
	good  []string
	mu    sync.Mutex
	asked []string
}

func (p *picky) Check(_ context.Context, req gate.Request) gate.Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, req.Image)
	if slices.Contains(p.good, req.Image) && (req.Digest == "" || req.Digest == digestA) {
		return gate.Verdict{Image: req.Image, Outcome: gate.Allowed, Cause: gate.WithinPolicy, Reason: "image allowed", Digest: digestA}
	}
	return gate.Verdict{Image: req.Image, Outcome: gate.Denied, Cause: gate.OverPolicy, Reason: "image not allowed"}
}

// FuzzJob sends events through the whole function. Each that has a job's id ends in
// one report, of the form that CodePipeline takes; and none succeeds unless every
// image that the job names was judged and allowed.
func FuzzJob(f *testing.F) {
	event := func(data string) []byte {
		return []byte(`{"CodePipeline.job":{"id":"11111111-abcd-1111-abcd-111111abcdef","accountId":"111122223333","data":` + data + `}}`)
	}
	parameters := func(text string) string {
		quoted, err := json.Marshal(text)
		if err != nil {
			f.Fatal(err)
		}
		return `"actionConfiguration":{"configuration":{"FunctionName":"f","UserParameters":` + string(quoted) + `}}`
	}
	const at = `{"name":"build","location":{"type":"S3","s3Location":{"bucketName":"b","objectKey":"k"}}}`
	const credentials = `"artifactCredentials":{"accessKeyId":"a","secretAccessKey":"b","sessionToken":"c"}`
	f.Add(event(`{` + parameters("good:1") + `}`))
	f.Add(event(`{` + parameters(`{"Image":"bad:1"}`) + `,"inputArtifacts":[` + at + `],` + credentials + `}`))
	f.Add(event(`{` + parameters(`{"Mode":"warn"}`) + `,"inputArtifacts":[` + at + `],"outputArtifacts":[` + at + `],"encryptionKey":{"id":"k","type":"KMS"}}`))
	f.Add(event(`{"inputArtifacts":[` + at + `,{}],"continuationToken":"{\"v\":1,\"t\":0}"}`))
	f.Add(event(`{` + parameters("good:1\u202e") + `,"continuationToken":"x"}`))
	f.Add(event("null"))
	f.Add([]byte(`{"CodePipeline.job":{"id":"","data":7}}`))
	f.Add([]byte(`{"CodePipeline.job":[]}`))
	archive := zipped(f, "imageDetail.json", `{"ImageURI":"good:2"}`)
	f.Fuzz(func(t *testing.T, event []byte) {
		s, judge := &store{archive: archive}, &picky{good: []string{"good:1", "good:2"}}
		function := Function{
			Config: s.config(), RegistryHost: someRegistry, Enforce: true, Now: func() time.Time { return noon },
			Gate: func(context.Context) (Checker, time.Duration, error) { return judge, time.Minute, nil },
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // a job that is handed back is held for a part of it
		defer cancel()
		if err := function.Handle(ctx, event); err != nil {
			if len(s.put) > 0 {
				t.Errorf("%v was reported, and then: %v", s.put, err)
			}
			return
		}
		if len(s.put) != 1 {
			t.Fatalf("reported %v", s.put)
		}
		goesOn := wantReport(t, s.reports[0])
		if s.put[0] != "PutJobSuccessResult" || goesOn {
			return
		}
		for _, image := range judge.asked {
			if !slices.Contains(judge.good, image) {
				t.Errorf("a success, with %q", image)
			}
		}
		if len(judge.asked) == 0 {
			t.Errorf("a success, and nothing was judged")
		}
	})
}

// wantReport holds a report to its form, and tells if the job goes on after it.
func wantReport(t *testing.T, body []byte) (goesOn bool) {
	t.Helper()
	var in struct {
		ContinuationToken string
		ExecutionDetails  struct{ Summary string }
		FailureDetails    struct{ Type, Message string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	if in.FailureDetails.Type != "" {
		wantSummary(t, in.FailureDetails.Message)
	} else {
		wantSummary(t, in.ExecutionDetails.Summary)
	}
	if utf8.RuneCountInString(in.FailureDetails.Message) > maxMessage || utf8.RuneCountInString(in.ExecutionDetails.Summary) > maxSummary {
		t.Errorf("longer than CodePipeline takes: %s", body)
	}
	return in.ContinuationToken != ""
}
