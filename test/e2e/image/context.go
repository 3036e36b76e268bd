package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// copyContext copies what a container engine would be sent of a folder.
func copyContext(from, to string) error {
	ignored, err := readIgnored(from)
	if err != nil {
		return err
	}
	tree := os.DirFS(from)
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		skip, err := ignored.MatchesOrParentMatches(name)
		switch {
		case err != nil:
			return err
		case skip && entry.IsDir() && !ignored.Exclusions():
			return fs.SkipDir
		case skip || !entry.Type().IsRegular():
			return nil
		}
		return copyFile(filepath.Join(from, name), filepath.Join(to, name))
	})
}

func readIgnored(folder string) (*patternmatcher.PatternMatcher, error) {
	file, err := os.Open(filepath.Join(folder, ".dockerignore")) //nolint:gosec // the repository's own file
	if errors.Is(err, fs.ErrNotExist) {
		return patternmatcher.New(nil)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from) //nolint:gosec // a file of the repository
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm()) //nolint:gosec // the same name below another folder
}
