package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file whose name holds its content's hash, so that it may be kept
// for ever: it matters on a link of 50 kbit/s.
type asset struct {
	kind    string
	content []byte
	packed  []byte // gzip
}

type assets struct {
	byName map[string]asset
	style  string // URLs
	icon   string
}

func loadAssets() (assets, error) {
	a := assets{byName: map[string]asset{}}
	urls := map[string]string{}
	// Pictures first: the style sheet names one of them.
	for _, f := range []struct{ name, kind string }{
		{"band.svg", "image/svg+xml"}, {"icon.svg", "image/svg+xml"}, {"console.css", "text/css; charset=utf-8"},
	} {
		b, err := assetFiles.ReadFile("assets/" + f.name)
		if err != nil {
			return a, fmt.Errorf("reading the console's files: %w", err)
		}
		if f.name == "console.css" {
			b = bytes.ReplaceAll(b, []byte("band.svg"), []byte(path.Base(urls["band.svg"])))
		}
		sum := sha256.Sum256(b)
		base, ext, _ := strings.Cut(f.name, ".")
		name := base + "." + hex.EncodeToString(sum[:6]) + "." + ext
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return a, fmt.Errorf("packing the console's files: %w", err)
		}
		if _, err = z.Write(b); err == nil {
			err = z.Close()
		}
		if err != nil {
			return a, fmt.Errorf("packing the console's files: %w", err)
		}
		a.byName[name] = asset{kind: f.kind, content: b, packed: packed.Bytes()}
		urls[f.name] = root + "/assets/" + name
	}
	a.style, a.icon = urls["console.css"], urls["icon.svg"]
	return a, nil
}

// asset serves a file to whoever asks: there is nothing of anyone's in them.
func (c *Console) asset(f *fiber.Ctx) error {
	secure(f)
	a, ok := c.assets.byName[f.Params("name")]
	if !ok {
		return f.Status(http.StatusNotFound).SendString("")
	}
	f.Set(fiber.HeaderContentType, a.kind)
	f.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	f.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if strings.Contains(f.Get(fiber.HeaderAcceptEncoding), "gzip") {
		f.Set(fiber.HeaderContentEncoding, "gzip")
		return f.Send(a.packed)
	}
	return f.Send(a.content)
}
