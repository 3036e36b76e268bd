package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestTokenRoundTrip(t *testing.T) {
	m := memory{
		deadline: noon.Add(10 * time.Minute),
		digests:  map[string]string{imageKey("shop/web:1"): digestA},
		readings: map[string]gate.Reading{digestA: {Fingerprint: "abc", At: noon.Add(1500 * time.Millisecond)}},
	}
	got, err := decode(m.encode(), noon, 20*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got, cmp.AllowUnexported(memory{}), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
	if got.digest("shop/web:1") != digestA || got.digest("shop/web:2") != "" {
		t.Error("a digest belongs to the image it was resolved for, and to no other")
	}
}

func TestTokenStaysWithinLimits(t *testing.T) {
	m, err := decode("", noon, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxImages {
		digest := fmt.Sprintf("sha256:%064x", i+1)
		m.digests[imageKey(digest)] = digest
		m.readings[digest] = gate.Reading{Fingerprint: strings.Repeat("f", 12), At: noon}
	}
	text := m.encode()
	if len(text) > maxToken {
		t.Fatalf("token of %d characters", len(text))
	}
	got, err := decode(text, noon, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.digests) != maxImages {
		t.Errorf("%d of %d digests survived", len(got.digests), maxImages)
	}
}

func TestTokenDeadlineNeverGrows(t *testing.T) {
	late := memory{deadline: noon.Add(100 * time.Hour)}.encode()
	got, err := decode(late, noon, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(time.Minute); !got.deadline.Equal(want) {
		t.Errorf("deadline %s, want %s", got.deadline, want)
	}
}

func TestForeignTokenIsRefused(t *testing.T) {
	for _, text := range []string{"x", "{}", `{"v":2}`, "[]", "null", `{"v":1,"d":7}`} {
		if _, err := decode(text, noon, time.Minute); err == nil {
			t.Errorf("%s was taken for a token", text)
		}
	}
}

// Two names of one key would have one image judged by the other's digest, and
// whoever names the images may search for them: 48 bits took ten seconds.
func TestImageKeyIsLong(t *testing.T) {
	if bits := len(imageKey("x")) * 6; bits < 128 {
		t.Errorf("a key of %d bits", bits)
	}
}
