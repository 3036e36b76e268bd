package webhook

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

// A message has whole lines up to its limit. Other images have half of it at most, and
// come before the last of the findings.
func TestMessagesStayWithinTheirLimit(t *testing.T) {
	for name, test := range map[string]struct {
		limit         int
		lines, others []string
		want          string
	}{
		"what just fits":              {12, []string{"first", "second"}, nil, "first\nsecond"},
		"what just does not":          {11, []string{"first", "second"}, nil, "first"},
		"nothing after what does not": {11, []string{"first", "second", "3"}, nil, "first"},
		"the first line always":       {2, []string{"first", "second"}, nil, "first"},
		"another that is half of it":  {24, []string{"first"}, []string{strings.Repeat("x", 11)}, "first\n" + strings.Repeat("x", 11)},
		"another that is more":        {24, []string{"first"}, []string{strings.Repeat("x", 12)}, "first\nand 1 more images"},
		"others that are more":        {24, []string{"first"}, []string{"other", "again", "third"}, "first\nother\nagain\nand 1 more images"},
		"others, and one too long":    {24, []string{"first"}, []string{"other", "again!", "3"}, "first\nother\nand 2 more images"},
		"others before the findings":  {17, []string{"first", "second"}, []string{"other"}, "first\nother"},
		"others beside the findings":  {18, []string{"first", "second"}, []string{"other"}, "first\nsecond\nother"},
		"no escapes":                  {99, []string{"a\x1b[31mb\nc", "d\u202ee"}, nil, gate.Clean("a\x1b[31mb\nc") + "\n" + gate.Clean("d\u202ee")},
	} {
		if got := within(test.limit, test.lines, test.others); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := within(99, []string{"a\x1bb\nc"}, nil); strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("a line is not clean: %q", got)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	list := make([]string, maxWarnings+3)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	if got := bounded(list[:maxWarnings]); !slices.Equal(got, list[:maxWarnings]) {
		t.Errorf("as many as there may be: %q", got)
	}
	for more := 1; more <= 3; more++ {
		want := append(slices.Clone(list[:maxWarnings-1]), fmt.Sprintf("and %d more images", more+1))
		if got := bounded(list[:maxWarnings+more]); !slices.Equal(got, want) {
			t.Errorf("%d too many: %q", more, got)
		}
	}
	if list[maxWarnings-1] != fmt.Sprint(maxWarnings-1) {
		t.Error("the list that was given is changed")
	}
}

// Where in the pod an image stands is left out of a warning that has no room for it.
func TestPlaceIsLeftOutOfALongWarning(t *testing.T) {
	const prefix = "let in with a warning: "
	place := use{inContainer, "a", "image"}
	room := maxWarning - utf8.RuneCountInString(prefix+place.String()+": ")
	warning := func(n int) string {
		return objection{uses: []use{place}, verdict: gate.Verdict{Reason: strings.Repeat("x", n)}}.warning(prefix)
	}
	if got := warning(room); got != prefix+place.String()+": "+strings.Repeat("x", room) {
		t.Errorf("there is room for all of it: %q", got)
	}
	if got := warning(room + 1); got != prefix+strings.Repeat("x", room+1) {
		t.Errorf("there is no room for the place: %q", got)
	}
	if got := warning(5 * maxWarning); utf8.RuneCountInString(got) != maxWarning || !strings.HasSuffix(got, "…") {
		t.Errorf("%d characters: %q", utf8.RuneCountInString(got), got)
	}
}

// A review is an AdmissionReview of a known version that holds a request, and came
// whole.
func TestWhatIsAReview(t *testing.T) {
	read := func(body string, length int64) (incoming, error) {
		r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = length
		return readReview(r)
	}
	for body, want := range map[string]string{
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`:      "",
		`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1"}}`: "",
		`{"apiVersion":"admission.k8s.io/v2","kind":"AdmissionReview","request":{"uid":"1"}}`:      "no AdmissionReview of a version",
		`{"apiVersion":"admission.k8s.io/v1","kind":"Pod","request":{"uid":"1"}}`:                  "no AdmissionReview of a version",
		`{"apiVersion":"v1","kind":"Pod"}`:                                                         "no AdmissionReview of a version",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`:                            "holds no request",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":1}}`:        "cannot be read",
		`{`: "cannot be read",
	} {
		in, err := read(body, int64(len(body)))
		if want == "" {
			if err != nil || in.Request.UID != "1" {
				t.Errorf("%s: %v", body, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %q", body, err, want)
		}
	}
	whole := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`
	if _, err := read(whole, int64(len(whole))+1); err == nil || !strings.Contains(err.Error(), "did not come whole") {
		t.Errorf("a part of a review: %v", err)
	}
}

// An answer says that it is JSON, and of which version.
func TestAnswerIsJSON(t *testing.T) {
	for _, version := range []string{reviewV1, reviewV1beta1} {
		w := httptest.NewRecorder()
		if err := writeReview(w, version, admission.Allowed("")); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" || !strings.Contains(w.Body.String(), `"apiVersion":"`+version+`"`) {
			t.Errorf("%s: %s", got, w.Body)
		}
	}
}
