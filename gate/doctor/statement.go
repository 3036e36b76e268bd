package doctor

import (
	"encoding/json"
	"strings"
)

// statement is one statement of an IAM policy, as it is pasted into one.
type statement struct {
	Effect    string
	Principal any `json:",omitempty"`
	Action    any
	Resource  string `json:",omitempty"`
}

// Allow is the statement that grants actions on a resource.
func Allow(resource string, actions ...string) string {
	return statement{Action: oneOrMore(actions), Resource: resource}.text()
}

// Trust is the statement of a role's trust policy that lets a principal assume it.
func Trust(principal string) string {
	return statement{Principal: map[string]string{"AWS": principal}, Action: "sts:AssumeRole"}.text()
}

func oneOrMore(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (s statement) text() string {
	s.Effect = "Allow"
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // a principal nobody knows is written <so>
	if err := encoder.Encode(s); err != nil {
		panic(err) // strings and lists of them
	}
	return strings.TrimSpace(b.String())
}
