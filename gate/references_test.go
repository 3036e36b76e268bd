package gate

import (
	"fmt"
	"testing"
)

// What is remembered is what ParseImage says, for good and for bad, and there is an
// end to it.
func TestReferencesAreReadAsEver(t *testing.T) {
	var r references
	for _, written := range []string{"nginx", "Not A Reference", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4", ""} {
		want, wantErr := ParseImage(written)
		for range 2 {
			got, err := r.parse(written, nil)
			if got != want || (err == nil) != (wantErr == nil) {
				t.Errorf("%q: got %+v, %v; want %+v, %v", written, got, err, want, wantErr)
			}
		}
	}
	if len(r.known) != 2 {
		t.Errorf("%d are remembered", len(r.known))
	}
	shout := func(registry string) string { return "the one and only " + registry }
	for range 2 {
		got, err := r.parse("example.com/shop/web", shout)
		if err != nil || got.Registry != "the one and only example.com" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	for i := range 2 * maxReferences {
		if _, err := r.parse(fmt.Sprintf("shop/web:%d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.known) > maxReferences {
		t.Errorf("%d are remembered", len(r.known))
	}
}
