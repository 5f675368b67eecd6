// Package locales holds the words callers read and hear, one file a language.
// To add a language, add its file; package locale says what one holds. words/
// lists the words that somebody attests (words/NOTICE says who).
package locales

import "embed"

// Files are the locale files, and the lists of attested words.
//
//go:embed *.toml words
var Files embed.FS
