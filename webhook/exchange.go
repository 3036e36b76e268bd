package webhook

import (
	encoding "encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

// The versions of reviews that are known: the same but for their names, and each is
// answered in its own.
const (
	reviewV1      = "admission.k8s.io/v1"
	reviewV1beta1 = "admission.k8s.io/v1beta1"
	reviewKind    = "AdmissionReview"
)

// incoming is a review as the API server sends it.
type incoming struct {
	APIVersion string                        `json:"apiVersion"`
	Kind       string                        `json:"kind"`
	Request    *admissionv1.AdmissionRequest `json:"request"`
}

// readReview reads a body of a length that is known. It stands in for
// controller-runtime's own reading, which decodes every body twice, by two slow
// decoders: that took twice as long as all there is to do for a cached image.
func readReview(r *http.Request) (incoming, error) {
	var in incoming
	if contentType := r.Header.Get("Content-Type"); contentType != "application/json" {
		return in, fmt.Errorf("the review is %q and not application/json", gate.Clip(contentType, 40))
	}
	raw := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, raw); err != nil {
		return in, fmt.Errorf("the review did not come whole: %w", err)
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, fmt.Errorf("the review cannot be read: %w", plainly(err))
	}
	switch {
	case in.Kind != reviewKind || in.APIVersion != reviewV1 && in.APIVersion != reviewV1beta1:
		return in, errors.New("it is no AdmissionReview of a version that is known")
	case in.Request == nil:
		return in, errors.New("the review holds no request")
	}
	return in, nil
}

// writeReview answers in the version that was asked in.
func writeReview(w http.ResponseWriter, version string, response admission.Response) error {
	raw, err := encoding.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: reviewKind},
		Response: &response.AdmissionResponse,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(raw)
	return err
}
