package pipeline

import (
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

func TestConsolePath(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for image, want := range map[string]string{
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1":             "private/111122223333/shop/web/_/image/" + digest + "/details?region=eu-west-1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1@" + digest:   "private/111122223333/shop/web/_/image/" + digest + "/details?region=eu-west-1",
		"111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/web:1":         "", // another console
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.example.com/shop/web:1": "",
		"docker.io/library/nginx:1":                                           "",
		"Not A Reference":                                                     "",
	} {
		if got := consolePath(gate.Verdict{Image: image, Digest: digest}); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
	if got := consolePath(gate.Verdict{Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"}); got != "" {
		t.Errorf("without a digest: %q", got)
	}
}
