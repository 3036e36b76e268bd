package config

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"time"

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
// goroutine, one at a time, and once per version of the files.
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
	files  []string          // the exception files of the last version, good or bad
	last   [sha256.Size]byte // of all contents when last loaded
}

func (w *watcher) run(ctx context.Context, settle, recheck time.Duration) error {
	events, errs := w.open()
	if w.notify != nil {
		defer w.notify.Close()
	}
	w.reload()
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
		case <-errs: // events were lost; look now
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
	w.follow()
	return notify.Events, notify.Errors
}

// follow watches the folders of all files, not the files: an editor replaces a
// file by another, and Kubernetes replaces a symlink beside it (..data).
func (w *watcher) follow() {
	if w.notify == nil {
		return
	}
	for _, path := range w.paths() {
		_ = w.notify.Add(filepath.Dir(path)) // a folder that is not there yet is found by the regular look
	}
}

func (w *watcher) paths() []string {
	paths := []string{w.path}
	for _, name := range w.files {
		paths = append(paths, exception.Locate(filepath.Dir(w.path), name))
	}
	return paths
}

// check reloads if any content differs from what was loaded last.
func (w *watcher) check() {
	w.follow() // a folder may have come back
	if w.contents() != w.last {
		w.reload()
	}
}

// reload loads until the files stood still, or came to be named, meanwhile:
// what is fingerprinted is then what was loaded.
func (w *watcher) reload() {
	w.last = w.contents()
	c, faults := load(w.path, w.now())
	w.files = c.Exceptions.Files
	w.follow()
	if err := faults.Err(); err != nil {
		w.onBad(err)
		return
	}
	w.onGood(c)
}

// contents is a fingerprint of all files. One that cannot be read has its own.
func (w *watcher) contents() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, path := range w.paths() {
		data, err := readFor(path)
		one := sha256.Sum256(data)
		h.Write([]byte(path))
		h.Write(one[:])
		if err != nil {
			h.Write([]byte(err.Error()))
		}
	}
	h.Sum(sum[:0])
	return sum
}
