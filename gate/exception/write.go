package exception

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile puts a file's new content in the place of the old one, at once: who
// reads it meanwhile reads the one or the other. Its mode stays, and so does a
// symbolic link to it. A file that is not there is made.
func WriteFile(path string, data []byte) error {
	mode := fs.FileMode(0o644)
	target, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = path
	case err != nil:
		return fmt.Errorf("%s: cannot be written: %w", path, err)
	default:
		info, err := os.Stat(target)
		if err != nil {
			return fmt.Errorf("%s: cannot be written: %w", path, err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s: is not a regular file", path)
		}
		mode = info.Mode().Perm()
	}
	if err := replace(target, data, mode); err != nil {
		return fmt.Errorf("%s: cannot be written: %w", path, err)
	}
	return nil
}

// replace writes beside the file and renames: half a file is never seen.
func replace(path string, data []byte, mode fs.FileMode) (err error) {
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
