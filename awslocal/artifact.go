package awslocal

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// completed fills in what a job's specification leaves out and puts its input
// artifacts into the store.
func (p *pipelineService) completed(spec Job) Job {
	spec.Account = cmp.Or(spec.Account, p.opts.Account)
	spec.Category = cmp.Or(spec.Category, "Test")
	spec.Provider = cmp.Or(spec.Provider, "EcrGate")
	spec.Version = cmp.Or(spec.Version, "1")
	spec.Pipeline = cmp.Or(spec.Pipeline, "pipeline")
	spec.Stage = cmp.Or(spec.Stage, "stage")
	spec.Action = cmp.Or(spec.Action, "action")
	spec.Deliveries = max(spec.Deliveries, 1)
	spec.InputArtifacts = p.located(spec, spec.InputArtifacts)
	spec.OutputArtifacts = p.located(spec, spec.OutputArtifacts)
	for _, a := range spec.InputArtifacts {
		p.fill(a)
	}
	return spec
}

// located returns copies with a bucket and a key; the key has no extension, as
// CodePipeline's have none.
func (p *pipelineService) located(spec Job, artifacts []Artifact) []Artifact {
	located := slices.Clone(artifacts)
	for i := range located {
		a := &located[i]
		p.issued++
		a.Name = cmp.Or(a.Name, "artifact")
		a.Bucket = cmp.Or(a.Bucket, "codepipeline-"+p.opts.Region+"-"+p.opts.Account)
		a.Key = cmp.Or(a.Key, fmt.Sprintf("%s/%s/%07d", spec.Pipeline, a.Name, p.issued))
		_ = p.store.makeBucket(a.Bucket)
		p.store.addArtifact(a.path())
	}
	return located
}

func (a Artifact) path() string { return a.Bucket + "/" + a.Key }

func (p *pipelineService) fill(a Artifact) {
	body := a.Raw
	if body == nil {
		body = zipped(a.Files)
	}
	// The in-memory backend refuses nothing but a bad bucket name.
	if !a.NoSuchObject {
		_ = p.store.put(a.Bucket, a.Key, body)
	}
}

// zipped is the same for the same files.
func zipped(files map[string][]byte) []byte {
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		// A bytes.Buffer takes everything.
		file, _ := archive.Create(name)
		_, _ = file.Write(files[name])
	}
	_ = archive.Close()
	return buffer.Bytes()
}

// grants opens the job's artifacts to a key.
func (j *job) grants() grants {
	g := grants{}
	for _, a := range j.InputArtifacts {
		g[a.path()] = false
	}
	for _, a := range j.OutputArtifacts {
		g[a.path()] = true
	}
	return g
}
