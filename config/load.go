package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// Load reads the file and the exception files that it names, relative to it. The
// error, if any, is a [Faults] with all that is wrong with any of them; there is
// no Config then.
func Load(path string, now time.Time) (*Config, error) {
	c, faults := load(path, now)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Parse reads the file's content without the exception files that it names. The
// error, if any, is a [Faults]; there is no Config then.
func Parse(name string, data []byte) (*Config, error) {
	c, faults := parse(name, data)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// LoadAlone reads the file without the exception files that it names: they may be
// at fault. The error, if any, is a [Faults]; there is no Config then.
func LoadAlone(path string) (*Config, error) {
	c, faults := loadAlone(path)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func loadAlone(path string) (*Config, Faults) {
	data, err := strict.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("no such file; say with --config where the configuration is")
	}
	if err != nil {
		return Default(), Faults{{File: path, Text: err.Error()}}
	}
	return parse(filepath.Base(path), data)
}

// load returns what it could make of the files beside the faults, so that the
// watcher knows which files to look at.
func load(path string, now time.Time) (*Config, Faults) {
	c, faults := loadAlone(path)
	exceptions, err := exception.Load(filepath.Dir(path), c.Exceptions.Files, c.Exceptions.Rules(), now)
	var wrong Faults
	if errors.As(err, &wrong) {
		faults = append(faults, wrong...)
	}
	c.exceptions = exceptions
	return c, faults
}

// Rules are what every entry must fulfil.
func (e Exceptions) Rules() exception.Rules {
	return exception.Rules{Require: e.Require, MaxLifetime: e.MaxLifetime}
}

const minimal = `write at least "apiVersion: ` + APIVersion + `" and "kind: ` + Kind + `"`

func parse(name string, data []byte) (*Config, Faults) {
	c := new(Config)
	file := strict.Decode(name, data, c)
	if file.Empty() {
		file.Faultf("", "is empty; "+minimal)
		return c, file.Faults()
	}
	check{file, c}.all()
	return c, file.Faults()
}
