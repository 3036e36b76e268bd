package report

import _ "embed" // the schema

// Schema is the JSON Schema (2020-12) of what [JSON] writes. It is published:
// testdata holds a copy, against which no property may vanish or change its type.
//
//go:embed verdictlist.schema.json
var Schema []byte
