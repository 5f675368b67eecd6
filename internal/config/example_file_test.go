package config_test

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"lafia/internal/config"
)

// exampleFile is config.example.toml.
func exampleFile(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// commented is a key that the example leaves out: "# key = …".
var commented = regexp.MustCompile(`(?m)^# ([A-Za-z0-9_]+ = )`)

// replaced is a file with what stands for secrets put in.
func replaced(content string) string {
	return strings.ReplaceAll(content, "change-me", "0123456789abcdef")
}

func TestTheExampleIsValidButForWhatIsToBeReplaced(t *testing.T) {
	_, err := config.Read(write(t, exampleFile(t)), known)
	var all config.Errors
	if !errors.As(err, &all) || len(all) != 1 || all[0].Key != "channel.tokens" {
		t.Errorf("as it stands: %v", err)
	}
	if _, err := config.Read(write(t, replaced(exampleFile(t))), known); err != nil {
		t.Errorf("with its placeholders replaced: %v", err)
	}
	path := write(t, replaced(commented.ReplaceAllString(exampleFile(t), "$1")))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(filepath.Dir(path), "signature"), "secret")
	put(t, path, strings.ReplaceAll(string(content), "file:/run/secrets/signature", "file:signature"))
	if _, err := config.Read(path, known); err != nil {
		t.Errorf("with every key: %v", err)
	}
}

// fields lists the keys of a struct and their defaults, below a prefix.
func fields(prefix string, v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		key := prefix + v.Type().Field(i).Tag.Get("toml")
		_, text := f.Interface().(encoding.TextMarshaler)
		switch {
		case f.Type() == reflect.TypeFor[[]config.Channel]():
			fields(key+".", reflect.ValueOf(config.DefaultChannel()), into)
		case f.Kind() == reflect.Struct && !text:
			fields(key+".", f, into)
		default:
			into[key] = f
		}
	}
}

// keysOf lists the keys of a document; what is below a map's key is free.
func keysOf(prefix string, v any, free []string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if slices.Contains(free, prefix) {
			into[prefix] = true
			return
		}
		for name, below := range v {
			key := name
			if prefix != "" {
				key = prefix + "." + name
			}
			keysOf(key, below, free, into)
		}
	case []any:
		if len(v) > 0 {
			if _, table := v[0].(map[string]any); table {
				for _, below := range v {
					keysOf(prefix, below, free, into)
				}
				return
			}
		}
		into[prefix] = true
	default:
		into[prefix] = true
	}
}

func TestTheExampleHasEveryKeyAndNoOther(t *testing.T) {
	want := map[string]reflect.Value{}
	fields("", reflect.ValueOf(config.Default()), want)
	var free []string
	for key, f := range want {
		if f.Kind() == reflect.Map {
			free = append(free, key)
		}
	}
	values := map[string]any{}
	if err := toml.Unmarshal([]byte(commented.ReplaceAllString(exampleFile(t), "$1")), &values); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	keysOf("", values, free, got)
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !got[key] {
			t.Errorf("%s is not in config.example.toml", key)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is in config.example.toml and no field has it", key)
		}
	}
}

func TestTheExampleTellsTheDefaultOfEveryKey(t *testing.T) {
	all := map[string]reflect.Value{}
	fields("", reflect.ValueOf(config.Default()), all)
	told := comments(exampleFile(t))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		var want string
		switch v := all[key].Interface().(type) {
		case config.Duration:
			want = fmt.Sprintf("Default: %q", v)
		case slog.Level:
			want = fmt.Sprintf("Default: %q", strings.ToLower(v.String()))
		case string:
			want = fmt.Sprintf("Default: %q", v)
		case bool, int, int32, float64:
			want = fmt.Sprintf("Default: %v", v)
		default:
			want = "Default: "
		}
		comment := told[key]
		if !strings.Contains(comment, want) && !strings.Contains(comment, "Required.") {
			t.Errorf("%s: %q does not say %q", key, comment, want)
		}
	}
}

// comments gives the lines of comment above each key or table of the example.
func comments(content string) map[string]string {
	told := map[string]string{}
	table := ""
	var above []string
	for line := range strings.Lines(content) {
		line = commented.ReplaceAllString(strings.TrimSpace(line), "$1")
		switch {
		case line == "":
			above = nil
		case strings.HasPrefix(line, "#"):
			above = append(above, strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
		default:
			key := ""
			if strings.HasPrefix(line, "[") {
				table = strings.Trim(line, "[]") + "."
				key = strings.TrimSuffix(table, ".")
			} else {
				name, _, _ := strings.Cut(line, " =")
				key = table + name
			}
			told[key] = strings.Join(above, " ")
			above = nil
		}
	}
	return told
}

// Every adapter's sample.toml is what somebody copies into config.toml.
func TestEveryAdaptersSampleIsAChannelWithItsPlaceholdersReplaced(t *testing.T) {
	samples, err := filepath.Glob("../../gateway/*/sample.toml")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range samples {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		adapter := filepath.Base(filepath.Dir(path))
		if _, err := config.Read(write(t, servers+replaced(string(b))), []string{adapter}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
