// Package flows embeds the menus: one TOML file a flow, and the transcripts that
// tell what it does, those by hand beside it and those generated in transcripts/.
package flows

import "embed"

// Files holds the flow files and their transcripts.
//
//go:embed *.toml *.transcript transcripts
var Files embed.FS
