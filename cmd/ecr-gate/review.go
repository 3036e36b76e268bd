package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// podReview is what the API server asks about a new pod.
func podReview(namespace, name, image string) *admissionv1.AdmissionRequest {
	pod, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": name, "namespace": namespace},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": name, "image": image}}},
	})
	if err != nil {
		panic(err) // maps of text
	}
	return &admissionv1.AdmissionRequest{
		UID:       types.UID(rand.Text()),
		Kind:      metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
		Resource:  metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Namespace: namespace, Name: name, Operation: admissionv1.Create,
		Object: runtime.RawExtension{Raw: pod},
	}
}

// sendReview sends one review and returns the answer to it.
func sendReview(ctx context.Context, client *http.Client, url string, review *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, error) {
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: review,
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %s", answer.Status)
	}
	var reviewed admissionv1.AdmissionReview
	if err := json.Unmarshal(raw, &reviewed); err != nil {
		return nil, fmt.Errorf("the answer is no admission review: %w", err)
	}
	if reviewed.Response == nil || reviewed.Response.UID != review.UID {
		return nil, errors.New("the answer is for another review")
	}
	return reviewed.Response, nil
}
