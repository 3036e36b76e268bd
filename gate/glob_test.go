package gate

import (
	"strings"
	"testing"
)

// Braces unfold to names, and what would unfold to very many is refused however it is
// written.
func TestValidateGlob(t *testing.T) {
	for glob, valid := range map[string]bool{
		"shop/**": true, "{a,b}/{c,d}": true, "[{,}]*": true, `\{a,b`: true, "{a,b": false, "[a": false,
		strings.Repeat("{a,b}", 9):        true,
		strings.Repeat("{a,b}", 10):       false,
		strings.Repeat("{[}],?,?,?}", 30): false,
		strings.Repeat(`{[\]}],?}`, 30):   false,
		strings.Repeat("[{,}]", 30):       true,
	} {
		if err := ValidateGlob(glob); (err == nil) != valid {
			t.Errorf("%s: %v", glob, err)
		}
	}
}
