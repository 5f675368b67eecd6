package config

import (
	"bufio"
	"os"
	"strings"
)

// Line gives the line of a key in a section of a file, from 1: where the section
// begins when the key isn't found on a line of its own, 1 when nothing is.
func Line(path, section, key string) int {
	f, err := os.Open(path)
	if err != nil {
		return 1
	}
	defer f.Close()
	found, in := 1, false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		name, _, assigns := strings.Cut(text, "=")
		switch {
		case strings.HasPrefix(text, "["):
			if in = strings.HasPrefix(text, "["+section+"]"); in {
				found = n
			}
		case assigns && (in && strings.TrimSpace(name) == key || strings.TrimSpace(name) == section+"."+key):
			return n
		}
	}
	return found
}
