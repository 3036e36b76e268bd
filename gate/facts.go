package gate

import (
	"fmt"
	"strings"
)

// mostFacts is how many findings a refusal names: the worst ones.
const mostFacts = 3

// Facts are the lines that follow the verdict sentence where there is little room:
// the next step if the sentence has no room for it, the counts against the limits,
// the worst findings with their fixes and the digest. Nothing in them depends on
// the time: the same cause gives the same bytes.
func (v Verdict) Facts() []string {
	b := lines{limit: 10_000}
	b.addNext(v)
	switch {
	case v.hasCounts():
		b.add(v.againstLimits())
	case v.Policy != "" && !strings.Contains(v.Reason, "policy "+Clean(v.Policy)):
		b.add("policy " + Clean(v.Policy))
	}
	for i := range min(len(v.Findings), mostFacts) {
		b.add(v.Findings[i].Line())
	}
	if more := len(v.Findings) - mostFacts; more > 0 {
		b.add(fmt.Sprintf("and %d more findings", more))
	}
	if v.Digest != "" {
		b.add("judged: " + Clean(v.img.Pinned()))
	}
	return b.text
}
