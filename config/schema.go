package config

import (
	_ "embed"
	"slices"
)

//go:generate go test -run TestSchemaIsUpToDate -update .

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema of the file (draft 2020-12).
func Schema() []byte { return slices.Clone(schema) }
