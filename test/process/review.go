package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Answer is what the webhook says to a pod.
type Answer struct {
	Allowed  bool
	Message  string   // of a refusal
	Warnings []string // to whoever applies the pod
	UID      string
	Took     time.Duration
}

// Review asks whether a pod of these images may be made. Its containers are called
// c0, c1 and so on. An error means that there was no answer.
func (p *Process) Review(ctx context.Context, images ...string) (Answer, error) {
	return p.Ask(ctx, Pod(images...))
}

// Pod is the body of a review of a new pod of these images, as the API server
// sends it.
func Pod(images ...string) []byte {
	containers := make([]any, len(images))
	for i, image := range images {
		containers[i] = object{"name": "c" + strconv.Itoa(i), "image": image}
	}
	body, err := json.Marshal(object{
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
		"request": object{
			"uid":  "8a1e598b-cc4b-49b7-a465-bee6204c18db",
			"kind": object{"version": "v1", "kind": "Pod"}, "resource": object{"version": "v1", "resource": "pods"},
			"requestKind": object{"version": "v1", "kind": "Pod"}, "requestResource": object{"version": "v1", "resource": "pods"},
			"namespace": "dev", "operation": "CREATE",
			"object": object{
				"apiVersion": "v1", "kind": "Pod", "metadata": object{"generateName": "web-", "namespace": "dev"},
				"spec": object{"containers": containers},
			},
		},
	})
	if err != nil {
		panic(err) // maps and texts cannot fail
	}
	return body
}

type object = map[string]any

// Ask sends the body of a review.
func (p *Process) Ask(ctx context.Context, body []byte) (Answer, error) {
	return p.AskBy(ctx, p.client, body)
}

// AskBy sends it by a client of the caller's own.
func (p *Process) AskBy(ctx context.Context, client *http.Client, body []byte) (Answer, error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.hook+"?timeout=10s", bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	var review struct {
		Response *struct {
			UID      string   `json:"uid"`
			Allowed  bool     `json:"allowed"`
			Warnings []string `json:"warnings"`
			Status   struct {
				Message string `json:"message"`
			} `json:"status"`
		} `json:"response"`
	}
	if err := json.Unmarshal(raw, &review); err != nil || review.Response == nil {
		return Answer{}, fmt.Errorf("HTTP %d with no review in it: %.200q", response.StatusCode, raw)
	}
	r := review.Response
	return Answer{Allowed: r.Allowed, Message: r.Status.Message, Warnings: r.Warnings, UID: r.UID, Took: time.Since(began)}, nil
}

// CloseIdle closes connections to the webhook that nothing is sent on.
func (p *Process) CloseIdle() { p.client.CloseIdleConnections() }
