package gate

import (
	"errors"
	"strings"
	"testing"
)

func TestParseImage(t *testing.T) {
	hex := strings.Repeat("ab", 32)
	digest := "sha256:" + hex
	sha512 := "sha512:" + strings.Repeat("ab", 64)
	tests := []struct {
		written                       string
		registry, repository, tag, at string
	}{
		{registry + "/shop/web:1.4", registry, "shop/web", "1.4", ""},
		{registry + "/shop/web", registry, "shop/web", "latest", ""},
		{registry + "/shop/web@" + digest, registry, "shop/web", "", digest},
		{registry + "/shop/web:1.4@" + digest, registry, "shop/web", "1.4", digest},
		{registry + "/shop/web@" + sha512, registry, "shop/web", "", sha512},
		{strings.ToUpper(registry) + "/shop/web:1.4", registry, "shop/web", "1.4", ""},
		{registry + ":443/shop/web:1.4", registry, "shop/web", "1.4", ""},
		{registry + ":8443/shop/web:1.4", registry + ":8443", "shop/web", "1.4", ""},
		{registry + "/a/b/c/d:1", registry, "a/b/c/d", "1", ""},
		{registry + "/shop/web:_" + strings.Repeat("x", 127), registry, "shop/web", "_" + strings.Repeat("x", 127), ""},
		{registry + ".evil.com/shop/web", registry + ".evil.com", "shop/web", "latest", ""},
		{"evil-" + registry + "/shop/web", "evil-" + registry, "shop/web", "latest", ""},
		{"nginx", "docker.io", "library/nginx", "latest", ""},
		{"nginx:1.27", "docker.io", "library/nginx", "1.27", ""},
		{"bitnami/redis", "docker.io", "bitnami/redis", "latest", ""},
		{"localhost/web", "localhost", "web", "latest", ""},
		{"host:5000/web", "host:5000", "web", "latest", ""},
		{"[::1]:5000/web", "[::1]:5000", "web", "latest", ""},
		{"public.ecr.aws/nginx/nginx:1", "public.ecr.aws", "nginx/nginx", "1", ""},
		{registry + "/" + hex, registry, hex, "latest", ""},
		// Names to a node too, unlike those that TestParseImageRefuses has.
		{"docker.io/library/" + digest, "docker.io", "library/sha256", hex, ""},
		{"library/" + digest, "docker.io", "library/sha256", hex, ""},
		{"sha256", "docker.io", "library/sha256", "latest", ""},
		{"sha256@" + digest, "docker.io", "library/sha256", "", digest},
		{"sha256:5000/web", "sha256:5000", "web", "latest", ""},
	}
	for _, test := range tests {
		t.Run(test.written, func(t *testing.T) {
			img, err := ParseImage(test.written)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "image", img, Image{test.written, test.registry, test.repository, test.tag, test.at})
		})
	}
}

func TestParseImageRefuses(t *testing.T) {
	hex := strings.Repeat("ab", 32)
	host := registry + "/"
	for _, written := range []string{
		"", " ", "\t", "\n", ":", "/", "@", ":latest", "@sha256:" + hex, hex,
		" " + host + "web", host + "web ", host + "web\t", host + "web\n", host + "we b", host + "web\u00a0", "\u00a0" + host + "web",
		host, host + "web/", host + "/web", host + "shop//web", "/web",
		host + "Web", host + "web:", host + "web:-1", host + "web:a/b", host + "web:a:b", host + "web:" + strings.Repeat("x", 129),
		host + "web@", host + "web@sha256:", host + "web@sha256:abcdef", host + "web@sha256:" + strings.ToUpper(hex),
		host + "web@sha256:" + hex + "00", host + "web@sha512:" + hex, host + "web@md5:" + hex[:32], host + "web@sha256:" + hex + ":1",
		"https://" + host + "web", "docker://" + host + "web", "oci:" + host + "web",
		host + "web%2fapi", host + "wéb", "111122223333.dkr.ecr.eu-west-1.amazonaws.cоm/web", // a Cyrillic о
		host + "../web", host + "web\x00", host + "web\x1b[31m", registry + "./web",
		"sha256:" + hex, "sha256:" + hex[:12], "sha256:a", "sha384:" + hex + hex[:32], "sha512:" + hex + hex, "sha512:" + hex[:7], "sha256:" + hex + "@sha256:" + hex,
	} {
		t.Run(written, func(t *testing.T) {
			img, err := ParseImage(written)
			var trouble *Trouble
			if !errors.As(err, &trouble) || trouble.Cause != BadReference || trouble.Passing || trouble.Mend == "" {
				t.Errorf("got %+v, %v; want trouble", img, err)
			}
			wantEqual(t, "image", img, Image{})
		})
	}
}

func TestImageStrings(t *testing.T) {
	img := shop()
	wantEqual(t, "pinned", img.Pinned(), registry+"/shop/web@"+indexDigest)
	wantEqual(t, "string", img.String(), registry+"/shop/web:1.4")
	img.Tag = ""
	wantEqual(t, "string without tag", img.String(), registry+"/shop/web@"+indexDigest)
	img.Digest = ""
	wantEqual(t, "pinned without digest", img.Pinned(), registry+"/shop/web")
	wantEqual(t, "short digest", ShortDigest(indexDigest), "sha256:111111111111")
	wantEqual(t, "short digest of little", ShortDigest("sha256:11"), "sha256:11")
}

// A port is a number: however it is written, 443 is the registry's own.
func TestPorts(t *testing.T) {
	for host, want := range map[string]string{
		"example.com": "example.com", "example.com:443": "example.com", "example.com:0443": "example.com", "EXAMPLE.com:000443": "example.com",
		"example.com:5000": "example.com:5000", "example.com:05000": "example.com:5000", "example.com:1443": "example.com:1443", "example.com:000": "example.com:0",
		"[::1]": "[::1]", "[::1]:443": "[::1]", "[::1]:0443": "[::1]", "[::1]:5000": "[::1]:5000", "[::0443]": "[::0443]",
	} {
		if got := normalHost(host); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

// A reference has an end, and a text about one that has none has one too.
func TestLongReference(t *testing.T) {
	rest := ".example.com/shop/web:1"
	longest := strings.Repeat("a", maxReference-len(rest)) + rest
	if _, err := ParseImage(longest); err != nil {
		t.Error("one that is just short enough:", err)
	}
	if _, err := ParseImage("a" + longest); err == nil || !strings.Contains(err.Error(), "more than 1024 characters") {
		t.Error("one that is just too long:", err)
	}
	long := strings.Repeat("a", 1<<20) + rest
	if _, err := ParseImage(long); err == nil {
		t.Error("it is read")
	}
	v := (&Gate{}).Check(t.Context(), Request{Image: long})
	if v.Cause != BadReference || len(v.Image) > 1000 || len(v.Reason) > 1000 {
		t.Errorf("%s: %d bytes of image, %d of reason", v.Cause, len(v.Image), len(v.Reason))
	}
}
