package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/fsnotify/fsnotify"

	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

const (
	settleTime   = 100 * time.Millisecond // one save is several events
	recheckEvery = time.Minute
)

// Watch loads the file, and again whenever it or an exception file that it names
// changes. A good version goes to onGood, the first one included; a bad one to
// onBad, and whoever watches keeps the last good one. Both are called from this
// goroutine, one at a time, and once per version of the files. A bad one is read
// again every minute, and reported again if it is good by then, or bad for another reason.
//
// It returns nil when ctx is done. Where the system offers no notification, or
// it does not reach (a symlink into another folder), changes are found within a
// minute. That an exception lapses is no change: it needs no reload.
func Watch(ctx context.Context, path string, now func() time.Time, onGood func(*Config), onBad func(error)) error {
	w := watcher{path: path, now: now, onGood: onGood, onBad: onBad}
	return w.run(ctx, settleTime, recheckEvery)
}

type watcher struct {
	path   string
	now    func() time.Time
	onGood func(*Config)
	onBad  func(error)

	notify *fsnotify.Watcher // nil: the system offers none
	last   [sha256.Size]byte // of all files when last loaded; zero: never
	fault  string            // the words of what was wrong with it; empty: nothing
}

func (w *watcher) run(ctx context.Context, settle, recheck time.Duration) error {
	events, errs := w.open()
	if w.notify != nil {
		defer w.notify.Close() //nolint:errcheck // nothing is left to lose
	}
	w.check()
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			if settled == nil && !e.Has(fsnotify.Chmod) {
				settled = time.After(settle)
			}
		case <-errs: //nolint:errcheck // events were lost: look now
			settled = time.After(settle)
		case <-settled:
			settled = nil
			w.check()
		case <-tick.C:
			w.check()
		}
	}
}

// open starts notification. Running out of the system's watches must not stop
// the gate: the regular look at the files goes on without.
func (w *watcher) open() (<-chan fsnotify.Event, <-chan error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil
	}
	w.notify = notify
	return notify.Events, notify.Errors
}

// check follows the files, and loads them if any differs from what was loaded
// last, or if that was bad: reading may have failed just then, and a date that is
// too far away comes nearer. To follow comes first, so that no change falls between.
func (w *watcher) check() {
	paths, sum := fingerprint(w.path)
	w.follow(paths) // again: a folder may have come back
	if sum != w.last {
		w.last, w.fault = sum, ""
		w.reload()
	} else if w.fault != "" {
		w.reload()
	}
}

// reload loads the files afresh. If they changed after the fingerprint was taken,
// the next check finds them different and loads once more. The same fault is told
// once.
func (w *watcher) reload() {
	c, faults := load(w.path, w.now())
	err, told := faults.Err(), w.fault
	if err == nil {
		w.fault = ""
		w.onGood(c)
		return
	}
	if w.fault = words(err); w.fault != told {
		w.onBad(err)
	}
}

// words are a fault's without its figures: the latest date that an exception may
// have moves with the clock.
func words(err error) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, err.Error())
}

// follow watches the folders of all files, not the files: an editor replaces a
// file by another, and Kubernetes replaces a symlink beside it (..data).
func (w *watcher) follow(paths []string) {
	if w.notify == nil {
		return
	}
	for _, path := range paths {
		_ = w.notify.Add(filepath.Dir(path)) // one that is not there is found by the regular look
	}
}

// fingerprint returns the file and the exception files that it names, good or
// bad, and a hash of their contents. What cannot be read has a hash too.
func fingerprint(path string) (paths []string, sum [sha256.Size]byte) {
	data, err := strict.ReadFile(path)
	c, _ := parse(path, data)
	h := sha256.New()
	add(h, path, data, err)
	paths = []string{path}
	for _, name := range c.Exceptions.Files {
		file := exception.Locate(filepath.Dir(path), name)
		data, err := strict.ReadFile(file)
		add(h, file, data, err)
		paths = append(paths, file)
	}
	h.Sum(sum[:0])
	return paths, sum
}

// add hashes one file; the lengths keep what belongs to one from the next.
func add(h hash.Hash, path string, data []byte, err error) {
	_, _ = fmt.Fprintf(h, "%d %s %d %v\n", len(path), path, len(data), err)
	_, _ = h.Write(data)
}
