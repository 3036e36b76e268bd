package main

import (
	"errors"
	"fmt"

	"github.com/ecr-gate/ecr-gate/gate"
)

// parseReference reads an image that a command names. One that is no reference is a
// mistake in the command, found before AWS is asked.
func parseReference(written string) (gate.Image, error) {
	img, err := gate.ParseImage(written)
	var t *gate.Trouble
	if errors.As(err, &t) {
		err = fmt.Errorf("%q: %s; %s", written, t.Text, t.Mend)
	}
	return img, err
}

func mustBeReference(written string) error {
	_, err := parseReference(written)
	return err
}
