package simulator

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that the page asks for.
type asset struct {
	url         string // with a hash of the contents, so that it may be kept for ever
	contentType string
	body        []byte
}

// assets are the page's files by name.
type assets map[string]asset

func loadAssets() assets {
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	all := assets{}
	entries, _ := assetFiles.ReadDir("assets") // embedded: it cannot fail
	for _, e := range entries {
		body, _ := assetFiles.ReadFile("assets/" + e.Name())
		sum := sha256.Sum256(body)
		all[e.Name()] = asset{
			url:         "/simulator/assets/" + hex.EncodeToString(sum[:6]) + "/" + e.Name(),
			contentType: types[path.Ext(e.Name())],
			body:        body,
		}
	}
	return all
}
