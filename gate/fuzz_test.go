package gate

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// imageID is a digest, or the beginning of one, as containerd looks for it.
var imageID = regexp.MustCompile(`^sha(256|384|512):[0-9a-f]+$`)

// FuzzParseImage: what is read has one normal form, which is read as the same
// image; what is not read is told in one clean sentence. Nothing is read that a node
// takes for an image's ID.
func FuzzParseImage(f *testing.F) {
	hex := strings.Repeat("ab", 32)
	for _, seed := range []string{
		"", "nginx", "nginx:1", registry + "/shop/web:1.4@sha256:" + hex, strings.ToUpper(registry) + ":443/shop/web",
		"[::1]:5000/x", "https://x/y", "localhost/x", "a b", registry + "/x@sha256:abc", "x.y:443:443/z", "Foo/bar", "DOCKER.IO/x",
		"[5]:000/x", "x.y:0443/z", "x.y:05/z", registry + "/web\u202e\x1b[31m\n",
		"sha256:" + hex, "sha256:" + hex[:12], "sha512:" + hex + hex, "library/sha256:" + hex,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		img, err := ParseImage(written)
		if err != nil {
			if img != (Image{}) {
				t.Errorf("an image beside the error: %+v", img)
			}
			v := (&Gate{}).Check(t.Context(), Request{Image: written})
			wantSentence(t, v.Reason)
			if v.Outcome != Unavailable || v.Cause != BadReference || v.Passing {
				t.Errorf("%s, %s, passing %t", v.Outcome, v.Cause, v.Passing)
			}
			return
		}
		if img.Registry != strings.ToLower(img.Registry) || strings.HasSuffix(img.Registry, ":443") {
			t.Errorf("registry %q is not in normal form", img.Registry)
		}
		if img.Repository == "" || img.Tag == "" && img.Digest == "" {
			t.Errorf("nothing to ask for: %+v", img)
		}
		if imageID.MatchString(written) {
			t.Errorf("to a node %q is an image's ID; it was read as %+v", written, img)
		}
		// A host that only capitals or a port told from a folder of Docker Hub, and
		// Docker Hub itself, lose that in normal form. None of them is ECR.
		if !strings.ContainsAny(img.Registry, ".:") || strings.HasSuffix(img.Registry, "docker.io") {
			return
		}
		for _, text := range []string{img.String(), img.Pinned()} {
			again, err := ParseImage(text)
			if err != nil {
				t.Fatalf("%q does not parse: %v", text, err)
			}
			if again.Registry != img.Registry || again.Repository != img.Repository {
				t.Errorf("%q became %+v, was %+v", text, again, img)
			}
		}
	})
}

// wantSentence holds a verdict's sentence to its form.
func wantSentence(t *testing.T, sentence string) {
	t.Helper()
	if n := utf8.RuneCountInString(sentence); n == 0 || n > MaxSentence || Clean(sentence) != sentence || !utf8.ValidString(sentence) {
		t.Errorf("no clean sentence of at most %d characters: %q", MaxSentence, sentence)
	}
}

// FuzzGlob: a glob that is taken is matched in time that its length bounds, by
// policies and exceptions alike.
func FuzzGlob(f *testing.F) {
	f.Add("**/shop/*", "shop/web")
	f.Add("{111122223333,444455556666}.dkr.ecr.*.amazonaws.com/{shop,mall}/**", "shop/web")
	f.Add("usr/lib/[a-z]?*/**/lib{ssl,crypto}.so*", "usr/lib/x86_64/libssl.so.3")
	f.Add(strings.Repeat("{,a}", 30)+"b", strings.Repeat("a", 60))
	f.Add(strings.Repeat("*a", 60)+"b", strings.Repeat("a", 300))
	f.Add(strings.Repeat("**/{a,*}/", 9)+"b", strings.Repeat("a/", 300))
	f.Add(strings.Repeat("{[}],?,?,?}", 30), "a")
	f.Fuzz(func(t *testing.T, glob, name string) {
		if len(glob)+len(name) > maxReference || ValidateGlob(glob) != nil {
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Policy{Images: []string{glob}}.Matches(Image{Registry: "r", Repository: name})
			Exception{Repositories: []string{glob}}.namesRepository(Image{Registry: "r", Repository: name})
		}()
		select {
		case <-done:
		case <-time.After(5 * time.Second): // on a machine that has much else to do, too
			t.Fatalf("%q takes too long over %q", glob, name)
		}
	})
}

// FuzzPack: a scan comes out of the cache as it went in, whatever it holds.
func FuzzPack(f *testing.F) {
	numbers := rand.NewChaCha8([32]byte{})
	for range 8 {
		data := make([]byte, 8192) // rapid draws a scan from these
		if _, err := numbers.Read(data); err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		want := anyScan(t)
		packed := pack(want)
		if diff := cmp.Diff(want, packed.unpack()); diff != "" {
			t.Fatal(diff)
		}
		if most := 1000 + 100*len(want.Findings) + textBytes(want); len(packed.blob) > most {
			t.Errorf("%d bytes for texts of %d", len(packed.blob), textBytes(want))
		}
	}))
}

func textBytes(s Scan) int {
	n := len(s.Platform) + len(s.Digest) + len(s.Type) + len(s.Status) + len(s.Description)
	if s.Previous != nil {
		n += len(s.Previous.Fingerprint)
	}
	for _, f := range s.Findings {
		n += len(f.ID) + len(f.Title) + len(f.URL) + len(strings.Join(f.Related, ""))
		for _, p := range f.Packages {
			n += len(p.Name) + len(p.Version) + len(p.FixedIn) + len(p.Path) + len(p.PURL)
		}
	}
	return n
}
