package webhook

import (
	"context"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Namespaces tells the labels of a namespace.
type Namespaces interface {
	// Labels returns the namespace's labels, for reading only. An error means that
	// nobody can say what holds there.
	Labels(ctx context.Context, namespace string) (map[string]string, error)
}

// LabelReader reads labels from an informer that holds the namespaces' metadata,
// and asks the API server for one that is not in it yet: a namespace and its first
// pod may be made in the same second.
type LabelReader struct {
	Informer client.Reader
	Live     client.Reader
	// Seldom bounds how often the API server is asked: who makes namespaces up could
	// have it asked about each. Nil: no bound.
	Seldom *rate.Limiter
}

// Labels implements [Namespaces]. A namespace that the informer knows costs no
// call.
func (r LabelReader) Labels(ctx context.Context, namespace string) (map[string]string, error) {
	found := namespaceMetadata()
	key := client.ObjectKey{Name: namespace}
	err := r.Informer.Get(ctx, key, found, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		if r.Seldom != nil {
			if err := r.Seldom.Wait(ctx); err != nil {
				return nil, err
			}
		}
		found = namespaceMetadata()
		err = r.Live.Get(ctx, key, found)
	}
	if err != nil {
		return nil, err
	}
	return found.Labels, nil
}

func namespaceMetadata() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return object
}
