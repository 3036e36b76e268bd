package webhook

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// plainly says where a document cannot be read, and why. The library's own words name
// types of this program, and change from process to process so that nobody builds on
// them.
func plainly(err error) error {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return err
	}
	cause := semantic.Err
	if cause == nil {
		cause = errors.New("what stands there is of another type")
	}
	return fmt.Errorf("%s: %w", cmp.Or(string(semantic.JSONPointer), "/"), cause)
}
