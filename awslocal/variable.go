package awslocal

import (
	"fmt"
	"regexp"
)

// reference is a pipeline variable: #{Namespace.Name}.
var reference = regexp.MustCompile(`#\{([A-Za-z0-9@_-]+\.[A-Za-z0-9@_-]+)\}`)

// resolve puts in the variables of earlier actions, before the job is made.
func (x *execution) resolve(configuration map[string]string) (map[string]string, error) {
	resolved := make(map[string]string, len(configuration))
	for key, value := range configuration {
		text, err := x.resolveText(value)
		if err != nil {
			return nil, fmt.Errorf("the action's configuration %s: %w", key, err)
		}
		resolved[key] = text
	}
	return resolved, nil
}

func (x *execution) resolveText(text string) (string, error) {
	var unknown string
	resolved := reference.ReplaceAllStringFunc(text, func(match string) string {
		value, ok := x.variables[match[2:len(match)-1]]
		if !ok {
			unknown = match
		}
		return value
	})
	if unknown != "" {
		return "", fmt.Errorf("the variable %s is not defined", unknown)
	}
	return resolved, nil
}
