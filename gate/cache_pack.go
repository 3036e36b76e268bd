package gate

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"time"
)

// packedScan is a scan in one string, in which every text that occurs before, or
// inside another, is a reference to that place: a title and an address hold the
// ID, a package URL name and version, and one package has many findings. An
// unpacked scan's texts are slices of it, so unpacking copies none.
//
// Whole numbers are zigzag varints. A text is its length and its bytes; or minus
// the distance back to where it is written, and its length.
type packedScan struct {
	blob    string
	size    int      // of what it unpacks to, as [sizeOf] counts
	trouble *Trouble // cannot be written down: it holds an error
}

// Bits of a finding's flags, and of a scan's.
const (
	flagExploit  = 1 << iota
	flagObserved // FirstObserved is not zero
	flagStale
	flagPrevious
)

// shortest is the length below which a reference saves nothing.
const shortest = 4

// packer writes a scan down.
type packer struct {
	blob   []byte
	places map[string]int // where a text is written, by the text
	clock  int64          // the second written last: times lie close together
}

func pack(s Scan) packedScan {
	p := &packer{blob: make([]byte, 0, 256+200*len(s.Findings)), places: make(map[string]int, 4*len(s.Findings))}
	p.head(s)
	packages, related := 0, 0
	for i := range s.Findings {
		packages += len(s.Findings[i].Packages)
		related += len(s.Findings[i].Related)
	}
	p.number(length(s.Findings))
	p.number(packages)
	p.number(related)
	for i := range s.Findings {
		p.finding(&s.Findings[i])
	}
	return packedScan{string(p.blob), sizeOf(s.Findings), s.Trouble}
}

func (p *packer) head(s Scan) {
	p.text(s.Platform)
	p.text(s.Digest)
	p.text(string(s.Type))
	p.text(string(s.Status))
	p.text(s.Description)
	p.moment(s.CompletedAt)
	p.moment(s.SourceAt)
	p.moment(s.ReadAt)
	p.number(s.Pages)
	p.flags(bit(s.Stale, flagStale) | bit(s.Previous != nil, flagPrevious))
	if s.Previous != nil {
		p.text(s.Previous.Fingerprint)
		p.moment(s.Previous.At)
	}
	if s.Counts == nil {
		p.number(0)
		return
	}
	p.number(len(s.Counts) + 1)
	for _, severity := range slices.Sorted(maps.Keys(s.Counts)) {
		p.flags(byte(severity))
		p.number(s.Counts[severity])
	}
}

// finding writes the longer texts first, for the shorter to be found in them.
func (p *packer) finding(f *Finding) {
	p.flags(byte(f.Severity), byte(f.Fix), byte(f.Status), bit(f.Exploit, flagExploit)|bit(!f.FirstObserved.IsZero(), flagObserved))
	p.text(f.Title)
	p.text(f.URL, f.Title)
	p.text(f.ID, f.Title, f.URL)
	if !f.FirstObserved.IsZero() {
		p.moment(f.FirstObserved)
	}
	p.number(length(f.Related))
	for _, id := range f.Related {
		p.text(id)
	}
	p.number(length(f.Packages))
	for i := range f.Packages {
		pkg := &f.Packages[i]
		p.text(pkg.PURL)
		p.text(pkg.Path)
		p.text(pkg.Name, pkg.PURL, pkg.Path, f.Title)
		p.text(pkg.Version, pkg.PURL, pkg.Path)
		p.text(pkg.FixedIn)
	}
}

// length is 0 for nil and one more than the length for a list: none is not empty.
func length[T any](list []T) int {
	if list == nil {
		return 0
	}
	return len(list) + 1
}

func bit(set bool, mask byte) byte {
	if set {
		return mask
	}
	return 0
}

func (p *packer) flags(bytes ...byte) { p.blob = append(p.blob, bytes...) }

func (p *packer) number(n int) { p.blob = binary.AppendVarint(p.blob, int64(n)) }

// moment writes a time by its distance to the one before.
func (p *packer) moment(t time.Time) {
	p.blob = binary.AppendVarint(p.blob, t.Unix()-p.clock)
	p.clock = t.Unix()
	p.number(t.Nanosecond())
}

// text writes a text, as a reference if it is written already or part of one of
// the hosts, which are.
func (p *packer) text(text string, hosts ...string) {
	place, written := p.places[text]
	for i := 0; !written && i < len(hosts); i++ {
		place, written = p.within(hosts[i], text)
	}
	p.places[text] = place
	if !written || len(text) < shortest {
		p.number(len(text))
		p.places[text] = len(p.blob)
		p.blob = append(p.blob, text...)
		return
	}
	p.number(place - len(p.blob))
	p.number(len(text))
}

// within is where a text is written as a part of another.
func (p *packer) within(host, text string) (place int, written bool) {
	place, written = p.places[host]
	i := strings.Index(host, text)
	return place + i, written && i >= 0
}
