package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"testing"
)

// The page names the bits of the core's state, which no interface promises: its
// list must be that of the source.
func TestNamesOfFlags(t *testing.T) {
	source, err := parser.ParseFile(token.NewFileSet(), "../../core/conn.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, decl := range source.Decls {
		if names := constantsOf(decl, "flags"); names != nil {
			want = names
		}
	}
	script, err := content.ReadFile("page/state.js")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)flagNames = \[(.*?)\]`).FindSubmatch(script)
	if list == nil {
		t.Fatal("page/state.js has no flagNames")
	}
	var got []string
	for _, name := range regexp.MustCompile(`'(\w+)'`).FindAllSubmatch(list[1], -1) {
		got = append(got, string(name[1]))
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("page/state.js has the flags\n%q, core/conn.go\n%q", got, want)
	}
}

// constantsOf returns the names that a declaration gives to constants, nil if
// the first of them is not of the named type.
func constantsOf(decl ast.Decl, kind string) []string {
	group, ok := decl.(*ast.GenDecl)
	if !ok || group.Tok != token.CONST {
		return nil
	}
	first, _ := group.Specs[0].(*ast.ValueSpec)
	if name, ok := first.Type.(*ast.Ident); !ok || name.Name != kind {
		return nil
	}
	var names []string
	for _, spec := range group.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			names = append(names, name.Name)
		}
	}
	return names
}
