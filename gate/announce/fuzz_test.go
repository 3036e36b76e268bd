package announce

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// FuzzEvent: of an event an image is made that is in ECR and has the event's own
// digest, or one clean line. The gate then judges that image and no other.
func FuzzEvent(f *testing.F) {
	const digest = "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234abcd"
	f.Add([]byte(`{"source":"aws.ecr","detail-type":"ECR Image Scan","account":"111122223333","region":"eu-west-1","detail":{"scan-status":"COMPLETE","repository-name":"shop/web","image-digest":"` + digest + `","image-tags":["1.4"]}}`))
	f.Add([]byte(`{"source":"aws.inspector2","detail-type":"Inspector2 Scan","account":"1","region":"x","detail":{"repository-name":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/web","image-digest":"` + digest + `","image-tags":["-","a b"]}}`))
	f.Add([]byte(`{"account":"111122223333","region":"s3","detail":{"repository-name":"a//b","image-digest":"` + digest + `"}}`))
	f.Add([]byte(`{"account":"\u001b[2J","region":"\u202e","detail":{"repository-name":"shop/web","image-digest":"` + digest + `"}}`))
	f.Add([]byte(`{"account":"111122223333","region":"\u202e","detail":{"repository-name":"shop/web","image-digest":"` + digest + `"}}`))
	f.Add([]byte(`{"account":"\u001b[2J","region":"\u202e","detail":{"repository-name":"a@b","image-digest":"sha256:x"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := read(raw)
		image := ""
		if err == nil {
			image, err = s.image(ecr.RegistryHost)
		}
		if err != nil {
			if line := err.Error(); gate.Clean(line) != line || strings.HasPrefix(line, "{") {
				t.Errorf("no clean line: %q", line)
			}
			return
		}
		img, err := gate.ParseImage(image)
		if err != nil {
			return // a folder without a name, as in a//b, which no repository has: the gate says so
		}
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		if img.Digest != e.Detail.Digest || !strings.HasSuffix(e.Detail.Repository, img.Repository) || ecr.CanonicalHost(img.Registry) != img.Registry ||
			!strings.HasPrefix(img.Registry, "1") && !strings.Contains(string(raw), img.Registry[:12]) {
			t.Errorf("%s made %s", raw, image)
		}
	})
}
