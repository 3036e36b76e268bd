package webhook

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"
)

// FuzzCertificate: whatever a Secret and a CA bundle hold, nothing is trusted that
// does not verify, and a bundle that is put together trusts what each half did.
func FuzzCertificate(f *testing.F) {
	root := newAuthority(f, "one", nil)
	other := newAuthority(f, "two", nil)
	pair := root.issue(f, nil)
	f.Add(pair.cert, root.pem, other.pem)
	f.Add(append(pair.cert, root.pem...), append(root.pem, other.pem...), root.pem)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte{}, []byte("x"))
	f.Fuzz(func(t *testing.T, chain, bundle, before []byte) {
		leaf, _, err := parseChain(chain)
		if (leaf == nil) == (err == nil) {
			t.Fatalf("%v, %v", leaf, err)
		}
		both := withPrevious(bundle, before)
		first, _ := pem.Decode(bundle)
		previous, _ := pem.Decode(before)
		for _, block := range []*pem.Block{first, previous} {
			if first != nil && previous != nil && !holdsBlock(both, block.Bytes) {
				t.Errorf("lost from %q", both)
			}
		}
		if again := withPrevious(both, both); !bytes.Equal(again, both) {
			t.Errorf("%q becomes %q", both, again)
		}
		if trusted(chain, testName, bundled(bundle), time.Now()) != nil {
			return
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(bundle)
		if leaf == nil || len(roots.Subjects()) == 0 || leaf.VerifyHostname(testName) != nil { //nolint:staticcheck // no system roots here
			t.Errorf("trusted: %q", chain)
		}
	})
}

func holdsBlock(bundle, want []byte) bool {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if bytes.Equal(block.Bytes, want) {
			return true
		}
	}
	return false
}
