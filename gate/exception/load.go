package exception

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// Load reads the files, relative to dir, and returns their exceptions in order.
// The error, if any, is a [strict.Faults] with every fault of every file; there
// are no exceptions then. A file that does not exist is a fault.
func Load(dir string, files []string, rules Rules, now time.Time) ([]gate.Exception, error) {
	var all []gate.Exception
	var faults strict.Faults
	for _, name := range files {
		data, err := strict.ReadFile(Locate(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("no such file; paths are relative to the configuration file")
		}
		if err != nil {
			faults = append(faults, strict.Fault{File: name, Text: err.Error()})
			continue
		}
		exceptions, wrong := parse(name, data, rules, now)
		all = append(all, exceptions...)
		faults = append(faults, wrong...)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// Locate returns where a file named in a configuration in dir is.
func Locate(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
