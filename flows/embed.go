// Package flows embeds the menus: one TOML file a flow.
package flows

import "embed"

// Files holds the flow files.
//
//go:embed *.toml
var Files embed.FS
