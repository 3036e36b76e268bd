package gate

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// A fact answers while it is younger than its life: at the very instant it is over,
// it is over.
func TestFactAnswersUntilItsLifeIsOver(t *testing.T) {
	f := &fact{at: now, life: life{fresh: 10 * time.Second, refresh: 7 * time.Second, stale: 60 * time.Second}, retry: 30 * time.Second}
	for _, test := range []struct {
		age     time.Duration
		result  CacheResult
		answers bool
	}{
		{0, CacheHit, true},
		{10*time.Second - 1, CacheHit, true},
		{10 * time.Second, CacheStale, true}, // the source has failed to answer, and is left alone
		{30*time.Second - 1, CacheStale, true},
		{30 * time.Second, "", false},
		{60 * time.Second, "", false},
	} {
		result, ok := f.answers(now.Add(test.age))
		if result != test.result || ok != test.answers {
			t.Errorf("at %s: %q, %t", test.age, result, ok)
		}
	}
	f.retry = 90 * time.Second
	for age, want := range map[time.Duration]bool{60*time.Second - 1: true, 60 * time.Second: false} {
		if _, ok := f.answers(now.Add(age)); ok != want || f.bridges(now.Add(age)) != want {
			t.Errorf("stands in at %s: %t", age, ok)
		}
	}
	var none *fact
	if _, ok := none.answers(now); ok || none.bridges(now) {
		t.Error("no fact is one")
	}
}

// A fresh fact is read anew late in its life, but not while the source is left
// alone; one that is not fresh is not read anew but missed.
func TestFactAges(t *testing.T) {
	f := &fact{at: now, life: life{fresh: 10 * time.Second, refresh: 7 * time.Second}}
	for _, test := range []struct {
		age, retry time.Duration
		want       bool
	}{
		{7*time.Second - 1, 0, false},
		{7 * time.Second, 0, true},
		{10*time.Second - 1, 0, true},
		{10 * time.Second, 0, false},
		{8 * time.Second, 8*time.Second + 1, false},
		{8 * time.Second, 8 * time.Second, true},
	} {
		f.retry = test.retry
		if f.ageing(now.Add(test.age)) != test.want {
			t.Errorf("at %s, left alone until %s: not %t", test.age, test.retry, test.want)
		}
	}
}

// Where a refresh has no answer, the fact that it was for goes on as long as it is
// fresh, even one that would stand in for nothing later.
func TestFactOutlivesARefreshWithoutAnswer(t *testing.T) {
	held := &fact{at: now, life: life{fresh: 15 * time.Second, refresh: 10 * time.Second}, scan: pack(basic())}
	silent := &fact{at: now.Add(11 * time.Second), life: life{fresh: time.Second}, trouble: throttling}
	kept := silent.after(held, now.Add(12*time.Second))
	if kept.trouble != nil || kept.retry <= 12*time.Second {
		t.Errorf("a fresh fact was given up for %v, left alone until %s", kept.trouble, kept.retry)
	}
	if lost := silent.after(held, now.Add(15*time.Second)); lost.trouble == nil {
		t.Error("it answers beyond its life")
	}
}

// Everything a fact holds has its weight, or the bound would be none.
func TestFactWeighsAllOfIt(t *testing.T) {
	const more = 800
	text := strings.Repeat("x", more)
	plain := func() (factKey, *fact) {
		return factKey{registry: "r", repository: "p", name: "n"}, &fact{
			resolution: Resolution{Digest: "d", Manifests: []Manifest{{Platform: "p", Digest: "d"}}},
			trouble:    &Trouble{Text: "t", Mend: "m", Err: errors.New("e")},
			scan:       packedScan{blob: "b", trouble: &Trouble{Text: "t"}},
		}
	}
	k, f := plain()
	base := weigh(k, f)
	if base < factBytes {
		t.Errorf("a fact weighs %d, less than what every one takes", base)
	}
	for what, add := range map[string]func(*factKey, *fact){
		"registry":          func(k *factKey, _ *fact) { k.registry += text },
		"repository":        func(k *factKey, _ *fact) { k.repository += text },
		"name":              func(k *factKey, _ *fact) { k.name += text },
		"digest":            func(_ *factKey, f *fact) { f.resolution.Digest += text },
		"platform":          func(_ *factKey, f *fact) { f.resolution.Manifests[0].Platform += text },
		"manifest":          func(_ *factKey, f *fact) { f.resolution.Manifests[0].Digest += text },
		"trouble":           func(_ *factKey, f *fact) { f.trouble.Text += text },
		"mend":              func(_ *factKey, f *fact) { f.trouble.Mend += text },
		"what lies beneath": func(_ *factKey, f *fact) { f.trouble.Err = errors.New("e" + text) },
		"scan":              func(_ *factKey, f *fact) { f.scan.blob += text },
		"trouble of a scan": func(_ *factKey, f *fact) { f.scan.trouble.Text += text },
	} {
		k, f := plain()
		add(&k, f)
		if got := weigh(k, f); got < base+more || got > base+more*5/4 {
			t.Errorf("%d bytes more of %s weigh %d", more, what, int(got)-int(base))
		}
	}
	f.resolution.Manifests = append(f.resolution.Manifests, Manifest{})
	if got := weigh(k, f); got < base+manifestBytes {
		t.Errorf("a manifest weighs %d", got-base)
	}
	k, f = plain()
	f.trouble = nil
	if got := weigh(k, f); base-got < troubleBytes {
		t.Errorf("trouble weighs %d", base-got)
	}
}

// What may be whole in a moment is not read again before two looks could agree, and
// what settled by two looks is believed for a moment only.
func TestLifeOfWhatMayGrow(t *testing.T) {
	agreed := with(enhanced(finding("CVE-1", Low)), func(s *Scan) {
		s.CompletedAt = now.Add(-SettleWindow)
		s.Previous = &Reading{s.fingerprint(), now.Add(-settleGap)}
	})
	of := func(change func(*Scan)) Scan {
		return with(agreed, func(s *Scan) {
			change(s)
			s.Previous = &Reading{s.fingerprint(), now.Add(-settleGap)}
		})
	}
	for what, s := range map[string]Scan{
		"not settled":         with(agreed, func(s *Scan) { s.Previous = nil }),
		"running":             of(func(s *Scan) { s.Status = StatusInProgress }),
		"not completed":       of(func(s *Scan) { s.CompletedAt = time.Time{} }),
		"trouble":             of(func(s *Scan) { s.Trouble = throttling }),
		"counts say more":     of(func(s *Scan) { s.Counts = map[Severity]int{Low: 2} }),
		"an unknown finding":  of(func(s *Scan) { s.Findings = []Finding{{ID: "CVE-1", Status: StatusUnknown}} }),
		"nothing at all":      {},
		"of an unknown state": of(func(s *Scan) { s.Status = "NEW" }),
	} {
		for range 50 { // lives are of random length
			if l := lifeOfScan(s, now); l.refresh < settleGap || l.stale != 0 || l.fresh > freshUnfinished*6/5 {
				t.Fatalf("%s: fresh for %s, read anew after %s, stands in for %s", what, l.fresh, l.refresh, l.stale)
			}
		}
	}
	for what, s := range map[string]Scan{
		"one that settled by two looks":                agreed,
		"one that settled by two looks a moment later": with(agreed, func(s *Scan) { s.CompletedAt = s.CompletedAt.Add(1) }),
	} {
		if l := lifeOfScan(s, now); l.fresh > freshUnfinished*6/5 || l.stale != 0 {
			t.Errorf("%s is fresh for %s, and stands in for %s", what, l.fresh, l.stale)
		}
	}
	for what, s := range map[string]Scan{
		"one that settled by age":  with(agreed, func(s *Scan) { s.CompletedAt = s.CompletedAt.Add(-1) }),
		"a basic one":              with(basic(), func(s *Scan) { s.CompletedAt = now }),
		"a basic one, at the same": with(basic(), func(s *Scan) { s.CompletedAt = now.Add(-SettleWindow) }),
	} {
		if l := lifeOfScan(s, now); l != lasting(freshScan, staleScan) {
			t.Errorf("%s has the life %+v", what, l)
		}
	}
}

// An answer that comes in between looking and asking is the answer.
func TestCacheSeesWhatCameInBetween(t *testing.T) {
	source := &asked{}
	var c *Cache
	key := manifestKey(scanFact, shop(), Manifest{Digest: amdDigest})
	between := func() {
		c.facts.Set(key, &fact{at: now, life: lasting(freshScan, staleScan), scan: pack(basic(finding("CVE-1", Low)))})
	}
	c = NewCache(source, CacheOptions{Now: func() time.Time {
		if between != nil {
			between()
			between = nil
		}
		return now
	}})
	defer c.Close()
	s, err := c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest})
	if err != nil || len(s.Findings) != 1 {
		t.Error(s, err)
	}
	wantAsked(t, "scanned", &source.scans, 0)
}

// A key that is kept holds on to no text of the request, which may be a whole
// review.
func TestCacheKeepsNoRequest(t *testing.T) {
	review := strings.Repeat("padding", 100) + "registry repository sha256:1"
	words := strings.Fields(review)
	img := Image{Registry: words[0], Repository: words[1]}
	c := NewCache(&asked{}, CacheOptions{})
	defer c.Close()
	if _, err := c.Scan(t.Context(), img, Manifest{Digest: words[2]}); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for k := range c.facts.Keys() {
		kept++
		for i, text := range []string{k.registry, k.repository, k.name} {
			if text != words[i] {
				t.Errorf("kept %q, want %q", text, words[i])
			}
			if unsafe.StringData(text) == unsafe.StringData(words[i]) { //nolint:gosec // compared, never read
				t.Errorf("%q is a slice of the review", text)
			}
		}
	}
	wantEqual(t, "kept", kept, 1)
}
