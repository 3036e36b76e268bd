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
	all, faults := LoadEach(dir, files, rules, now)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// LoadEach is [Load], but for what it returns beside faults: the exceptions of the
// files that have none.
func LoadEach(dir string, files []string, rules Rules, now time.Time) ([]gate.Exception, strict.Faults) {
	var good []gate.Exception
	var faults strict.Faults
	for _, name := range files {
		exceptions, wrong := loadFile(dir, name, rules, now)
		if len(wrong) == 0 {
			good = append(good, exceptions...)
		}
		faults = append(faults, wrong...)
	}
	return good, faults
}

func loadFile(dir, name string, rules Rules, now time.Time) ([]gate.Exception, strict.Faults) {
	data, err := strict.ReadFile(Locate(dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist) && dir == "":
		err = errors.New("no such file")
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("no such file; paths are relative to the configuration file")
	}
	if err != nil {
		return nil, strict.Faults{{File: name, Text: err.Error()}}
	}
	return parse(name, data, rules, now)
}

// Locate returns where a file named in a configuration in dir is.
func Locate(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
