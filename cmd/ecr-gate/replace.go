package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile puts a file's new content in the place of the old one, at once: who
// reads it meanwhile reads the one or the other, and half of one could be read as all
// there is. Its mode stays, and so does a symbolic link to it. A file that is not
// there is made.
func replaceFile(path string, data []byte) error {
	mode := fs.FileMode(0o644)
	target, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = path
	case err != nil:
		return cause(err)
	default:
		info, err := os.Stat(target)
		if err != nil {
			return cause(err)
		}
		if !info.Mode().IsRegular() {
			return errors.New("is not a regular file")
		}
		mode = info.Mode().Perm()
	}
	return cause(renameOver(target, data, mode))
}

// renameOver writes beside the file and renames.
func renameOver(path string, data []byte, mode fs.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // the other error says more
		}
	}()
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
