package gate

import "time"

// unpacker reads a scan back. It trusts what it reads: nobody but [pack] wrote it.
type unpacker struct {
	blob  string
	at    int
	clock int64
}

// unpack is the scan, with lists of its own.
func (s packedScan) unpack() Scan {
	u := unpacker{blob: s.blob}
	scan := u.head()
	if s.trouble != nil {
		t := *s.trouble
		scan.Trouble = &t
	}
	findings := u.number()
	// One allocation for the lists of all findings, each of which gets its part.
	packages := make([]Package, u.number())
	related := make([]string, u.number())
	if findings == 0 {
		return scan
	}
	scan.Findings = make([]Finding, findings-1)
	for i := range scan.Findings {
		f := &scan.Findings[i]
		u.finding(f)
		f.Related, related = take(related, u.number())
		for j := range f.Related {
			f.Related[j] = u.text()
		}
		f.Packages, packages = take(packages, u.number())
		for j := range f.Packages {
			u.pkg(&f.Packages[j])
		}
	}
	return scan
}

// take splits a list of this length (as [length] writes it) off. Its capacity
// ends with it, so that appending to it does not reach the next one.
func take[T any](from []T, length int) (list, rest []T) {
	if length == 0 {
		return nil, from
	}
	n := length - 1
	return from[:n:n], from[n:]
}

func (u *unpacker) head() Scan {
	s := Scan{
		Platform:    u.text(),
		Digest:      u.text(),
		Type:        ScanType(u.text()),
		Status:      Status(u.text()),
		Description: u.text(),
		CompletedAt: u.moment(),
		SourceAt:    u.moment(),
		ReadAt:      u.moment(),
		Pages:       u.number(),
	}
	flags := u.octet()
	s.Stale = flags&flagStale != 0
	if flags&flagPrevious != 0 {
		s.Previous = &Reading{Fingerprint: u.text(), At: u.moment()}
	}
	if counts := u.number(); counts > 0 {
		s.Counts = make(map[Severity]int, counts-1)
		for range counts - 1 {
			severity := Severity(u.octet())
			s.Counts[severity] = u.number()
		}
	}
	return s
}

func (u *unpacker) finding(f *Finding) {
	f.Severity, f.Fix, f.Status = Severity(u.octet()), Fix(u.octet()), FindingStatus(u.octet())
	flags := u.octet()
	f.Exploit = flags&flagExploit != 0
	f.Title = u.text()
	f.URL = u.text()
	f.ID = u.text()
	if flags&flagObserved != 0 {
		f.FirstObserved = u.moment()
	}
}

func (u *unpacker) pkg(p *Package) {
	p.PURL = u.text()
	p.Path = u.text()
	p.Name = u.text()
	p.Version = u.text()
	p.FixedIn = u.text()
}

func (u *unpacker) octet() byte {
	b := u.blob[u.at]
	u.at++
	return b
}

func (u *unpacker) number() int { return int(u.varint()) }

// varint reads what [encoding/binary.AppendVarint] wrote. Nearly all are of one
// byte or of two.
func (u *unpacker) varint() int64 {
	x := uint64(u.blob[u.at])
	u.at++
	if x >= 0x80 {
		x = u.more(x)
	}
	return int64(x>>1) ^ -int64(x&1) // zigzag
}

func (u *unpacker) more(x uint64) uint64 {
	for shift := 7; ; shift += 7 {
		b := uint64(u.blob[u.at])
		u.at++
		x += (b - 1) << shift // the bit before said that there is more
		if b < 0x80 {
			return x
		}
	}
}

// moment reads a time, in UTC.
func (u *unpacker) moment() time.Time {
	u.clock += u.varint()
	return time.Unix(u.clock, u.varint()).UTC()
}

func (u *unpacker) text() string {
	place := u.at
	n := u.number()
	if n < 0 { // written there, which is so far back
		place += n
		return u.blob[place : place+u.number()]
	}
	u.at += n
	return u.blob[u.at-n : u.at]
}
