package webhook

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// store is a Secret and a webhook configuration in a cluster, and a rotation that
// follows them.
type store struct {
	t       *testing.T
	client  client.Client
	r       *rotation
	now     time.Time
	written int
	failing error // what reading the configuration fails with
}

func newStore(t *testing.T) *store {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &store{t: t, now: time.Now()}
	secret := types.NamespacedName{Namespace: "gate", Name: secretName("ecr-gate")}
	s.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name}}, bundled(nil),
	).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if _, ok := object.(*admissionregistrationv1.ValidatingWebhookConfiguration); ok && s.failing != nil {
				return s.failing
			}
			return c.Get(ctx, key, object, options...)
		},
	}).Build()
	s.r = &rotation{
		dir: t.TempDir(), secret: secret, config: "ecr-gate", dnsName: testName, reader: s.client,
		log: slog.New(slog.DiscardHandler), now: func() time.Time { return s.now }, written: func() { s.written++ },
	}
	return s
}

// put is what cert-controller does to the Secret.
func (s *store) put(ca []byte, pair issued) {
	s.t.Helper()
	var secret corev1.Secret
	if err := s.client.Get(s.t.Context(), s.r.secret, &secret); err != nil {
		s.t.Fatal(err)
	}
	secret.Data = map[string][]byte{caFile: ca, certFile: pair.cert, keyFile: pair.key}
	if err := s.client.Update(s.t.Context(), &secret); err != nil {
		s.t.Fatal(err)
	}
}

// trust is what cert-controller does to the webhook configuration.
func (s *store) trust(bundle []byte) {
	s.t.Helper()
	var config admissionregistrationv1.ValidatingWebhookConfiguration
	if err := s.client.Get(s.t.Context(), client.ObjectKey{Name: "ecr-gate"}, &config); err != nil {
		s.t.Fatal(err)
	}
	config.Webhooks[0].ClientConfig.CABundle = bundle
	if err := s.client.Update(s.t.Context(), &config); err != nil {
		s.t.Fatal(err)
	}
}

// reconcile returns what is served now, and when to look again.
func (s *store) reconcile() ([]byte, time.Duration) {
	s.t.Helper()
	result, err := s.r.Reconcile(s.t.Context(), reconcile.Request{NamespacedName: s.r.secret})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.serving(), result.RequeueAfter
}

func (s *store) serving() []byte {
	s.t.Helper()
	serving, err := os.ReadFile(filepath.Join(s.r.dir, certFile))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return serving
}

func (s *store) want(name string, serving []byte, again time.Duration) {
	s.t.Helper()
	if got, wait := s.reconcile(); !bytes.Equal(got, serving) || wait != again {
		s.t.Errorf("%s: served as wanted %t, again in %s, want %s", name, bytes.Equal(got, serving), wait, again)
	}
}

// The first certificate is served at once; a new one once the API servers trust it,
// and have had the time to learn so.
func TestRotationOrder(t *testing.T) {
	s := newStore(t)
	old, next := newAuthority(t, "ca", nil), newAuthority(t, "ca", nil)
	first, second := old.issue(t, nil), next.issue(t, nil)
	s.want("an empty Secret", nil, 0)
	s.put(old.pem, first)
	s.want("the first, before anybody trusts it", first.cert, 0)
	s.trust(old.pem)
	s.want("nothing new", first.cert, 0)
	if s.written != 1 {
		t.Errorf("written %d times", s.written)
	}

	s.put(next.pem, second)
	s.want("the second, which nobody trusts yet", first.cert, seenByAll)
	s.now = s.now.Add(time.Minute)
	s.want("nor later", first.cert, seenByAll)
	s.trust(append(bytes.Clone(next.pem), old.pem...))
	s.want("now they trust it", first.cert, seenByAll)
	s.now = s.now.Add(seenByAll - time.Millisecond)
	s.want("not all may have seen so", first.cert, time.Millisecond)
	s.now = s.now.Add(time.Millisecond)
	s.want("all have", second.cert, 0)
	if key, err := os.ReadFile(filepath.Join(s.r.dir, keyFile)); err != nil || !validPair(s.serving(), key) {
		t.Errorf("certificate and key do not fit: %v", err)
	}
	if s.written != 2 {
		t.Errorf("written %d times", s.written)
	}
}

// A bundle that is taken back, or a third certificate, begins the wait anew.
func TestRotationBeginsAnew(t *testing.T) {
	s := newStore(t)
	old, next := newAuthority(t, "ca", nil), newAuthority(t, "ca", nil)
	first, second, third := old.issue(t, nil), next.issue(t, nil), next.issue(t, nil)
	both := append(bytes.Clone(next.pem), old.pem...)
	s.trust(old.pem)
	s.put(old.pem, first)
	s.want("the first", first.cert, 0)
	s.trust(both)
	s.put(next.pem, second)
	s.want("the second waits", first.cert, seenByAll)
	s.now = s.now.Add(time.Second)
	s.trust(old.pem)
	s.want("the bundle is taken back", first.cert, seenByAll)
	s.trust(both)
	s.now = s.now.Add(time.Second)
	s.want("and comes again", first.cert, seenByAll)
	s.now = s.now.Add(time.Second)
	s.put(next.pem, third)
	s.want("a third", first.cert, seenByAll)
	s.now = s.now.Add(seenByAll)
	s.want("all have seen it", third.cert, 0)
}

// What is served and not trusted is no reason to wait: the new one is no worse.
func TestRotationWhenNothingIsTrusted(t *testing.T) {
	s := newStore(t)
	old, next := newAuthority(t, "ca", nil), newAuthority(t, "ca", nil)
	first, second := old.issue(t, nil), next.issue(t, nil)
	s.put(old.pem, first)
	s.want("the first", first.cert, 0)
	s.put(next.pem, second)
	s.want("neither is trusted", second.cert, 0)
}

// What is no pair is left alone, and so is every other Secret; a configuration that
// cannot be read is tried again.
func TestRotationLeavesAlone(t *testing.T) {
	s := newStore(t)
	ca := newAuthority(t, "ca", nil)
	first, second := ca.issue(t, nil), ca.issue(t, nil)
	s.trust(ca.pem)
	s.put(ca.pem, issued{first.cert, second.key})
	s.want("a key of another certificate", nil, 0)
	s.put(ca.pem, issued{first.cert, nil})
	s.want("no key", nil, 0)
	s.put(ca.pem, first)
	other := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "gate", Name: "other"}}
	if _, err := s.r.Reconcile(t.Context(), other); err != nil || s.serving() != nil {
		t.Errorf("another Secret: %v", err)
	}
	s.want("the pair", first.cert, 0)
	s.put(ca.pem, issued{second.cert, first.key})
	s.want("no pair takes the place of a pair", first.cert, 0)
	s.put(ca.pem, second)
	s.failing = errors.New("etcd is down")
	if _, err := s.r.Reconcile(t.Context(), reconcile.Request{NamespacedName: s.r.secret}); err == nil || !bytes.Equal(s.serving(), first.cert) {
		t.Errorf("the configuration cannot be read: %v", err)
	}
	s.failing = nil
	var secret corev1.Secret
	if err := s.client.Get(t.Context(), s.r.secret, &secret); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Delete(t.Context(), &secret); err != nil {
		t.Fatal(err)
	}
	s.want("the Secret is gone", first.cert, 0)
}

// The previous CA stays beside the new one, and no older.
func TestWithPrevious(t *testing.T) {
	a, b, c := newAuthority(t, "ca", nil).pem, newAuthority(t, "ca", nil).pem, newAuthority(t, "ca", nil).pem
	join := func(list ...[]byte) []byte { return bytes.Join(list, nil) }
	for name, tc := range map[string]struct{ bundle, before, want []byte }{
		"the first":               {a, nil, a},
		"before is none":          {a, []byte("x"), a},
		"another":                 {b, a, join(b, a)},
		"a third":                 {c, join(b, a), join(c, b)},
		"the same":                {a, a, a},
		"the same, with previous": {b, join(b, a), join(b, a)},
		"no bundle":               {nil, a, nil},
	} {
		if got := withPrevious(tc.bundle, tc.before); !bytes.Equal(got, tc.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tc.want)
		}
	}
	bundle := a
	for range 5 {
		bundle = withPrevious(newAuthority(t, "ca", nil).pem, bundle)
		if n := bytes.Count(bundle, []byte("BEGIN CERTIFICATE")); n != 2 {
			t.Errorf("%d certificates", n)
		}
	}
}

// Through cert-controller's client: both CAs are in the Secret for as long as it
// takes, so certificates of either are trusted; other objects are not touched.
func TestOverlappingClient(t *testing.T) {
	s := newStore(t)
	old, next := newAuthority(t, "ca", nil), newAuthority(t, "ca", nil)
	first, second := old.issue(t, nil), next.issue(t, nil)
	s.put(old.pem, first)
	overlap := overlappingClient{s.client, s.client, s.r.secret}
	var secret corev1.Secret
	if err := overlap.Get(t.Context(), s.r.secret, &secret); err != nil {
		t.Fatal(err)
	}
	secret.Data[caFile], secret.Data[certFile], secret.Data[keyFile] = next.pem, second.cert, second.key
	if err := overlap.Update(t.Context(), &secret); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Get(t.Context(), s.r.secret, &secret); err != nil {
		t.Fatal(err)
	}
	for _, pair := range []issued{first, second} {
		if err := trusted(pair.cert, testName, bundled(secret.Data[caFile]), time.Now()); err != nil {
			t.Error(err)
		}
	}
	other := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "gate", Name: "other"}, Data: map[string][]byte{caFile: old.pem}}
	if err := s.client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	other.Data[caFile] = next.pem
	if err := overlap.Update(t.Context(), other); err != nil || !bytes.Equal(other.Data[caFile], next.pem) {
		t.Errorf("another Secret was changed: %v", err)
	}
	gone := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "gate", Name: secret.Name}, Data: map[string][]byte{caFile: next.pem}}
	if err := s.client.Delete(t.Context(), &secret); err != nil {
		t.Fatal(err)
	}
	if err := overlap.Update(t.Context(), gone); err == nil {
		t.Error("a Secret that is gone was updated")
	}
}
