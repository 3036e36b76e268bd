package exception

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
		data, err := read(Locate(dir, name))
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

// read returns the content of a regular file, one byte more than is allowed at
// most. Its errors say what is wrong without the path: who asks knows the name.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no such file; paths are relative to the configuration file")
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", errors.Unwrap(err))
	case info.IsDir():
		return nil, errors.New("is a directory; name the files in it")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", errors.Unwrap(err))
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, strict.MaxSize+1))
}
