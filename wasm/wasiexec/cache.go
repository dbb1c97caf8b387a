package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tetratelabs/wazero"
)

// cacheSize is how many bytes of compiled programs are kept. A test binary has
// 20 to 60 MiB, and each change of it makes another.
const cacheSize = 1 << 30

// openCache opens the directory of compiled programs, and clears it of old ones.
func openCache() (wazero.CompilationCache, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("compiled programs cannot be kept: %w; set WASIEXEC_CACHE to a directory that can be written", err)
	}
	if err := trim(dir, cacheSize); err != nil {
		return nil, fmt.Errorf("old compiled programs cannot be removed: %w", err)
	}
	return cache, nil
}

func cacheDir() (string, error) {
	if dir := os.Getenv("WASIEXEC_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("compiled programs cannot be kept: %w; set WASIEXEC_CACHE to a directory", err)
	}
	return filepath.Join(dir, "wasiexec"), nil
}

// trim leaves in dir the newest of the files that wazero keeps there, of all its
// versions, up to size bytes.
func trim(dir string, size int64) error {
	files, err := kept(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b keptFile) int { return cmp.Compare(b.info.ModTime().UnixNano(), a.info.ModTime().UnixNano()) })
	for _, f := range files {
		size -= f.info.Size()
		if size >= 0 {
			continue
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

type keptFile struct {
	path string
	info fs.FileInfo
}

// kept lists the files of the cache. Another process may remove some meanwhile.
func kept(dir string) ([]keptFile, error) {
	names, err := fs.Glob(os.DirFS(dir), "wazero-*/*")
	if err != nil {
		return nil, err
	}
	var files []keptFile
	for _, name := range names {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, keptFile{path, info})
	}
	return files, nil
}
