package core_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/fb1e3c20/websockets/"

// pure lists the packages that promise to be pure, by their directory, and
// what each may import.
var pure = map[string][]string{
	".":        {"math/bits", "time", module + "clock", module + "core/deflate", module + "core/frame"},
	"deflate":  {},
	"frame":    {"math/bits"},
	"../clock": {"math", "time"},
}

// files parses the package in dir, without its tests.
func files(t *testing.T, dir string) (*token.FileSet, []*ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	var list []*ast.File
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	if len(list) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	return fset, list
}

func TestPureImports(t *testing.T) {
	for dir, allowed := range pure {
		fset, list := files(t, dir)
		for _, f := range list {
			for _, spec := range f.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(allowed, path) {
					t.Errorf("%s: imports %s", fset.Position(spec.Pos()), path)
				}
			}
		}
	}
}

// of time only the type Duration and its units are pure.
var pureTime = []string{"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}

func TestPureSyntax(t *testing.T) {
	for dir := range pure {
		fset, list := files(t, dir)
		complain := func(n ast.Node, what string) { t.Errorf("%s: %s", fset.Position(n.Pos()), what) }
		for _, f := range list {
			for _, group := range f.Comments {
				for _, c := range group.List {
					if strings.HasPrefix(c.Text, "//go:linkname") {
						complain(c, "a linkname")
					}
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					complain(n, "a go statement")
				case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
					complain(n, "a channel")
				case *ast.MapType:
					complain(n, "a map")
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && x.Obj == nil && !slices.Contains(pureTime, n.Sel.Name) {
						complain(n, "time."+n.Sel.Name)
					}
				case *ast.CallExpr:
					if x, ok := n.Fun.(*ast.Ident); ok && (x.Name == "print" || x.Name == "println" || x.Name == "panic") {
						complain(n, x.Name)
					}
				}
				return true
			})
		}
	}
}

// Package state that changes would be an input that nobody sees: the only
// variables are tables, and errors.
func TestPureVariables(t *testing.T) {
	for dir := range pure {
		fset, list := files(t, dir)
		tables := map[string]bool{}
		for _, f := range list {
			for _, d := range f.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, s := range g.Specs {
						for _, name := range s.(*ast.ValueSpec).Names {
							tables[name.Name] = true
						}
					}
				}
			}
		}
		for _, f := range list {
			ast.Inspect(f, func(n ast.Node) bool {
				var targets []ast.Expr
				switch n := n.(type) {
				case *ast.AssignStmt:
					if n.Tok != token.DEFINE {
						targets = n.Lhs
					}
				case *ast.IncDecStmt:
					targets = []ast.Expr{n.X}
				}
				for _, x := range targets {
					if name := root(x); name != nil && tables[name.Name] && isGlobal(name) {
						t.Errorf("%s: %s is assigned to", fset.Position(n.Pos()), types.ExprString(x))
					}
				}
				return true
			})
		}
	}
}

func root(x ast.Expr) *ast.Ident {
	switch x := x.(type) {
	case *ast.Ident:
		return x
	case *ast.IndexExpr:
		return root(x.X)
	case *ast.SelectorExpr:
		return root(x.X)
	}
	return nil
}

// isGlobal reports whether name is not declared in a function: the parser
// resolves local names, and those of the same file.
func isGlobal(name *ast.Ident) bool {
	if name.Obj == nil {
		return true
	}
	_, isSpec := name.Obj.Decl.(*ast.ValueSpec)
	return isSpec
}

// What the core pulls in, at any depth, has no way to the outside, but for what
// package time itself needs; TestPureSyntax sees to it that its clock is not
// used.
func TestPureDependencies(t *testing.T) {
	forbidden := []string{"os", "net", "fmt", "io", "log", "reflect", "math/rand", "crypto", "context", "bufio", "strings", "bytes", "encoding", "strconv"}
	for dir := range pure {
		for path := range dependencies(t, dir) {
			for _, bad := range forbidden {
				if path == bad || strings.HasPrefix(path, bad+"/") {
					t.Errorf("%s pulls in %s", dir, path)
				}
			}
		}
	}
}

// dependencies walks the imports of the package in dir.
func dependencies(t *testing.T, dir string) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	var walk func(dir string)
	walk = func(dir string) {
		p, err := build.Default.ImportDir(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range p.Imports {
			if seen[path] || path == "unsafe" || path == "C" {
				continue
			}
			seen[path] = true
			walk(sourceOf(t, path))
		}
	}
	walk(dir)
	return seen
}

// sourceOf returns the directory of an imported package.
func sourceOf(t *testing.T, path string) string {
	t.Helper()
	if inner, ok := strings.CutPrefix(path, module); ok {
		return filepath.Join("..", filepath.FromSlash(inner))
	}
	for _, dir := range []string{path, "vendor/" + path} {
		full := filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(dir))
		if isDir(full) {
			return full
		}
	}
	t.Fatalf("where is %s?", path)
	return ""
}

func isDir(name string) bool {
	found := false
	err := filepath.WalkDir(name, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			found = true
		}
		return fs.SkipAll
	})
	return found && err == nil
}
