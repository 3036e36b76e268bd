package ecr

import "testing"

// What readers of JSON may take differently is refused; keys of annotations are
// anybody's, and matter only if they stand twice.
func TestAmbiguous(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"mediaType":"x","manifests":[{"digest":"a"},{"digest":"a"}]}`: false,
		`{"MyOwn":1,"myown":2}`: false,
		`[]`:                    false,
		`7`:                     false,
		`{"annotations":{"Digest":"x","digest":"y"}}`: false,
		`{"annotations":{"deep":{"Digest":"x"}}}`:     false,
		`{"digest":1,"digest":1}`:                     true,
		`{"annotations":{"a":1,"a":2}}`:               true,
		`{"annotations":{"deep":[{"a":1,"a":2}]}}`:    true,
		`{"Digest":1}`:                                  true,
		`{"annotations":{},"Digest":1}`:                 true,
		`{"manifests":[{"annotations":{}},{"OS":"x"}]}`: true,
		`{"platform":{"Architecture":"x"}}`:             true,
		``:                                              true,
		`{`:                                             true,
		`[`:                                             true,
		`{"a"`:                                          true,
		`{"a":`:                                         true,
		`{"a":1`:                                        true,
		`[1`:                                            true,
		`{1:2}`:                                         true,
	} {
		if got := ambiguous([]byte(raw)); got != want {
			t.Errorf("%s: %t", raw, got)
		}
	}
}
