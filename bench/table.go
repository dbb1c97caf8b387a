package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A table is printed as text, or in Markdown.
type table struct {
	title  string
	header []string
	rows   [][]string
}

// add adds a row of any values.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

func (t *table) print(out io.Writer, markdown bool) error {
	if markdown {
		return t.markdown(out)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s\n\n%s\n", t.title, strings.Join(t.header, "\t"))
	for _, row := range t.rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func (t *table) markdown(out io.Writer) error {
	lines := []string{"", t.title, "", "| " + strings.Join(t.header, " | ") + " |", strings.Repeat("| --- ", len(t.header)) + "|"}
	for _, row := range t.rows {
		lines = append(lines, "| "+strings.Join(row, " | ")+" |")
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
