package ecr

import "testing"

func TestParseHost(t *testing.T) {
	for name, want := range map[string]host{
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com":                {"111122223333", "eu-west-1"},
		"111122223333.dkr.ecr-fips.us-east-1.amazonaws.com":           {"111122223333", "us-east-1"},
		"111122223333.dkr.ecr.us-gov-west-1.amazonaws.com":            {"111122223333", "us-gov-west-1"},
		"111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn":            {"111122223333", "cn-north-1"},
		"111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu":            {"111122223333", "eusc-de-east-1"},
		"111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov":               {"111122223333", "us-iso-east-1"},
		"111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov":           {"111122223333", "us-isob-east-1"},
		"111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk":          {"111122223333", "eu-isoe-west-1"},
		"111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov":         {"111122223333", "us-isof-south-1"},
		"111122223333.dkr-ecr.eu-west-1.on.aws":                       {"111122223333", "eu-west-1"},
		"111122223333.dkr-ecr-fips.us-east-1.on.aws":                  {"111122223333", "us-east-1"},
		"111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": {"111122223333", "cn-north-1"},
	} {
		if got, ok := parseHost(name); !ok || got != want {
			t.Errorf("%s: got %v %v", name, got, ok)
		}
	}
}

func TestLookalikesAreNotECR(t *testing.T) {
	for _, name := range []string{
		"", "docker.io", "public.ecr.aws", "ecr-public.aws.com", "localhost:5000",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
		"evil-111122223333.dkr.ecr.eu-west-1.amazonaws.com",
		"evil.111122223333.dkr.ecr.eu-west-1.amazonaws.com",
		"11112222333.dkr.ecr.eu-west-1.amazonaws.com",
		"1111222233334.dkr.ecr.eu-west-1.amazonaws.com",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com:5000",
		"111122223333.dkr.ecr..amazonaws.com",
		"111122223333.dkr.ecr.evil.com/x.amazonaws.com",
		"111122223333.dkr.ecr.eu-west-1.evil.amazonaws.com",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.co",
		"111122223333.dkr.ecr.eu-west-1.on.aws",
		"111122223333.dkr-ecr.eu-west-1.amazonaws.com",
		"111122223333xdkr.ecr.eu-west-1.amazonaws.com",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com\n",
		"١١١١٢٢٢٢٣٣٣٣.dkr.ecr.eu-west-1.amazonaws.com",
		"api.ecr.eu-west-1.amazonaws.com",
		"111122223333.dkr.ecr.s3.amazonaws.com",
		"111122223333.dkr.ecr.s3-us-west-2.amazonaws.com",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.cn",
		"111122223333.dkr.ecr.cn-north-1.amazonaws.com",
		"111122223333.dkr.ecr.eu-west-1.csp.hci.ic.gov",
		"111122223333.dkr-ecr.eu-west-1.on.amazonwebservices.com.cn",
	} {
		if got, ok := parseHost(name); ok {
			t.Errorf("%q was taken for ECR: %v", name, got)
		}
	}
}

func TestRegistryHostIsAHost(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":      "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
		"cn-north-1":     "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
		"eusc-de-east-1": "111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu",
		"us-isob-east-1": "111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
		"us-iso-east-1":  "111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov",
		"us-gov-east-1":  "111122223333.dkr.ecr.us-gov-east-1.amazonaws.com",
	} {
		if got, ok := RegistryHost("111122223333", region); !ok || got != want {
			t.Errorf("%s: got %s %v", region, got, ok)
		}
	}
	for _, bad := range []string{"", "eu west", "evil.com/", "EU-WEST-1", "x"} {
		if got, ok := RegistryHost("111122223333", bad); ok {
			t.Errorf("%q made a registry: %s", bad, got)
		}
	}
}
