// Package locales holds the words callers read and hear, one file a language.
// To add a language, add its file; package locale says what one holds.
package locales

import "embed"

// Files are the locale files.
//
//go:embed *.toml
var Files embed.FS
