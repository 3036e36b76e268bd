package gate

import (
	"fmt"
	"strings"
)

// mostInBrief is how many findings a refusal names: the worst ones.
const mostInBrief = 3

// Brief are the lines that follow the verdict sentence where there is little room:
// the next step if the sentence has no room for it, the counts against the limits,
// the worst findings with their fixes and the digest. Nothing in them depends on
// the time: the same cause gives the same bytes.
func (v Verdict) Brief() []string {
	if v.brief != nil {
		return v.brief
	}
	b := lines{limit: 10_000}
	b.addNext(v)
	switch {
	case v.hasCounts():
		b.add(v.againstLimits())
	case v.Policy != "" && !strings.Contains(v.Reason, "policy "+Clean(v.Policy)):
		b.add("policy " + Clean(v.Policy))
	}
	for i := range min(len(v.Findings), mostInBrief) {
		b.add(v.Findings[i].Line())
	}
	if more := len(v.Findings) - mostInBrief; more > 0 {
		b.add(fmt.Sprintf("and %d more findings", more))
	}
	if v.Digest != "" {
		b.add("judged: " + Clean(v.img.Pinned()))
	}
	return b.text
}

// Short is the verdict without its lists, which hold on to the whole scan, for a door
// that keeps many verdicts at a time. Its Brief says what it would have said; of one
// that is allowed there is nothing to say.
func (v Verdict) Short() Verdict {
	brief := []string{}
	if v.Outcome != Allowed {
		brief = v.Brief()
	}
	v.brief = brief
	v.Findings, v.Excepted, v.Lapsed, v.Exceptions = nil, nil, nil, nil
	v.Manifests, v.Used, v.Comparison = nil, nil, nil
	return v
}
