package exception

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// Parse reads one file's content. Name and content tell the format: JSON with an
// OpenVEX context, .yaml or .yml, and plain .trivyignore for every other name.
// The error, if any, is a [strict.Faults]; there are no exceptions then.
func Parse(name string, data []byte, rules Rules, now time.Time) ([]gate.Exception, error) {
	exceptions, faults := parse(name, data, rules, now)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return exceptions, nil
}

func parse(name string, data []byte, rules Rules, now time.Time) ([]gate.Exception, strict.Faults) {
	if len(data) > strict.MaxSize {
		return nil, strict.Faults{{File: name, Text: strict.TooLarge}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case IsOpenVEX(data):
		return parseOpenVEX(name, data, rules, now)
	case isYAML(name):
		return parseYAML(name, data, rules, now)
	case strings.EqualFold(filepath.Ext(name), ".json") || startsWith(data, "{["):
		return nil, strict.Faults{{File: name, Text: notOpenVEX(data)}}
	default:
		return parsePlain(name, data, rules, now)
	}
}

func isYAML(name string) bool {
	ext := filepath.Ext(name)
	return strings.EqualFold(ext, ".yaml") || strings.EqualFold(ext, ".yml")
}

// IsOpenVEX reports whether a file's content is a document of that format.
func IsOpenVEX(data []byte) bool {
	var doc struct {
		Context any `json:"@context"`
	}
	if !startsWith(data, "{") || json.Unmarshal(data, &doc) != nil {
		return false
	}
	context, ok := doc.Context.(string)
	return ok && strings.HasPrefix(context, "https://openvex.dev/ns")
}

// notOpenVEX is the fault of JSON that is none of ours.
func notOpenVEX(data []byte) string {
	const formats = "exception files are OpenVEX, YAML like .trivyignore.yaml, or plain .trivyignore"
	if err := json.Unmarshal(data, new(any)); err != nil {
		return fmt.Sprintf("is not JSON (%v); %s", err, formats)
	}
	return `is JSON but not OpenVEX (no "@context": "https://openvex.dev/ns/…"); ` + formats
}

// startsWith reports whether the first byte that is not blank is one of these.
func startsWith(data []byte, any string) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && strings.IndexByte(any, data[0]) >= 0
}
